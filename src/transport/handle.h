/* A libcurl handle, and what is kept beside it from request to request.
 *
 * It lies idle in its session's pool or serves one transfer. It has the session's options for life;
 * what one request changes on it is undone when that is over. */
#ifndef VI_TRANSPORT_HANDLE_H
#define VI_TRANSPORT_HANDLE_H

#include "message/headers.h"
#include "transport/decoder.h"
#include "transport/fields.h"
#include "transport/mime.h"

#include <curl/curl.h>

struct vi_session;
struct vi_transfer;

enum { VI_HANDLE_ROOM = 4096 };

typedef struct vi_handle {
  CURL *easy;
  struct vi_session *session;   /* not held */
  struct vi_transfer *transfer; /* whom it serves; NULL: idle */
  struct vi_handle *next;       /* in the session's pool */
  CURLU *url;
  vi_buffer origin;   /* of `url`; empty: not to be relied on */
  vi_buffer path;     /* room to cut a URL up in */
  vi_fields fields;   /* the request's header fields in libcurl's form */
  vi_mime mime;       /* the request's multipart body */
  vi_headers head;    /* of the answer that comes in */
  vi_buffer reason;   /* likewise */
  vi_buffer coded;    /* bytes of a streamed body that wait to be decoded */
  vi_decoder decoder; /* of the body that comes in */
  int socket_errno;   /* why the last socket could not be opened; 0: it could */
  bool guards_folds;  /* see fold_guard.h */
  bool custom_method, no_body, has_body, own_fields, own_cookies, fresh_connection, large_buffer,
      own_timeout;              /* to undo */
  char detail[CURL_ERROR_SIZE]; /* libcurl's own words */
  char room[VI_HANDLE_ROOM];    /* for a small body to be collected in */
} vi_handle;

/* A handle with the session's options. NULL: out of memory. */
vi_handle *vi_handle_new(struct vi_session *session);

/* Frees a handle that libcurl is not working on. NULL is ignored. */
void vi_handle_free(vi_handle *handle);

/* Sets what the transfer's request needs, for a transfer that has waited that many seconds of its
 * timeout already. False: out of memory, or libcurl refuses the URL. */
bool vi_handle_set_request(vi_handle *handle, struct vi_transfer *transfer, double waited);

/* Undoes it. */
void vi_handle_unset_request(vi_handle *handle);

#endif
