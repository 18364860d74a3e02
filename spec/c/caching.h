/* Requests through a cache, with answers made by hand. What a function here returns is released
 * when the running test ends. */
#ifndef SPEC_CACHING_H
#define SPEC_CACHING_H

#include "cache/cache.h"
#include "entries.h"

/* What one request through a cache came to. */
typedef struct passage {
  vi_action action;
  vi_forward forward;
  const vi_request *sent; /* NULL: nothing */
  vi_response *response;  /* NULL: what was answered was of no use */
  bool from_cache, stored;
  double ttl;
} passage;

vi_store *new_store(void);

/* Sends `request` through the cache at NOW + `at`; `answer` is what the server would say. */
passage send_by(const vi_policy *policy, vi_store *store, double at, const vi_request *request,
                vi_response *answer);

/* Likewise a request with that method and fields through a shared cache. */
passage send_at(vi_store *store, double at, const char *method, const char *asked, int status,
                const char *fields, const char *body);

/* Likewise a GET. */
passage get_at(vi_store *store, double at, const char *asked, int status, const char *fields,
               const char *body);

/* A GET that has to be a hit, and its body. */
vi_text hit_at(vi_store *store, double at, const char *asked);

/* What a GET would come to. */
vi_action action_at(vi_store *store, double at, const char *asked);

#endif
