#include "cache/cache.h"

#include "message/url.h"

#include <stdio.h>

void vi_verdict_clear(vi_verdict *verdict) {
  vi_response_release(verdict->response);
  vi_request_release(verdict->outgoing);
  vi_stored_release(verdict->selected);
  *verdict = (vi_verdict){0};
}

/* The key is the target URI alone: only GET is stored, and variants are the policy's affair. */
static vi_text key_of(const vi_request *request) {
  return vi_buffer_text(&request->url);
}

/* RFC 9111 5.1: whole seconds, in place of what the origin said. */
static vi_response *with_age(const vi_stored *entry, double now) {
  vi_response *response = vi_response_copy(entry->response);
  char digits[32];
  double age = vi_stored_age(entry, now);
  snprintf(digits, sizeof digits, "%.0f", age < 2147483648.0 ? (double)(int64_t)age : 2147483648.0);
  if (!response)
    return NULL;
  vi_headers_remove(&response->headers, VI_TEXT("Age"));
  if (vi_headers_add(&response->headers, VI_TEXT("Age"), vi_text_of(digits)) == VI_HEADERS_OK)
    return response;
  vi_response_release(response);
  return NULL;
}

static vi_response *gateway_timeout(const vi_request *request) {
  vi_response *response = vi_response_new();
  if (!response)
    return NULL;
  response->status = 504;
  if (vi_buffer_append_text(&response->url, vi_buffer_text(&request->url)) &&
      vi_buffer_append_text(&response->reason, VI_TEXT("Gateway Timeout")))
    return response;
  vi_response_release(response);
  return NULL;
}

/* Prepares what the action needs; `selected` is the entry that HIT and VALIDATE speak of. */
static bool prepare(vi_verdict *verdict, const vi_request *request, vi_stored *selected,
                    double now) {
  switch (verdict->action) {
  case VI_ACTION_HIT:
    verdict->response = with_age(selected, now);
    return verdict->response != NULL;
  case VI_ACTION_TIMEOUT:
    verdict->response = gateway_timeout(request);
    return verdict->response != NULL;
  case VI_ACTION_VALIDATE:
    verdict->outgoing = vi_policy_validation(request, selected);
    verdict->selected = vi_stored_retain(selected);
    return verdict->outgoing != NULL;
  default:
    return true;
  }
}

void vi_cache_lookup(vi_store *store, const vi_policy *policy, const vi_request *request,
                     double now, vi_verdict *verdict) {
  vi_stored *candidates[VI_STORE_MAX_VARIANTS] = {NULL};
  size_t count = vi_store_get(store, key_of(request), candidates);
  size_t selected = 0;
  verdict->action = vi_policy_decide(policy, request, candidates, count, now, &selected);
  if (!prepare(verdict, request, candidates[selected], now)) {
    vi_verdict_clear(verdict);
    verdict->action = VI_ACTION_BYPASS;
  }
  verdict->request_time = now;
  for (size_t i = 0; i < count; i++)
    vi_stored_release(candidates[i]);
}

/* Keeps `response` if the rules allow it; what stood in its place goes either way. */
static void keep(vi_store *store, const vi_policy *policy, const vi_request *request,
                 const vi_verdict *verdict, const vi_response *response, double now) {
  vi_stored *entry = vi_stored_new(request, response, verdict->request_time, now, policy->shared);
  if (verdict->selected && response->status < 500)
    vi_store_remove(store, key_of(request), verdict->selected);
  if (entry && vi_policy_may_store(policy, request, entry))
    vi_store_put(store, key_of(request), entry);
  vi_stored_release(entry);
}

static vi_response *freshen(vi_store *store, const vi_policy *policy, const vi_request *request,
                            const vi_verdict *verdict, const vi_response *response, double now) {
  if (!vi_policy_selects(response, verdict->selected)) {
    vi_store_remove(store, key_of(request), verdict->selected);
    return NULL;
  }
  vi_response *updated = vi_policy_freshen(verdict->selected, response);
  if (updated)
    keep(store, policy, request, verdict, updated, now);
  return updated;
}

/* 4.4: the target, and what the answer says stands elsewhere at the same origin: another's word on
 * another origin counts for nothing. */
static void invalidate(vi_store *store, const vi_request *request, const vi_response *response) {
  static const char *const names[] = {"Location", "Content-Location"};
  vi_text target = key_of(request), value;
  vi_buffer url = {0};
  vi_store_remove(store, target, NULL);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (vi_headers_get(&response->headers, vi_text_of(names[i]), &value) &&
        vi_url_resolve(target, value, &url, NULL) &&
        vi_text_equal(vi_url_origin(vi_buffer_text(&url)), vi_url_origin(target)))
      vi_store_remove(store, vi_buffer_text(&url), NULL);
  vi_buffer_free(&url);
}

vi_response *vi_cache_update(vi_store *store, const vi_policy *policy, const vi_request *request,
                             const vi_verdict *verdict, vi_response *response, double now,
                             bool *from_cache) {
  *from_cache = false;
  if (verdict->action == VI_ACTION_VALIDATE && response->status == 304) {
    vi_response *updated = freshen(store, policy, request, verdict, response, now);
    *from_cache = updated != NULL;
    return updated;
  }
  if (vi_policy_invalidates(request, response))
    invalidate(store, request, response);
  if (verdict->action == VI_ACTION_FETCH || verdict->action == VI_ACTION_VALIDATE)
    keep(store, policy, request, verdict, response, now);
  return vi_response_retain(response);
}
