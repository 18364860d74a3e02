/* The response that a caller gets out of a stored one. */
#ifndef VI_CACHE_ANSWER_H
#define VI_CACHE_ANSWER_H

#include "cache/stored.h"

/* The entry's response in the form that `request` asks for: whole, without its body for a HEAD, the
 * part that Range names, or 304 to a condition of the caller's; with its Age at `now`. One
 * reference. NULL: out of memory, or the entry is a part and has not all that Range names. */
vi_response *vi_answer(const vi_stored *entry, const vi_request *request, double now);

/* Likewise to a GET without header fields of the URL that the response was from. */
vi_response *vi_answer_whole(const vi_stored *entry, double now);

/* 504 (RFC 9111 5.2.1.7). NULL: out of memory. */
vi_response *vi_answer_timeout(const vi_request *request);

/* The whole of `part`, an entry, and `rest`, the 206 that was asked for what it lacks, as a 200.
 * NULL: they are not of the same whole or do not fit together, or out of memory. */
vi_response *vi_combine(const vi_stored *part, const vi_response *rest, vi_text url);

#endif
