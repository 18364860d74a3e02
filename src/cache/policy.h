/* The rules of RFC 9111: pure functions from what is known to what is to be done. No I/O, no
 * clock, no store. Each rule names its section. */
#ifndef VI_CACHE_POLICY_H
#define VI_CACHE_POLICY_H

#include "cache/stored.h"

typedef struct vi_policy {
  bool shared; /* a cache for many users: `private` is not stored, s-maxage counts */
} vi_policy;

typedef enum vi_action {
  VI_ACTION_BYPASS,   /* send it on; the answer is not stored */
  VI_ACTION_FETCH,    /* send it on; the answer may be stored */
  VI_ACTION_HIT,      /* serve the selected entry */
  VI_ACTION_VALIDATE, /* send it on with the selected entry's validators */
  VI_ACTION_TIMEOUT,  /* answer 504: only-if-cached and nothing usable (5.2.1.7) */
} vi_action;

/* What to do with `request` at `now`, given the stored responses of its key. `selected` is the
 * index of the entry that HIT and VALIDATE speak of. */
vi_action vi_policy_decide(const vi_policy *policy, const vi_request *request,
                           vi_stored *const *candidates, size_t count, double now,
                           size_t *selected);

/* True if the response, an entry made of it, may be kept (RFC 9111 3). */
bool vi_policy_may_store(const vi_policy *policy, const vi_request *request,
                         const vi_stored *entry);

/* The request that validates `entry`: a copy of `request` with If-None-Match and
 * If-Modified-Since (RFC 9111 4.3.1). NULL: out of memory. */
vi_request *vi_policy_validation(const vi_request *request, const vi_stored *entry);

/* True if the 304 in `response` is about `entry` (RFC 9111 4.3.4): it has no validator that
 * contradicts. */
bool vi_policy_selects(const vi_response *response, const vi_stored *entry);

/* The stored response with the fields of the 304 (RFC 9111 3.2). NULL: out of memory. */
vi_response *vi_policy_freshen(const vi_stored *entry, const vi_response *response);

/* True if a response with this status to this request makes stored responses of its URL invalid
 * (RFC 9111 4.4). */
bool vi_policy_invalidates(const vi_request *request, const vi_response *response);

#endif
