#include "cache/cache.h"

#include "cache/answer.h"
#include "cache/storing.h"
#include "cache/validation.h"
#include "cache/vary.h"

#include <stddef.h>
#include <string.h>

void vi_verdict_clear(vi_verdict *verdict) {
  vi_response_release(verdict->response);
  vi_request_release(verdict->outgoing);
  for (size_t i = 0; i < verdict->count; i++)
    vi_stored_release(verdict->candidates[i]);
  vi_buffer_free(&verdict->jar);
  vi_buffer_free(&verdict->key);
  memset(verdict, 0, offsetof(vi_verdict, candidates));
}

static bool add_line(vi_buffer *key, vi_text text) {
  return vi_buffer_append_char(key, '\n') && vi_buffer_append_text(key, text);
}

/* The method, and what a request that is told apart by its body says in it. */
static bool add_body(vi_buffer *key, const vi_request *request) {
  vi_text type;
  vi_headers_get(&request->headers, VI_TEXT("Content-Type"), &type);
  return add_line(key, vi_buffer_text(&request->method)) && add_line(key, type) &&
         add_line(key, vi_buffer_text(&request->body));
}

/* A key of more than the URL has the partition in front of it, on a line of its own: a line feed
 * stands in no URL. */
bool vi_cache_key(const vi_policy *policy, const vi_request *request, const vi_key_choices *choices,
                  vi_verdict *verdict) {
  bool by_body =
      !vi_request_reads(request) && vi_is_stored_method(policy, vi_buffer_text(&request->method));
  if (choices->partition.length == 0 && !choices->custom.data && !by_body)
    return true;
  vi_buffer *key = &verdict->key;
  vi_text url = choices->custom.data ? choices->custom : vi_buffer_text(&request->url);
  bool ok = choices->partition.length == 0 ||
            (vi_buffer_append_text(key, choices->partition) && vi_buffer_append_char(key, '\n'));
  verdict->prefix = key->length;
  return ok && vi_buffer_append_text(key, url) && (!by_body || add_body(key, request));
}

vi_text vi_verdict_key(const vi_verdict *verdict, const vi_request *request) {
  return vi_buffer_text(verdict->key.length > 0 ? &verdict->key : &request->url);
}

/* One who asks for a part, for a later state, as a certain user or piece by piece asks for himself
 * alone. */
bool vi_verdict_collapses(const vi_verdict *verdict, const vi_request *request) {
  static const char *const own[] = {"Range",         "If-None-Match", "If-Modified-Since",
                                    "Cache-Control", "Pragma",        "Authorization"};
  if ((verdict->action != VI_ACTION_FETCH && verdict->action != VI_ACTION_VALIDATE) ||
      request->streams_response || vi_request_has_method(request, "HEAD"))
    return false;
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (vi_headers_has(&request->headers, vi_text_of(own[i])))
      return false;
  return true;
}

/* True if any entry of the key answers the request as it is. */
static bool is_plain(const vi_verdict *verdict, const vi_request *request) {
  return verdict->key.length == 0 && request->headers.count == 0 &&
         vi_request_has_method(request, "GET");
}

/* Prepares what the action needs. */
static bool prepare(vi_verdict *verdict, const vi_policy *policy, const vi_request *request,
                    double now) {
  const vi_stored *selected = verdict->selected;
  switch (verdict->action) {
  case VI_ACTION_REFRESH:
    verdict->outgoing = vi_validation_request(policy, request, selected, NULL, 0);
    if (!verdict->outgoing)
      return false;
    /* fall through */
  case VI_ACTION_HIT:
    verdict->ttl = vi_stored_ttl(selected, now);
    if (verdict->is_lazy && verdict->action == VI_ACTION_HIT && is_plain(verdict, request))
      return true;
    verdict->response = vi_answer(selected, request, now);
    return verdict->response != NULL;
  case VI_ACTION_TIMEOUT:
    verdict->response = vi_answer_timeout(request);
    return verdict->response != NULL;
  case VI_ACTION_VALIDATE:
    verdict->outgoing =
        vi_validation_request(policy, request, selected, verdict->candidates, verdict->count);
    return verdict->outgoing != NULL;
  case VI_ACTION_COMPLETE:
    verdict->outgoing = vi_completion_request(request, selected);
    return verdict->outgoing != NULL;
  default:
    return true;
  }
}

static void look_up(vi_store *store, const vi_policy *policy, const vi_request *request, double now,
                    vi_verdict *verdict) {
  vi_text key = vi_verdict_key(verdict, request);
  verdict->count = verdict->is_peek ? vi_store_peek(store, key, verdict->candidates)
                                    : vi_store_get(store, key, verdict->candidates);
  vi_decision decision = vi_decide(policy, request, verdict->candidates, verdict->count, now);
  verdict->action = decision.action;
  verdict->forward = decision.forward;
  verdict->selected = decision.selected;
  if (decision.action == VI_ACTION_HIT)
    return;
  verdict->generation = vi_store_generation(store, key);
  vi_vary_read_jar(policy, request, &verdict->jar);
}

void vi_cache_lookup(vi_store *store, const vi_policy *policy, const vi_request *request,
                     const vi_key_choices *key, double now, vi_verdict *verdict) {
  if (vi_cache_key(policy, request, key, verdict)) {
    look_up(store, policy, request, now, verdict);
    if (prepare(verdict, policy, request, now)) {
      verdict->request_time = now;
      if (!verdict->is_peek &&
          (verdict->action == VI_ACTION_HIT || verdict->action == VI_ACTION_REFRESH))
        vi_store_note(store, VI_STORE_HITS);
      return;
    }
  }
  vi_verdict_clear(verdict);
  verdict->action = VI_ACTION_BYPASS;
  verdict->forward = VI_FORWARD_BYPASS;
}

bool vi_cache_serves(const vi_policy *policy, const vi_request *request, const vi_response *head,
                     const vi_request *other, double now) {
  if (head->status == 304)
    return true;
  vi_freshness freshness = vi_freshness_of(policy, head, now, now);
  if (freshness.control.no_cache || !(freshness.lifetime > freshness.initial_age) ||
      vi_head_refusal(policy, request, head, &freshness, NULL) != VI_REFUSAL_NONE)
    return false;
  vi_buffer selection = {0};
  bool serves = vi_vary_select(policy, &head->headers, request, &selection) &&
                vi_vary_matches(policy, vi_buffer_text(&selection), (vi_text){NULL, 0}, other);
  vi_buffer_free(&selection);
  return serves;
}
