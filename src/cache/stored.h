/* A stored response: what the policy judges and the stores keep.
 *
 * Immutable once made, counted, readable from any thread. What a decision needs is worked out once,
 * when it is made, so that a hit reads a few numbers. Times are seconds since 1970 (wall clock). */
#ifndef VI_CACHE_STORED_H
#define VI_CACHE_STORED_H

#include "cache/cache_control.h"
#include "message/request.h"
#include "message/response.h"

typedef struct vi_stored {
  atomic_uint references;
  vi_response *response;
  vi_headers selecting; /* the request's fields that Vary names, joined; absent ones left out */
  vi_buffer vary;       /* the names themselves, as in the response; empty: no Vary */
  vi_cache_control control;
  bool shared; /* of a cache for many users; one for a single user has entries of its own */
  double response_time; /* when the response arrived or was last validated */
  double initial_age;   /* its age then (RFC 9111 4.2.3) */
  double lifetime;      /* RFC 9111 4.2.1, for a shared or private cache as asked; 0: stale */
  double date;          /* the Date field, or response_time */
} vi_stored;

/* Makes an entry of `response`, an answer to `request` that was sent at `request_time` and came at
 * `response_time`. The response is copied without its hop-by-hop fields, its body shared. NULL:
 * out of memory. */
vi_stored *vi_stored_new(const vi_request *request, const vi_response *response,
                         double request_time, double response_time, bool shared);

/* Takes out the fields of one connection only, those that Connection names too (RFC 9111 3.1).
 * False: out of memory. */
bool vi_stored_drop_connection_fields(vi_headers *headers);

/* One more holder, and one less; the last one frees. Releasing NULL is ignored. */
vi_stored *vi_stored_retain(vi_stored *stored);
void vi_stored_release(vi_stored *stored);

/* Bytes of memory that it holds, those of its response included. */
size_t vi_stored_size(const vi_stored *stored);

/* True if `request` has the same fields that Vary names (RFC 9111 4.1). */
bool vi_stored_matches(const vi_stored *stored, const vi_request *request);

/* True if both were selected by the same request fields: one replaces the other. */
bool vi_stored_same_variant(const vi_stored *a, const vi_stored *b);

/* Age at `now` (RFC 9111 4.2.3); a clock that stepped back does not make it younger than it was on
 * arrival. */
double vi_stored_age(const vi_stored *stored, double now);

/* True if it has an ETag or Last-Modified to validate it by. */
bool vi_stored_has_validator(const vi_stored *stored);

#endif
