/* Policy and store joined: one call before a request goes out, one when its answer is there. */
#ifndef VI_CACHE_CACHE_H
#define VI_CACHE_CACHE_H

#include "cache/policy.h"
#include "cache/store.h"

/* What a lookup found, to be kept until the answer is there. Zeroed: nothing. The holder frees it
 * with vi_verdict_clear. */
typedef struct vi_verdict {
  vi_action action;
  vi_response *response; /* HIT, TIMEOUT: the answer, ready to hand out */
  vi_request *outgoing;  /* VALIDATE: what to send instead of the request */
  vi_stored *selected;   /* VALIDATE: the entry in question */
  double request_time;
} vi_verdict;

/* Gives back what the verdict holds and leaves it empty. */
void vi_verdict_clear(vi_verdict *verdict);

/* Decides about `request` at `now`; `verdict` must be empty. A hit's response has its Age field
 * and shares the stored body. Out of memory makes it a BYPASS. */
void vi_cache_lookup(vi_store *store, const vi_policy *policy, const vi_request *request,
                     double now, vi_verdict *verdict);

/* Takes the answer to what vi_cache_lookup decided: stores it, refreshes the entry on a 304, or
 * invalidates. Returns what the caller of the cache gets, one reference. NULL: the 304 was about
 * something else, and the original request is to be sent again, past the cache.
 * `from_cache` says whether the body came from the store. */
vi_response *vi_cache_update(vi_store *store, const vi_policy *policy, const vi_request *request,
                             const vi_verdict *verdict, vi_response *response, double now,
                             bool *from_cache);

#endif
