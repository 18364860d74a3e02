/* URLs of requests: checked and brought into one form by libcurl's own parser, so that what is
 * compared (by the cache, by redirects) is what is sent. */
#ifndef VI_MESSAGE_URL_H
#define VI_MESSAGE_URL_H

#include "message/buffer.h"
#include "message/error.h"

/* Writes the normal form of `url` to `out` (cleared first, NUL behind the last byte): scheme and
 * host in lower case, no default port, no dot segments, no fragment, bytes that are not ASCII
 * percent-encoded. `query` (already encoded, may be empty) is added to the URL's own query.
 *
 * False, with a VI_ERROR_REFUSED that says what is wrong: no scheme or another than http and
 * https, no host, a backslash in it, spaces or control characters anywhere, or anything else
 * libcurl refuses. */
bool vi_url_normalize(vi_text url, vi_text query, vi_buffer *out, vi_error *error);

/* Writes the URL that `reference` stands for, seen from `base` (RFC 3986 5), in normal form without
 * its fragment; spaces in it are percent-encoded. False as vi_url_normalize. */
bool vi_url_resolve(vi_text base, vi_text reference, vi_buffer *out, vi_error *error);

/* How far the user and password in a URL's authority reach, "user:password@" included: the view
 * starts behind "//"; empty if there are none. */
vi_text vi_url_credentials(vi_text url);

/* Writes `text` percent-encoded to `out`, which has room for three times its length: all but the
 * unreserved characters of RFC 3986 2.3. Returns the length written. */
size_t vi_url_encode(vi_text text, char *out);

/* Appends "name=value", percent-encoded, to the `length` bytes at `out`, behind a "&" if there are
 * some, where there is as much room as vi_url_pair_room says. Returns the new length. */
size_t vi_url_encode_pair(vi_text name, vi_text value, char *out, size_t length);
size_t vi_url_pair_room(vi_text name, vi_text value);

/* The origin of a URL in normal form, "https://host:port" as far as written there. */
vi_text vi_url_origin(vi_text url);

/* Its host, without its port; an IPv6 address has its brackets. */
vi_text vi_url_host(vi_text url);

#endif
