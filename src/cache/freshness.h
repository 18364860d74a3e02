/* How old a response is and how long it may be used (RFC 9111 4.2). Times are seconds since 1970
 * on the wall clock. */
#ifndef VI_CACHE_FRESHNESS_H
#define VI_CACHE_FRESHNESS_H

#include "cache/cache_control.h"
#include "cache/policy.h"
#include "message/response.h"

typedef struct vi_freshness {
  vi_cache_control control; /* what holds for this cache */
  double response_time;
  double date;        /* the Date field, or response_time */
  double initial_age; /* when it came (4.2.3) */
  double lifetime;    /* 0: stale (4.2.1) */
  bool is_explicit;   /* the server said so; otherwise it is a guess */
} vi_freshness;

/* Works it out for a response to a request that was sent at `request_time` and answered at
 * `response_time`. */
vi_freshness vi_freshness_of(const vi_policy *policy, const vi_response *response,
                             double request_time, double response_time);

/* 5.2.2.2, 5.2.2.8, 5.2.2.10: true if the server forbids to use it stale, whatever the client
 * allows. */
bool vi_is_never_stale(const vi_policy *policy, const vi_cache_control *control);

/* True for statuses that may be stored without being told (RFC 9110 15.1). */
bool vi_status_is_heuristically_cacheable(int status);

#endif
