/* The Vary field (RFC 9111 4.1): which fields of a request a response depends on.
 *
 * A selection is what a stored response remembers of the request that it answered: packed, for each
 * name in Vary the name in lower case, then "" for a field that was absent or "=" and its value in
 * a form that is the same for values that mean the same. */
#ifndef VI_CACHE_VARY_H
#define VI_CACHE_VARY_H

#include "cache/pack.h"
#include "cache/policy.h"

/* True if some Vary field has that member, in any case, or one that is no name and may hide it;
 * "*" matches no request ever. */
bool vi_vary_names(const vi_headers *response, vi_text name);

/* Appends the selection of a response to `request`. False: out of memory. */
bool vi_vary_select(const vi_policy *policy, const vi_headers *response, const vi_request *request,
                    vi_buffer *out);

/* Appends the cookies that the session adds to the request. Without memory for them they are
 * others, which match nothing. */
void vi_vary_read_jar(const vi_policy *policy, const vi_request *request, vi_buffer *out);

/* True if a selection has that name. */
bool vi_vary_is_by(vi_text selection, vi_text name);

/* True if `request` says the same, or, where the policy selects by it, likes best the `language`
 * that the response is in, "" for none that is known. False also when out of memory. */
bool vi_vary_matches(const vi_policy *policy, vi_text selection, vi_text language,
                     const vi_request *request);

#endif
