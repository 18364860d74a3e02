/* Rules and store joined: one call before a request goes out, one when its answer is there. */
#ifndef VI_CACHE_CACHE_H
#define VI_CACHE_CACHE_H

#include "cache/decide.h"
#include "cache/refusal.h"
#include "cache/store.h"

/* Under which key a request's responses stand. Texts are the caller's; zeroed: the URL alone. */
typedef struct vi_key_choices {
  vi_text partition; /* keeps apart what is for different users */
  vi_text custom;    /* in the URL's place; no data: none */
} vi_key_choices;

/* What a lookup found, to be kept until the answer is there. Zeroed: nothing. The holder frees it
 * with vi_verdict_clear. */
typedef struct vi_verdict {
  bool is_lazy; /* set by the caller: a HIT has no `response` where vi_answer_whole can make it any
                 * time, of `selected` and `request_time` */
  bool is_peek; /* likewise: nothing will come of it, and it is neither counted nor a use */
  vi_action action;
  vi_forward forward;
  vi_response *response;     /* HIT, REFRESH, TIMEOUT: the answer, ready to hand out */
  vi_request *outgoing;      /* what to send instead of the request; NULL: the request itself */
  const vi_stored *selected; /* the candidate that fits the request; NULL: none */
  unsigned generation;       /* of the key: a later one means that it was invalidated meanwhile */
  double request_time;
  double ttl;    /* of what is served: seconds of freshness left */
  vi_buffer jar; /* cookies that the session adds, as of the lookup */
  vi_buffer key; /* empty: the request's URL */
  size_t prefix; /* bytes of it in front of the URL */
  size_t count;
  vi_stored *candidates[VI_STORE_MAX_VARIANTS]; /* only so many of them mean anything */
} vi_verdict;

/* What became of an answer. */
typedef struct vi_outcome {
  vi_response *response; /* for the caller, one reference; NULL: the answer was of no use, and the
                          * original request is to be sent again, past the cache */
  bool from_cache;       /* its body came from the store */
  bool stored;
  vi_refusal refusal; /* why not, if an answer came that might have been */
  double ttl;         /* of what was stored or served */
} vi_outcome;

/* Gives back what the verdict holds and leaves it empty. */
void vi_verdict_clear(vi_verdict *verdict);

/* Decides about `request` at `now`; `verdict` must be empty but for `is_lazy` and `is_peek`. A
 * hit's response has its Age field and shares the stored body. Out of memory makes it a BYPASS. */
void vi_cache_lookup(vi_store *store, const vi_policy *policy, const vi_request *request,
                     const vi_key_choices *key, double now, vi_verdict *verdict);

/* Works out the key alone, for vi_verdict_key. False: out of memory. */
bool vi_cache_key(const vi_policy *policy, const vi_request *request, const vi_key_choices *choices,
                  vi_verdict *verdict);

/* The key that the verdict is about. */
vi_text vi_verdict_key(const vi_verdict *verdict, const vi_request *request);

/* True if others who ask for the same may wait for the answer to this request: it may turn out to
 * be for all of them. */
bool vi_verdict_collapses(const vi_verdict *verdict, const vi_request *request);

/* True if the answer to `request` whose head has come, with an empty body yet, may turn out to be
 * the one to `other`, too, which asks for the same; or, a 304, may freshen it. */
bool vi_cache_serves(const vi_policy *policy, const vi_request *request, const vi_response *head,
                     const vi_request *other, double now);

/* True if it matters what the user says of the answer, whose head is there, since it may be kept or
 * freshen what is. `overrules`: he may say for how long. */
bool vi_cache_minds(const vi_policy *policy, const vi_request *request, const vi_verdict *verdict,
                    const vi_response *head, bool overrules, double now);

/* Takes the answer to what vi_cache_lookup decided: stores it, refreshes the entry on a 304,
 * completes a part, invalidates, or serves the stale entry in the place of a server error.
 * `streamed`: its body is not there and will not be. `choices` may be NULL. */
vi_outcome vi_cache_update(vi_store *store, const vi_policy *policy, const vi_request *request,
                           const vi_verdict *verdict, vi_response *response, bool streamed,
                           const vi_choices *choices, double now);

/* The answer to a request that failed on its way: the stale entry, if that may be; else NULL. */
vi_response *vi_cache_rescue(vi_store *store, const vi_policy *policy, const vi_request *request,
                             const vi_verdict *verdict, double now);

#endif
