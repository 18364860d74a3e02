/* What becomes of an answer: the second half of cache.h. */
#include "cache/cache.h"

#include "cache/answer.h"
#include "cache/storing.h"
#include "cache/validation.h"
#include "cache/vary.h"
#include "message/url.h"

/* What one update works with. */
typedef struct update {
  vi_store *store;
  const vi_policy *policy;
  const vi_request *request;
  const vi_verdict *verdict;
  const vi_choices *choices;
  double now;
} update;

/* Takes an entry out, if it is still there. */
static void drop(const update *u, const vi_stored *entry) {
  vi_store_remove(u->store, vi_verdict_key(u->verdict, u->request), entry);
}

/* False if the entry varies by cookies and the jar has others by now: which of them went out nobody
 * knows. */
static bool knows_cookies(const update *u, const vi_stored *entry) {
  if (!u->policy->sent_field ||
      !vi_vary_is_by(vi_stored_text_of(entry, VI_STORED_SELECTION), VI_TEXT("Cookie")))
    return true;
  vi_buffer jar = {0};
  vi_vary_read_jar(u->policy, u->request, &jar);
  bool same = vi_text_equal(vi_buffer_text(&jar), vi_buffer_text(&u->verdict->jar));
  vi_buffer_free(&jar);
  return same;
}

/* Keeps an entry, unless its key was invalidated since the request went out: what it says may be
 * older than that. An invalidation counts first and removes then, so that one of both sees the
 * other. */
static vi_refusal put(const update *u, vi_stored *entry) {
  vi_text key = vi_verdict_key(u->verdict, u->request);
  if (vi_store_generation(u->store, key) != u->verdict->generation)
    return VI_REFUSAL_INVALIDATED;
  if (!knows_cookies(u, entry))
    return VI_REFUSAL_VARY;
  if (!vi_store_put(u->store, key, entry))
    return VI_REFUSAL_STORE;
  if (vi_store_generation(u->store, key) == u->verdict->generation)
    return VI_REFUSAL_NONE;
  vi_store_remove(u->store, key, entry);
  return VI_REFUSAL_INVALIDATED;
}

static void note_put(vi_outcome *out, vi_refusal refusal, const vi_stored *entry, double now) {
  out->stored = refusal == VI_REFUSAL_NONE;
  out->refusal = refusal;
  if (out->stored)
    out->ttl = vi_stored_ttl(entry, now);
}

/* Stores `response`, which the rules allow. */
static void keep(const update *u, const vi_response *response, const vi_freshness *freshness,
                 vi_outcome *out) {
  vi_stored *entry = vi_stored_new(u->policy, u->request, response, freshness, u->choices);
  note_put(out, entry ? put(u, entry) : VI_REFUSAL_STORE, entry, u->now);
  vi_stored_release(entry);
}

static vi_freshness freshness_of(const update *u, const vi_response *response) {
  return vi_freshness_of(u->policy, response, u->verdict->request_time, u->now);
}

static void keep_if_allowed(const update *u, const vi_response *response, vi_outcome *out) {
  vi_freshness freshness = freshness_of(u, response);
  out->refusal = vi_storing_refusal(u->policy, u->request, response, &freshness, u->choices);
  if (out->refusal == VI_REFUSAL_NONE)
    keep(u, response, &freshness, out);
}

/* Likewise the head of a body that is still to come, be it out of the store of a cache further in.
 * A part is not worth it: to complete it, all of it would have to be here. */
static void keep_head(const update *u, const vi_response *head, vi_outcome *out) {
  vi_freshness freshness = freshness_of(u, head);
  out->refusal = VI_REFUSAL_INCOMPLETE;
  if (u->policy->records && head->status != 206)
    out->refusal = vi_head_refusal(u->policy, u->request, head, &freshness, u->choices);
  if (out->refusal != VI_REFUSAL_NONE)
    return;
  vi_stored *entry = vi_stored_new(u->policy, u->request, head, &freshness, u->choices);
  vi_stored *bare = entry ? vi_stored_with_body(entry, VI_TEXT(""), true) : NULL;
  if (bare)
    note_put(out, put(u, bare), bare, u->now);
  else
    out->refusal = VI_REFUSAL_STORE;
  vi_stored_release(bare);
  vi_stored_release(entry);
}

/* What the user says of what was stored before: that it may be, and its tags, if no others. */
static vi_choices choices_of(const update *u, const vi_stored *entry) {
  vi_choices choices = u->choices ? *u->choices : (vi_choices){.ttl = -1};
  choices.refuses = false;
  if (choices.tags.length == 0)
    choices.tags = vi_stored_text_of(entry, VI_STORED_TAGS);
  return choices;
}

/* A stored response with the fields of a newer answer, in the place of what it was, which stays
 * where the newer one is for one user alone; the answer to the request that comes out of it. */
static vi_outcome freshen(const update *u, const vi_stored *entry, const vi_response *response) {
  vi_outcome out = {.from_cache = true};
  vi_response *updated = vi_freshened(entry, vi_buffer_text(&u->request->url), response);
  if (!updated)
    return out;
  vi_choices choices = choices_of(u, entry);
  vi_freshness freshness = freshness_of(u, updated);
  vi_stored *fresh = vi_stored_new(u->policy, u->request, updated, &freshness, &choices);
  if (fresh) {
    vi_refusal refusal = vi_keeping_refusal(u->policy, updated, &freshness, &choices);
    if (refusal || (!vi_stored_same_variant(fresh, entry) && u->verdict->selected == entry))
      drop(u, entry); /* or it varies by something else now */
    if (!refusal && !vi_is_for_others(u->policy, u->request, &freshness.control))
      refusal = VI_REFUSAL_AUTHORIZATION;
    note_put(&out, refusal ? refusal : put(u, fresh), fresh, u->now);
    out.ttl = vi_stored_ttl(fresh, u->now);
    out.response = vi_answer(fresh, u->request, u->now);
  }
  vi_stored_release(fresh);
  vi_response_release(updated);
  return out;
}

static vi_outcome pass(vi_response *response) {
  return (vi_outcome){.response = vi_response_retain(response)};
}

/* The caller's answer, which tells of a stored response, too. */
static vi_outcome pass_and_freshen(const update *u, const vi_stored *entry, vi_response *response) {
  vi_outcome refreshed = freshen(u, entry, response), out = pass(response);
  vi_response_release(refreshed.response);
  out.stored = refreshed.stored;
  out.refusal = refreshed.refusal;
  out.ttl = refreshed.ttl;
  return out;
}

static bool has_condition(const vi_request *request) {
  return vi_headers_has(&request->headers, VI_TEXT("If-None-Match")) ||
         vi_headers_has(&request->headers, VI_TEXT("If-Modified-Since"));
}

/* A 304 to a condition of the caller's is his, and may tell of our entry, too; one to ours never
 * reaches him. */
static vi_outcome on_not_modified(const update *u, vi_response *response) {
  const vi_verdict *verdict = u->verdict;
  const vi_stored *entry =
      vi_validated(u->policy, response, verdict->selected, verdict->candidates, verdict->count);
  if (verdict->outgoing && verdict->action != VI_ACTION_COMPLETE) {
    if (entry)
      return freshen(u, entry, response);
    if (verdict->selected)
      drop(u, verdict->selected);
    return (vi_outcome){0};
  }
  vi_text etag;
  if (entry && has_condition(u->request) &&
      vi_headers_get(&response->headers, VI_TEXT("ETag"), &etag))
    return pass_and_freshen(u, entry, response);
  return pass(response);
}

/* RFC 5861 4 names these. */
static bool is_server_failure(int status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

/* What was served already has been counted as a hit. */
static void note_forward(vi_store *store, const vi_verdict *verdict) {
  if (verdict->action == VI_ACTION_VALIDATE || verdict->action == VI_ACTION_COMPLETE)
    vi_store_note(store, VI_STORE_STALE);
  else if (verdict->action == VI_ACTION_FETCH)
    vi_store_note(store, VI_STORE_MISSES);
}

vi_response *vi_cache_rescue(vi_store *store, const vi_policy *policy, const vi_request *request,
                             const vi_verdict *verdict, double now) {
  note_forward(store, verdict);
  if (!verdict->selected || !vi_may_serve_stale(policy, request, verdict->selected, true, now))
    return NULL;
  return vi_answer(verdict->selected, request, now);
}

static vi_outcome on_failure(const update *u, vi_response *response, bool streamed) {
  const vi_stored *selected = u->verdict->selected;
  vi_outcome out = {.from_cache = true};
  if (selected && vi_may_serve_stale(u->policy, u->request, selected, false, u->now)) {
    out.response = vi_answer(selected, u->request, u->now);
    out.ttl = vi_stored_ttl(selected, u->now);
  }
  if (out.response)
    return out;
  out = pass(response);
  if (!streamed)
    keep_if_allowed(u, response, &out);
  return out;
}

/* 4.3.5: the answer to a HEAD tells whether what is stored is still the same. */
static vi_outcome on_head(const update *u, vi_response *response) {
  const vi_stored *entry = u->verdict->selected;
  int status = response->status;
  if (!entry || (entry->flags & VI_STORED_PARTIAL) ||
      (status != entry->status && status != 200 && status != 404 && status != 410))
    return pass(response);
  if (vi_head_confirms(response, entry))
    return pass_and_freshen(u, entry, response);
  vi_stored *outdated = vi_stored_outdated(entry);
  if (outdated)
    put(u, outdated);
  else
    drop(u, entry);
  vi_stored_release(outdated);
  return pass(response);
}

/* 3.4: a part that was asked for to complete another. */
static vi_outcome on_rest(const update *u, vi_response *rest) {
  const vi_stored *part = u->verdict->selected;
  vi_outcome out = {.from_cache = true};
  out.response = vi_combine(part, rest, vi_buffer_text(&u->request->url));
  drop(u, part);
  if (out.response)
    keep_if_allowed(u, out.response, &out);
  return out;
}

/* 4.4: the target, and what the answer says stands elsewhere at the same origin: another's word on
 * another origin counts for nothing. */
static void invalidate(const update *u, const vi_response *response) {
  static const char *const names[] = {"Location", "Content-Location"};
  vi_text target = vi_buffer_text(&u->request->url), value;
  vi_text prefix = {u->verdict->key.data, u->verdict->prefix};
  vi_buffer url = {0}, key = {0};
  vi_store_invalidate(u->store, vi_verdict_key(u->verdict, u->request));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    vi_buffer_clear(&key);
    if (vi_headers_get(&response->headers, vi_text_of(names[i]), &value) &&
        vi_url_resolve(target, value, &url, NULL) &&
        vi_text_equal(vi_url_origin(vi_buffer_text(&url)), vi_url_origin(target)) &&
        vi_buffer_append_text(&key, prefix) && vi_buffer_append_text(&key, vi_buffer_text(&url)))
      vi_store_invalidate(u->store, vi_buffer_text(&key));
  }
  vi_buffer_free(&url);
  vi_buffer_free(&key);
}

/* RFC 9110 9.3.3: what a POST answers may be what a GET would get. */
static void keep_for_get(const update *u, const vi_response *response, vi_outcome *out) {
  vi_verdict after = *u->verdict; /* the invalidation was its own */
  after.generation = vi_store_generation(u->store, vi_buffer_text(&u->request->url));
  update of_get = *u;
  of_get.verdict = &after;
  vi_freshness freshness = freshness_of(u, response);
  if (vi_answers_get(u->policy, u->request, response, &freshness) &&
      vi_keeping_refusal(u->policy, response, &freshness, u->choices) == VI_REFUSAL_NONE)
    keep(&of_get, response, &freshness, out);
}

static vi_outcome on_unsafe(const update *u, vi_response *response, bool streamed) {
  vi_outcome out = pass(response);
  invalidate(u, response);
  if (!streamed && u->verdict->key.length == 0)
    keep_for_get(u, response, &out);
  return out;
}

/* True if what was stored no longer holds: other answers may be about this request alone, its
 * user's rights say, or pass. */
static bool is_replaced_by(int status) {
  return (status >= 200 && status < 400 && status != 206) || status == 404 || status == 410;
}

static vi_outcome on_answer(const update *u, vi_response *response, bool streamed) {
  vi_outcome out = pass(response);
  if (u->verdict->selected && is_replaced_by(response->status))
    drop(u, u->verdict->selected);
  if (streamed)
    keep_head(u, response, &out);
  else
    keep_if_allowed(u, response, &out);
  return out;
}

bool vi_cache_minds(const vi_policy *policy, const vi_request *request, const vi_verdict *verdict,
                    const vi_response *head, bool overrules, double now) {
  const vi_choices longer = {.ttl = 1};
  vi_freshness freshness = vi_freshness_of(policy, head, verdict->request_time, now);
  if (vi_invalidates(policy, request, head))
    return vi_answers_get(policy, request, head, &freshness);
  if (verdict->action == VI_ACTION_BYPASS)
    return false;
  if (head->status == 304 || verdict->action == VI_ACTION_COMPLETE)
    return true;
  if (vi_request_has_method(request, "HEAD"))
    return verdict->selected != NULL;
  return vi_head_refusal(policy, request, head, &freshness, overrules ? &longer : NULL) ==
         VI_REFUSAL_NONE;
}

vi_outcome vi_cache_update(vi_store *store, const vi_policy *policy, const vi_request *request,
                           const vi_verdict *verdict, vi_response *response, bool streamed,
                           const vi_choices *choices, double now) {
  const update u = {store, policy, request, verdict, choices, now};
  note_forward(store, verdict);
  if (vi_invalidates(policy, request, response))
    return on_unsafe(&u, response, streamed);
  if (verdict->action == VI_ACTION_BYPASS)
    return pass(response);
  if (response->status == 304)
    return on_not_modified(&u, response);
  if (vi_request_has_method(request, "HEAD"))
    return on_head(&u, response);
  if (verdict->action == VI_ACTION_COMPLETE && (response->status == 206 || response->status == 416))
    return on_rest(&u, response);
  if (is_server_failure(response->status))
    return on_failure(&u, response, streamed);
  return on_answer(&u, response, streamed);
}
