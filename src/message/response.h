/* A response: built by one owner, then immutable, counted, readable from any thread.
 *
 * Its body is counted on its own, so that a response with other header fields (one from the
 * cache, one freshened by a 304) shares the bytes. */
#ifndef VI_MESSAGE_RESPONSE_H
#define VI_MESSAGE_RESPONSE_H

#include "message/headers.h"

#include <stdatomic.h>

typedef struct vi_body {
  atomic_uint references;
  vi_buffer bytes;
} vi_body;

/* Seconds since the request was handed to libcurl; 0 where a step did not happen. */
typedef struct vi_timings {
  double dns, connect, tls, first_byte, total;
} vi_timings;

typedef struct vi_response {
  atomic_uint references;
  int status;
  int http_version;   /* 10, 11, 20, 30; 0 if it did not come off the wire */
  bool reused;        /* came over a connection that had served before */
  vi_buffer url;      /* normal form */
  vi_buffer reason;   /* may be empty; always is in HTTP/2 */
  vi_buffer encoding; /* the Content-Encoding that was undone; empty if none */
  vi_headers headers;
  vi_body *body; /* never NULL once built */
  vi_timings timings;
} vi_response;

/* An empty response with an empty body, one reference. NULL: out of memory. */
vi_response *vi_response_new(void);

/* A copy that its maker may still change before handing it on; the body is shared. NULL: out of
 * memory. */
vi_response *vi_response_copy(const vi_response *response);

/* Replaces the body by that of `from`, shared. */
void vi_response_share_body(vi_response *response, const vi_response *from);

/* One more holder; returns `response`. */
vi_response *vi_response_retain(vi_response *response);

/* One holder less; the last one frees. NULL is ignored. */
void vi_response_release(vi_response *response);

/* A view of the body's bytes. */
vi_text vi_response_body(const vi_response *response);

/* Bytes of memory that it holds, its body included. */
size_t vi_response_size(const vi_response *response);

#endif
