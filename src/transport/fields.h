/* Header fields in the form libcurl takes them: a list of lines, in memory of our own that is kept
 * from request to request. */
#ifndef VI_TRANSPORT_FIELDS_H
#define VI_TRANSPORT_FIELDS_H

#include "message/headers.h"

#include <curl/curl.h>

/* Zeroed: empty. The holder frees it with vi_fields_free. */
typedef struct vi_fields {
  vi_buffer text;
  struct curl_slist *lines; /* an array, each linked to the next */
  size_t count, capacity;
  vi_buffer cookies; /* what the Cookie fields say, as one value, NUL-terminated; empty: nothing */
} vi_fields;

/* Frees the memory and leaves an empty struct. */
void vi_fields_free(vi_fields *fields);

/* Makes the list for `headers`, then, of the fields that libcurl would add by itself, without those
 * named by `omitted` and by the lines of `suppressed` (NULL: none; a NULL ends them; what `headers`
 * has is not suppressed), then the lines of `common` (NULL: none) that neither `headers` nor
 * `omitted` name. Cookie fields go to `cookies` instead, which libcurl makes one field of with
 * those of the session. Replaces what was there; `suppressed` and `common` must outlive the list.
 * Returns what to give to libcurl, which may be `common`'s own lines, or NULL for nothing. *ok
 * turns false when out of memory. */
struct curl_slist *vi_fields_build(vi_fields *fields, const vi_headers *headers,
                                   const vi_headers *omitted, const char *const *suppressed,
                                   const vi_fields *common, bool *ok);

#endif
