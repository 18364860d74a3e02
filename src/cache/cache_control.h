/* The Cache-Control field (RFC 9111 5.2), read so that doubt means less caching. */
#ifndef VI_CACHE_CACHE_CONTROL_H
#define VI_CACHE_CACHE_CONTROL_H

#include "message/headers.h"

enum { VI_ABSENT = -1 }; /* a directive with seconds that is not there */

typedef struct vi_cache_control {
  bool present; /* there is such a field at all */
  bool no_store, no_cache, is_private, is_public;
  bool qualified; /* a no-cache that names fields, which says nothing of the rest (5.2.2.4) */
  bool must_revalidate, proxy_revalidate, must_understand, immutable, only_if_cached;
  /* Seconds, or VI_ABSENT. An invalid value counts as 0, the smallest of several holds. For
   * min_fresh, where less is laxer, an invalid value counts as INT64_MAX and the largest holds. */
  int64_t max_age, s_maxage, min_fresh;
  int64_t max_stale; /* INT64_MAX: any staleness will do (no argument) */
  int64_t stale_while_revalidate, stale_if_error;
} vi_cache_control;

/* Reads all Cache-Control fields of a message as one list. Names are case-insensitive, a quoted
 * number is a number, what stands inside a quoted string is never a directive, `private` holds for
 * the whole response even where it names single fields, and so does a `no-cache` whose names cannot
 * be read. */
void vi_cache_control_read(const vi_headers *headers, vi_cache_control *out);

/* Reads what is said to caches like this one: the first of the `targets`, names of fields, that is
 * there, is a Structured Field and is not empty (RFC 9213 2.2). In such of several directives with
 * one name the last one counts, and ?0 is one that is not meant; one that there is no memory to
 * read says no-store. False, and nothing is written, if none is; then Cache-Control holds. */
bool vi_cache_control_read_targeted(const vi_headers *headers, const vi_text *targets, size_t count,
                                    vi_cache_control *out);

/* Takes the fields out of `headers` that a qualified no-cache in them names, but for Vary, which
 * tells whom the rest is for. */
void vi_cache_control_strip_qualified(vi_headers *headers);

#endif
