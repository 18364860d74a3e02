#include "caching.h"

#include "stores.h"
#include "tap.h"

vi_store *new_store(void) {
  return store_within((vi_memory_limits){.max_size = 100});
}

passage send_by(const vi_policy *policy, vi_store *store, double at, const vi_request *request,
                vi_response *answer) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, policy, request, &(vi_key_choices){0}, NOW + at, &verdict);
  passage out = {.action = verdict.action, .forward = verdict.forward};
  if (verdict.response && verdict.action != VI_ACTION_REFRESH) {
    out.from_cache = true;
    out.ttl = verdict.ttl;
    out.response = vi_response_retain(verdict.response);
  } else {
    out.sent = request;
    if (verdict.outgoing)
      out.sent = soon_released_request(vi_request_retain(verdict.outgoing));
    vi_outcome outcome =
        vi_cache_update(store, policy, request, &verdict, answer, false, NULL, NOW + at);
    out.response = outcome.response;
    out.from_cache = outcome.from_cache;
    out.stored = outcome.stored;
    out.ttl = outcome.ttl;
  }
  vi_verdict_clear(&verdict);
  check(!verdict.response && !verdict.outgoing && !verdict.selected && verdict.count == 0);
  soon_released(out.response);
  return out;
}

passage send_at(vi_store *store, double at, const char *method, const char *asked, int status,
                const char *fields, const char *body) {
  return send_by(&SHARED, store, at, request_with(method, asked),
                 response_with(status, fields, body));
}

passage get_at(vi_store *store, double at, const char *asked, int status, const char *fields,
               const char *body) {
  return send_at(store, at, "GET", asked, status, fields, body);
}

vi_text hit_at(vi_store *store, double at, const char *asked) {
  passage out = get_at(store, at, asked, 500, "", "not from the store");
  check_int(out.action, VI_ACTION_HIT);
  check(out.from_cache);
  return vi_response_body(out.response);
}

vi_action action_at(vi_store *store, double at, const char *asked) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request_with("GET", asked), &(vi_key_choices){0}, NOW + at,
                  &verdict);
  vi_action action = verdict.action;
  vi_verdict_clear(&verdict);
  return action;
}
