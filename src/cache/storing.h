/* Which responses may be stored (RFC 9111 3), and what they make invalid (4.4). */
#ifndef VI_CACHE_STORING_H
#define VI_CACHE_STORING_H

#include "cache/stored.h"

/* True if the response may be kept and could be used again; `choices` may be NULL. */
bool vi_may_store(const vi_policy *policy, const vi_request *request, const vi_response *response,
                  const vi_freshness *freshness, const vi_choices *choices);

/* What can be said before the body is there: false if it will not be stored whatever that is. */
bool vi_may_store_head(const vi_policy *policy, const vi_request *request,
                       const vi_response *response, const vi_freshness *freshness,
                       const vi_choices *choices);

/* 3.5: an answer to an authorized request is for that user unless the server says otherwise. */
bool vi_is_for_others(const vi_policy *policy, const vi_request *request,
                      const vi_cache_control *control);

/* Likewise of a stored response that was freshened: its own request was judged before. */
bool vi_may_keep(const vi_policy *policy, const vi_response *response,
                 const vi_freshness *freshness, const vi_choices *choices);

/* True if the answer to this POST is as good as one to a GET of the same URL: it says so by its
 * Content-Location, and for how long (RFC 9110 9.3.3). */
bool vi_answers_get(const vi_policy *policy, const vi_request *request, const vi_response *response,
                    const vi_freshness *freshness);

/* True if a response with this status to this request makes stored responses of its URL invalid. */
bool vi_invalidates(const vi_policy *policy, const vi_request *request,
                    const vi_response *response);

#endif
