/* A request's multipart body in libcurl's form: its mime API, fed from the parts. */
#ifndef VI_TRANSPORT_MIME_H
#define VI_TRANSPORT_MIME_H

#include "message/error.h"
#include "message/multipart.h"

#include <curl/curl.h>

/* Where the sending of one part stands. */
typedef struct vi_mime_cursor {
  const vi_part *part;
  int64_t offset;
  bool begun;
  bool again;      /* it may be read from its start another time */
  vi_error *error; /* filled if it cannot be read */
} vi_mime_cursor;

/* Zeroed: none. */
typedef struct vi_mime {
  curl_mime *mime;
  vi_mime_cursor *cursors;
} vi_mime;

/* Makes `easy` send the parts, which must outlive the sending. `again`: libcurl may send them anew
 * when a kept connection turns out to be dead. `error` says why where a part stops the sending.
 * False: out of memory; to be freed all the same. */
bool vi_mime_set(vi_mime *mime, CURL *easy, const vi_multipart *multipart, bool again,
                 vi_error *error);

/* Undoes it; harmless where nothing was set. */
void vi_mime_unset(vi_mime *mime, CURL *easy);

#endif
