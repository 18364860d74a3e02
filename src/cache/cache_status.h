/* What a cache had to do with a response, and how it says so (RFC 9211). */
#ifndef VI_CACHE_CACHE_STATUS_H
#define VI_CACHE_CACHE_STATUS_H

#include "cache/decide.h"
#include "cache/refusal.h"

typedef struct vi_cache_facts {
  bool asked; /* there was a cache */
  bool hit;
  bool stored;
  bool collapsed;         /* another's request was waited for */
  uint8_t forward;        /* a vi_forward: why it was sent on */
  uint8_t refusal;        /* a vi_refusal: why the answer to that was not stored */
  int16_t forward_status; /* what the answer to that was; 0: nothing was sent, or no answer came */
  double ttl;             /* seconds of freshness left, negative if it was stale */
} vi_cache_facts;

/* The word for a reason, "" for none. Static. */
const char *vi_forward_name(vi_forward forward);

/* Adds a Cache-Status field to a response that is still being made. False: out of memory. */
bool vi_cache_status_add(const vi_cache_facts *facts, vi_headers *headers);

#endif
