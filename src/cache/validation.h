/* Conditions (RFC 9111 4.3): asking the origin whether an entry still holds, understanding its 304,
 * and answering a caller's own. */
#ifndef VI_CACHE_VALIDATION_H
#define VI_CACHE_VALIDATION_H

#include "cache/stored.h"

/* The request that asks about `selected` by its ETag and Last-Modified; or, where no entry matches
 * the request and `selected` is NULL, about all candidates by their ETags (4.3.1). NULL: out of
 * memory. */
vi_request *vi_validation_request(const vi_policy *policy, const vi_request *request,
                                  const vi_stored *selected, vi_stored *const *candidates,
                                  size_t count);

/* The request for what `part` lacks at its end, if the whole is still the same (RFC 9110 13.1.5).
 * NULL: out of memory. */
vi_request *vi_completion_request(const vi_request *request, const vi_stored *part);

/* The entry that the 304 in `response` is about (4.3.4); NULL: none of those that were asked
 * about. */
const vi_stored *vi_validated(const vi_policy *policy, const vi_response *response,
                              const vi_stored *selected, vi_stored *const *candidates,
                              size_t count);

/* The stored response with the fields of `response`, a 304 or the answer to a HEAD (3.2), from
 * `url`. NULL: out of memory. */
vi_response *vi_freshened(const vi_stored *entry, vi_text url, const vi_response *response);

/* 4.3.5: true if the answer to a HEAD speaks of the same representation as the entry. */
bool vi_head_confirms(const vi_response *response, const vi_stored *entry);

/* 4.3.2: true if the caller's own If-None-Match or If-Modified-Since is to be answered 304 by that
 * entry. */
bool vi_not_modified(const vi_request *request, const vi_stored *entry);

/* RFC 9110 13.1.5: true if the caller's If-Range, if there is one, lets its Range count. */
bool vi_if_range_holds(const vi_request *request, const vi_stored *entry);

#endif
