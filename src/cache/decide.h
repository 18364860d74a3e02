/* What is to be done with a request (RFC 9111 4): a pure function from what is known to a decision.
 * No I/O, no clock, no store. Each rule names its section. */
#ifndef VI_CACHE_DECIDE_H
#define VI_CACHE_DECIDE_H

#include "cache/stored.h"

typedef enum vi_action {
  VI_ACTION_BYPASS,   /* send it on; the answer is not stored */
  VI_ACTION_FETCH,    /* send it on; the answer may be stored */
  VI_ACTION_HIT,      /* serve the selected entry */
  VI_ACTION_REFRESH,  /* serve the selected entry, and validate it behind the caller's back; who
                       * cannot do so validates it before his eyes */
  VI_ACTION_VALIDATE, /* send it on with validators */
  VI_ACTION_COMPLETE, /* send it on for the part that the selected entry lacks */
  VI_ACTION_TIMEOUT,  /* answer 504: only-if-cached and nothing usable (5.2.1.7) */
} vi_action;

/* Why a request is sent on (RFC 9211 2.2). */
typedef enum vi_forward {
  VI_FORWARD_NONE,
  VI_FORWARD_BYPASS,
  VI_FORWARD_METHOD,
  VI_FORWARD_URI_MISS,
  VI_FORWARD_VARY_MISS,
  VI_FORWARD_REQUEST,
  VI_FORWARD_STALE,
  VI_FORWARD_PARTIAL,
} vi_forward;

typedef struct vi_decision {
  vi_action action;
  vi_forward forward;
  const vi_stored *selected; /* one of the candidates; NULL: none fits */
} vi_decision;

/* Decides about `request` at `now`, given the stored responses of its key. */
vi_decision vi_decide(const vi_policy *policy, const vi_request *request,
                      vi_stored *const *candidates, size_t count, double now);

/* True if `entry`, stale at `now`, may be served because the server failed: it answered with a 500,
 * 502, 503 or 504 (RFC 5861 4), or, `disconnected`, not at all (RFC 9111 4.2.4). */
bool vi_may_serve_stale(const vi_policy *policy, const vi_request *request, const vi_stored *entry,
                        bool disconnected, double now);

/* True if responses to that method may be stored at all: GET, and those that the policy names. */
bool vi_is_stored_method(const vi_policy *policy, vi_text method);

#endif
