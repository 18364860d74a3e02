/* A response: built by one owner, then immutable, counted, readable from any thread.
 *
 * All that a head says lies in one block of memory. The body is counted on its own, so that a
 * response with other header fields (one from the cache, one freshened by a 304) shares the
 * bytes. */
#ifndef VI_MESSAGE_RESPONSE_H
#define VI_MESSAGE_RESPONSE_H

#include "message/account.h"
#include "message/headers.h"

#include <stdatomic.h>

typedef struct vi_body {
  atomic_uint references;
  vi_buffer bytes;
  _Atomic(vi_account *) account; /* that its size was taken from, one reference; NULL: none */
} vi_body;

/* Seconds since the request was handed to libcurl; 0 where a step did not happen. */
typedef struct vi_timings {
  double dns, connect, tls, first_byte, total;
} vi_timings;

enum { VI_ADDRESS_SIZE = 46 }; /* of an IPv6 address as text, with its NUL */

typedef struct vi_response {
  atomic_uint references;
  int status;
  int http_version;   /* 10, 11, 20, 30; 0 if it did not come off the wire */
  bool reused;        /* came over a connection that had served before */
  bool unbounded;     /* nothing but the connection's end marked the body's (RFC 9112 6.3) */
  bool apart;         /* the body stands in a store, and `body` is what it is known by there */
  vi_buffer url;      /* normal form */
  vi_buffer reason;   /* may be empty; always is in HTTP/2 */
  vi_buffer encoding; /* the Content-Encoding that was undone; empty if none */
  vi_headers headers;
  vi_body *body; /* never NULL once built */
  vi_timings timings;
  char remote_address[VI_ADDRESS_SIZE]; /* of the server or the proxy; "" if unknown */
  uint16_t remote_port;
  struct vi_response *interim; /* the 1xx answer before it, and through that the ones before;
                                * owned; NULL: none */
} vi_response;

/* An empty response with an empty body, one reference, to be filled by its maker. NULL: out of
 * memory. */
vi_response *vi_response_new(void);

/* A response of that head, one reference, in one block with room for another field or two; all
 * texts are copied. Its body is `body`, whose reference it takes over also when it fails; or empty
 * and not to be filled where `body` is NULL. NULL: out of memory. */
vi_response *vi_response_make(vi_text url, vi_text reason, vi_text encoding,
                              const vi_headers *headers, vi_body *body);

/* Likewise without fields yet, with room for that many of them with that many bytes of names and
 * values in all, and for another or two. */
vi_response *vi_response_prepare(vi_text url, vi_text reason, vi_text encoding, size_t field_count,
                                 size_t field_bytes, vi_body *body);

/* A copy that its maker may still change before handing it on; the body is shared. NULL: out of
 * memory. */
vi_response *vi_response_copy(const vi_response *response);

/* One more holder; returns `response`. */
vi_response *vi_response_retain(vi_response *response);

/* One holder less; the last one frees. NULL is ignored. */
void vi_response_release(vi_response *response);

/* A view of the body's bytes. */
vi_text vi_response_body(const vi_response *response);

/* Bytes of memory that it holds, its body and the interim answers before it included. */
size_t vi_response_size(const vi_response *response);

/* A body of a copy of those bytes, in one block; one reference. NULL: out of memory. */
vi_body *vi_body_new(vi_text bytes);

/* A body of the bytes in `bytes`, which owns them and is left empty; one reference. NULL: out of
 * memory, and `bytes` is as it was. */
vi_body *vi_body_take(vi_buffer *bytes);

/* One more holder; returns `body`. */
vi_body *vi_body_retain(vi_body *body);

/* One holder less; the last one frees. NULL is ignored. */
void vi_body_release(vi_body *body);

/* Bytes of memory that it holds. */
size_t vi_body_size(const vi_body *body);

/* Takes its size from the account until it is freed; `already` bytes of that were taken before. It
 * is not to be filled any more. False, and nothing has changed: there are not so many left. */
bool vi_body_charge(vi_body *body, vi_account *account, size_t already);

/* Gives that back before: from now on somebody counts it who has a bound of his own. */
void vi_body_discharge(vi_body *body);

#endif
