#include "cache/cache.h"

#include "cache/answer.h"
#include "cache/storing.h"
#include "cache/validation.h"
#include "cache/vary.h"
#include "message/url.h"

static const vi_text COOKIE = {"Cookie", sizeof "Cookie" - 1};

void vi_verdict_clear(vi_verdict *verdict) {
  vi_response_release(verdict->response);
  vi_request_release(verdict->outgoing);
  for (size_t i = 0; i < verdict->count; i++)
    vi_stored_release(verdict->candidates[i]);
  vi_buffer_free(&verdict->jar);
  vi_buffer_free(&verdict->key);
  *verdict = (vi_verdict){0};
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

static bool is_read(const vi_request *request) {
  vi_text method = vi_buffer_text(&request->method);
  return vi_text_equal(method, VI_TEXT("GET")) || vi_text_equal(method, VI_TEXT("HEAD"));
}

/* A key of more than the URL has the partition in front of it, on a line of its own: a line feed
 * stands in no URL. */
bool vi_cache_key(const vi_policy *policy, const vi_request *request, const vi_key_choices *choices,
                  vi_verdict *verdict) {
  bool by_body = !is_read(request) && vi_is_stored_method(policy, vi_buffer_text(&request->method));
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

static bool has_field(const vi_request *request, const char *name) {
  return vi_headers_find(&request->headers, vi_text_of(name), 0) < request->headers.count;
}

/* One who asks for a part, for a later state, as a certain user or piece by piece asks for himself
 * alone. */
bool vi_verdict_collapses(const vi_verdict *verdict, const vi_request *request) {
  static const char *const own[] = {"Range",         "If-None-Match", "If-Modified-Since",
                                    "Cache-Control", "Pragma",        "Authorization"};
  if ((verdict->action != VI_ACTION_FETCH && verdict->action != VI_ACTION_VALIDATE) ||
      request->streams_response || vi_text_equal(vi_buffer_text(&request->method), VI_TEXT("HEAD")))
    return false;
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (has_field(request, own[i]))
      return false;
  return true;
}

/* True if any entry of the key answers the request as it is. */
static bool is_plain(const vi_verdict *verdict, const vi_request *request) {
  return verdict->key.length == 0 && request->headers.count == 0 &&
         vi_text_equal(vi_buffer_text(&request->method), VI_TEXT("GET"));
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

/* Without memory for it it is another one, which keeps nothing. */
static void read_jar(const vi_policy *policy, const vi_request *request, vi_buffer *out) {
  if (policy->sent_field)
    policy->sent_field(policy->context, request, COOKIE, out);
}

static void look_up(vi_store *store, const vi_policy *policy, const vi_request *request, double now,
                    vi_verdict *verdict) {
  vi_text key = vi_verdict_key(verdict, request);
  verdict->count = vi_store_get(store, key, verdict->candidates);
  vi_decision decision = vi_decide(policy, request, verdict->candidates, verdict->count, now);
  verdict->action = decision.action;
  verdict->forward = decision.forward;
  verdict->selected = decision.selected;
  if (decision.action == VI_ACTION_HIT)
    return;
  verdict->generation = vi_store_generation(store, key);
  read_jar(policy, request, &verdict->jar);
}

void vi_cache_lookup(vi_store *store, const vi_policy *policy, const vi_request *request,
                     const vi_key_choices *key, double now, vi_verdict *verdict) {
  if (vi_cache_key(policy, request, key, verdict)) {
    look_up(store, policy, request, now, verdict);
    if (prepare(verdict, policy, request, now)) {
      verdict->request_time = now;
      if (verdict->action == VI_ACTION_HIT || verdict->action == VI_ACTION_REFRESH)
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
      !vi_may_store_head(policy, request, head, &freshness, NULL))
    return false;
  vi_buffer selection = {0};
  bool serves = vi_vary_select(policy, &head->headers, request, &selection) &&
                vi_vary_matches(policy, vi_buffer_text(&selection), other);
  vi_buffer_free(&selection);
  return serves;
}

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
      !vi_vary_is_by(vi_stored_text_of(entry, VI_STORED_SELECTION), COOKIE))
    return true;
  vi_buffer jar = {0};
  read_jar(u->policy, u->request, &jar);
  bool same = vi_text_equal(vi_buffer_text(&jar), vi_buffer_text(&u->verdict->jar));
  vi_buffer_free(&jar);
  return same;
}

/* Keeps an entry, unless its key was invalidated since the request went out: what it says may be
 * older than that. An invalidation counts first and removes then, so that one of both sees the
 * other. */
static bool put(const update *u, vi_stored *entry) {
  vi_text key = vi_verdict_key(u->verdict, u->request);
  if (vi_store_generation(u->store, key) != u->verdict->generation || !knows_cookies(u, entry))
    return false;
  vi_store_put(u->store, key, entry);
  if (vi_store_generation(u->store, key) == u->verdict->generation)
    return true;
  vi_store_remove(u->store, key, entry);
  return false;
}

/* Stores `response`, which the rules allow. */
static bool keep(const update *u, const vi_response *response, const vi_freshness *freshness,
                 double *ttl) {
  vi_stored *entry = vi_stored_new(u->policy, u->request, response, freshness, u->choices);
  bool stored = entry && put(u, entry);
  if (stored)
    *ttl = vi_stored_ttl(entry, u->now);
  vi_stored_release(entry);
  return stored;
}

static vi_freshness freshness_of(const update *u, const vi_response *response) {
  return vi_freshness_of(u->policy, response, u->verdict->request_time, u->now);
}

static bool keep_if_allowed(const update *u, const vi_response *response, double *ttl) {
  vi_freshness freshness = freshness_of(u, response);
  return vi_may_store(u->policy, u->request, response, &freshness, u->choices) &&
         keep(u, response, &freshness, ttl);
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
    bool stays = vi_may_keep(u->policy, updated, &freshness, &choices);
    if (!stays || (!vi_stored_same_variant(fresh, entry) && u->verdict->selected == entry))
      drop(u, entry); /* or it varies by something else now */
    if (stays && vi_is_for_others(u->policy, u->request, &freshness.control))
      out.stored = put(u, fresh);
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

static bool has_condition(const vi_request *request) {
  return has_field(request, "If-None-Match") || has_field(request, "If-Modified-Since");
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
  vi_outcome out = pass(response);
  vi_text etag;
  if (entry && has_condition(u->request) &&
      vi_headers_get(&response->headers, VI_TEXT("ETag"), &etag)) {
    vi_outcome refreshed = freshen(u, entry, response);
    vi_response_release(refreshed.response);
    out.stored = refreshed.stored;
    out.ttl = refreshed.ttl;
  }
  return out;
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
    out.stored = keep_if_allowed(u, response, &out.ttl);
  return out;
}

/* 4.3.5: the answer to a HEAD tells whether what is stored is still the same. */
static vi_outcome on_head(const update *u, vi_response *response) {
  const vi_stored *entry = u->verdict->selected;
  vi_outcome out = pass(response);
  int status = response->status;
  if (!entry || (entry->flags & VI_STORED_PARTIAL) ||
      (status != entry->status && status != 200 && status != 404 && status != 410))
    return out;
  if (vi_head_confirms(response, entry)) {
    vi_outcome refreshed = freshen(u, entry, response);
    vi_response_release(refreshed.response);
    out.stored = refreshed.stored;
    out.ttl = refreshed.ttl;
    return out;
  }
  vi_stored *outdated = vi_stored_outdated(entry);
  if (outdated)
    put(u, outdated);
  else
    drop(u, entry);
  vi_stored_release(outdated);
  return out;
}

/* 3.4: a part that was asked for to complete another. */
static vi_outcome on_rest(const update *u, vi_response *rest) {
  const vi_stored *part = u->verdict->selected;
  vi_outcome out = {.from_cache = true};
  out.response = vi_combine(part, rest, vi_buffer_text(&u->request->url));
  drop(u, part);
  if (out.response)
    out.stored = keep_if_allowed(u, out.response, &out.ttl);
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
static bool keep_for_get(const update *u, const vi_response *response, double *ttl) {
  vi_verdict after = *u->verdict; /* the invalidation was its own */
  after.generation = vi_store_generation(u->store, vi_buffer_text(&u->request->url));
  update of_get = *u;
  of_get.verdict = &after;
  vi_freshness freshness = freshness_of(u, response);
  return vi_answers_get(u->policy, u->request, response, &freshness) &&
         vi_may_keep(u->policy, response, &freshness, u->choices) &&
         keep(&of_get, response, &freshness, ttl);
}

static vi_outcome on_unsafe(const update *u, vi_response *response, bool streamed) {
  vi_outcome out = pass(response);
  invalidate(u, response);
  if (!streamed && u->verdict->key.length == 0)
    out.stored = keep_for_get(u, response, &out.ttl);
  return out;
}

/* An answer of its own, which takes the place of what was stored. */
static vi_outcome on_answer(const update *u, vi_response *response, bool streamed) {
  const vi_stored *selected = u->verdict->selected;
  vi_outcome out = pass(response);
  bool replaces =
      selected && response->status != 206 && response->status != 416 && response->status < 500;
  if (replaces)
    drop(u, selected);
  if (!streamed)
    out.stored = keep_if_allowed(u, response, &out.ttl);
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
  if (vi_text_equal(vi_buffer_text(&request->method), VI_TEXT("HEAD")))
    return verdict->selected != NULL;
  return vi_may_store_head(policy, request, head, &freshness, overrules ? &longer : NULL);
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
  if (vi_text_equal(vi_buffer_text(&request->method), VI_TEXT("HEAD")))
    return on_head(&u, response);
  if (verdict->action == VI_ACTION_COMPLETE && (response->status == 206 || response->status == 416))
    return on_rest(&u, response);
  if (is_server_failure(response->status))
    return on_failure(&u, response, streamed);
  return on_answer(&u, response, streamed);
}
