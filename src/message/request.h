/* A request: an immutable value, counted, readable from any thread.
 *
 * Made whole by vi_request_new or as a changed copy; whoever holds a pointer got by new, copy or
 * retain gives it back with vi_request_release.
 *
 * A view is a request that shows the texts and the body of another. It is laid into a larger block,
 * whose owner holds that other one, too; what is to outlive the block is retained. */
#ifndef VI_MESSAGE_REQUEST_H
#define VI_MESSAGE_REQUEST_H

#include "message/error.h"
#include "message/headers.h"
#include "message/multipart.h"

#include <stdatomic.h>

typedef struct vi_request {
  atomic_uint references;
  vi_buffer method; /* NUL-terminated */
  vi_buffer url;    /* normal form, NUL-terminated */
  vi_headers headers;
  vi_headers omitted; /* names, without values, of fields that nobody below is to add */
  vi_buffer body;
  int64_t body_length;     /* of a streamed body; -1: not known beforehand */
  vi_multipart *multipart; /* the body instead, one reference; NULL: none */
  double timeout;          /* seconds for the whole exchange, 0: no limit; < 0: the session's */
  double deadline;         /* seconds on the monotonic clock, for all that is done; 0: none */
  struct vi_request *base; /* of a view: what it shows the texts and body of, no view; else NULL */
  bool has_body;           /* an empty body is not the same as none */
  bool streams_body;       /* its bytes come from the caller while it is sent, not from `body` */
  bool streams_again;      /* and they can come another time */
  bool streams_response;   /* the caller wants the response's body piece by piece */
  bool idempotent;         /* the caller's word for it, whatever the method */
  bool reports_progress;   /* the caller wants to know how much of the response's body has come */
  bool reports_head;       /* and what its head says before that, where it is not streamed */
  bool has_own_headers;    /* of a view: they stand behind it, and are not those of `base` */
  bool within;             /* of a view: a larger block; it counts nobody and holds nothing */
} vi_request;

/* Makes a request without header fields; its maker adds them, checked by vi_headers_check, before
 * it hands the request on. All texts are copied; `query` (encoded) is added to the URL; `body` may
 * be NULL. NULL, with `error` filled: refused method or URL, or out of memory. */
vi_request *vi_request_new(vi_text method, vi_text url, vi_text query, const vi_text *body,
                           vi_error *error);

/* A copy that its maker may still change before it hands it on: one reference. NULL: out of
 * memory. */
vi_request *vi_request_copy(const vi_request *request);

/* The bytes of a view of the request; of one with so many fields of its own, of so many bytes. */
size_t vi_request_view_size(const vi_request *request);
size_t vi_request_view_size_for(size_t fields, size_t bytes);

/* Lays a view of the request into `room`, of that size: its maker may change what is no text, field
 * or body before handing it on. */
vi_request *vi_request_lay_view(void *room, vi_request *request);

/* Likewise, but without header fields; its maker adds them, checked, and no more than that. */
vi_request *vi_request_lay_view_for(void *room, vi_request *request, size_t fields, size_t bytes);

/* One more holder; returns `request`, or what stands for a view that lies within a larger block: a
 * copy of that. NULL, for a view alone: out of memory. */
vi_request *vi_request_retain(vi_request *request);

/* One holder less; the last one frees. NULL is ignored. */
void vi_request_release(vi_request *request);

/* True if repeating the request is as good as sending it once: by its method (RFC 9110 9.2.2), the
 * caller's word, or the key by which the server knows a repetition (Idempotency-Key). */
bool vi_request_is_idempotent(const vi_request *request);

/* True if the body is still there to be sent another time. */
bool vi_request_is_replayable(const vi_request *request);

/* True if its method is that one. */
bool vi_request_has_method(const vi_request *request, const char *method);

/* True if it is a GET or a HEAD. */
bool vi_request_reads(const vi_request *request);

/* True if the request only reads (RFC 9110 9.2.1). */
bool vi_request_is_safe(const vi_request *request);

#endif
