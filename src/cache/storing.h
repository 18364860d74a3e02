/* Which responses may be stored (RFC 9111 3), and what they make invalid (4.4). */
#ifndef VI_CACHE_STORING_H
#define VI_CACHE_STORING_H

#include "cache/refusal.h"
#include "cache/stored.h"

/* Why the response may not be stored, or could not be used again; NONE: it may. `choices` may be
 * NULL. */
vi_refusal vi_storing_refusal(const vi_policy *policy, const vi_request *request,
                              const vi_response *response, const vi_freshness *freshness,
                              const vi_choices *choices);

/* What can be said of that before the body is there. */
vi_refusal vi_head_refusal(const vi_policy *policy, const vi_request *request,
                           const vi_response *response, const vi_freshness *freshness,
                           const vi_choices *choices);

/* Likewise of a stored response that was freshened: its own request was judged before. */
vi_refusal vi_keeping_refusal(const vi_policy *policy, const vi_response *response,
                              const vi_freshness *freshness, const vi_choices *choices);

/* 3.5: an answer to an authorized request is for that user unless the server says otherwise. */
bool vi_is_for_others(const vi_policy *policy, const vi_request *request,
                      const vi_cache_control *control);

/* True if the answer to this POST is as good as one to a GET of the same URL: it says so by its
 * Content-Location, and for how long (RFC 9110 9.3.3). */
bool vi_answers_get(const vi_policy *policy, const vi_request *request, const vi_response *response,
                    const vi_freshness *freshness);

/* True if a response with this status to this request makes stored responses of its URL invalid. */
bool vi_invalidates(const vi_policy *policy, const vi_request *request,
                    const vi_response *response);

#endif
