/* cache/cache: policy and store joined, with answers made by hand. */
#include "cache/cache.h"

#include "cache/memory_store.h"
#include "messages.h"
#include "tap.h"

#include <stdlib.h>

static const double NOW = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
#define EARLIER "Sun, 06 Nov 1994 08:48:37 GMT"

static const vi_policy SHARED = {.shared = true};

/* What one request through the cache came to. */
typedef struct outcome {
  vi_action action;
  vi_response *response;
  bool from_cache;
} outcome;

static void release_store(void *store) {
  vi_store_release(store);
}

static void release_response(void *response) {
  vi_response_release(response);
}

static void release_request(void *request) {
  vi_request_release(request);
}

static vi_store *new_store(void) {
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = 100});
  if (!store)
    abort();
  tap_defer(release_store, store);
  return store;
}

/* Sends `request` through the cache at NOW + `at`; `answer` is what the server would say. What
 * went out is left in `*sent`: NULL for nothing. */
static outcome send_at(vi_store *store, double at, vi_request *request, vi_response *answer,
                       const vi_request **sent) {
  vi_verdict verdict = {0};
  outcome out = {.from_cache = true};
  vi_cache_lookup(store, &SHARED, request, NOW + at, &verdict);
  out.action = verdict.action;
  *sent = NULL;
  if (verdict.response) {
    out.response = vi_response_retain(verdict.response);
  } else {
    *sent = verdict.outgoing ? verdict.outgoing : request;
    out.response =
        vi_cache_update(store, &SHARED, request, &verdict, answer, NOW + at, &out.from_cache);
  }
  if (verdict.outgoing)
    tap_defer(release_request, vi_request_retain(verdict.outgoing));
  vi_verdict_clear(&verdict);
  check(!verdict.response && !verdict.outgoing && !verdict.selected);
  tap_defer(release_response, out.response);
  return out;
}

static outcome get_at(vi_store *store, double at, const char *asked, int status, const char *fields,
                      const char *body) {
  const vi_request *sent;
  return send_at(store, at, request_with("GET", asked), response_with(status, fields, body), &sent);
}

/* A GET at NOW + `at` that has to be a hit, and its body. */
static vi_text hit_at(vi_store *store, double at, const char *asked) {
  outcome out = get_at(store, at, asked, 500, "", "not from the store");
  check_int(out.action, VI_ACTION_HIT);
  check(out.from_cache);
  return vi_response_body(out.response);
}

static vi_action action_at(vi_store *store, double at, const char *asked) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request_with("GET", asked), NOW + at, &verdict);
  vi_action action = verdict.action;
  vi_verdict_clear(&verdict);
  return action;
}

IT("serves the second request from the first one's answer") {
  vi_store *store = new_store();
  outcome first = get_at(store, 0, "", 200, "Cache-Control: max-age=60", "one");
  check_int(first.action, VI_ACTION_FETCH);
  check(!first.from_cache);
  check_text(vi_response_body(first.response), "one");
  check_text(hit_at(store, 59, ""), "one");
  check_int(action_at(store, 60, ""), VI_ACTION_FETCH);
}

IT("shares the body's bytes with every hit, and gives each fields of its own") {
  vi_store *store = new_store();
  outcome first = get_at(store, 0, "", 200, "Cache-Control: max-age=60\nA: 1", "one");
  outcome second = get_at(store, 1, "", 500, "", "");
  outcome third = get_at(store, 2, "", 500, "", "");
  check(vi_response_body(second.response).data == vi_response_body(first.response).data);
  vi_headers_remove(&second.response->headers, VI_TEXT("A"));
  check(has_field(&third.response->headers, "A"));
}

IT("5.1: tells a hit's age in whole seconds, in place of the origin's Age") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nAge: 10\nAge: 20", "one");
  outcome hit = get_at(store, 5.9, "", 500, "", "");
  check_text(joined(&hit.response->headers, "Age"), "15");
  outcome before = get_at(store, -100, "", 500, "", "");
  check_text(joined(&before.response->headers, "Age"), "10");
}

IT("4: counts the time under way as age") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  bool from_cache;
  vi_request *request = request_with("GET", "");
  vi_cache_lookup(store, &SHARED, request, NOW, &verdict);
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "one");
  vi_response_release(
      vi_cache_update(store, &SHARED, request, &verdict, answer, NOW + 10, &from_cache));
  vi_verdict_clear(&verdict);
  check_int(action_at(store, 59, ""), VI_ACTION_HIT);
  check_int(action_at(store, 60, ""), VI_ACTION_FETCH);
}

IT("keys by the whole URL, its query included") {
  vi_store *store = new_store();
  const vi_request *sent;
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "a=1");
  send_at(store, 0, request_to("GET", URL "?a=1", ""), answer, &sent);
  outcome same = send_at(store, 0, request_to("GET", URL "x/../?a=1#f", ""), answer, &sent);
  check_int(same.action, VI_ACTION_HIT);
  outcome other = send_at(store, 0, request_to("GET", URL "?a=2", ""), answer, &sent);
  check_int(other.action, VI_ACTION_FETCH);
}

IT("4.3: validates a stale answer and serves its body on a 304") {
  vi_store *store = new_store();
  const vi_request *sent;
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"\nA: old", "one");
  outcome out = send_at(store, 100, request_with("GET", ""),
                        response_with(304, "ETag: \"1\"\nA: new", ""), &sent);
  check_int(out.action, VI_ACTION_VALIDATE);
  require(sent);
  check_text(field(&sent->headers, "If-None-Match"), "\"1\"");
  check(out.from_cache);
  check_int(out.response->status, 200);
  check_text(vi_response_body(out.response), "one");
  check_text(field(&out.response->headers, "A"), "new");
  check_text(hit_at(store, 159, ""), "one");
  check_int(action_at(store, 160, ""), VI_ACTION_VALIDATE);
  check_int(vi_store_count(store), 1);
}

IT("4.3.3: puts a new answer in the place of the one that was validated") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  outcome out = get_at(store, 1, "", 200, "Cache-Control: max-age=60\nETag: \"2\"", "two");
  check_int(out.action, VI_ACTION_VALIDATE);
  check(!out.from_cache);
  check_text(vi_response_body(out.response), "two");
  check_text(hit_at(store, 2, ""), "two");
  check_int(vi_store_count(store), 1);
}

IT("4.3.3: keeps a validated answer when the server fails, drops it when it is gone") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  outcome failed = get_at(store, 1, "", 503, "", "busy");
  check_int(failed.response->status, 503);
  check(!failed.from_cache);
  check_int(action_at(store, 2, ""), VI_ACTION_VALIDATE);
  get_at(store, 3, "", 404, "", "gone");
  check_int(action_at(store, 4, ""), VI_ACTION_FETCH);
  check_int(vi_store_count(store), 0);
}

IT("4.3.3: drops a validated answer whose successor may not be stored") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  get_at(store, 1, "", 200, "ETag: \"2\"\nCache-Control: no-store", "two");
  check_int(vi_store_count(store), 0);
}

IT("4.3.4: gives no answer for a 304 about something else, and forgets the entry") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  outcome out = get_at(store, 1, "", 304, "ETag: \"other\"", "");
  check(!out.response && !out.from_cache);
  check_int(vi_store_count(store), 0);
}

IT("hands on a 304 that the caller's own condition caused, and stores nothing") {
  vi_store *store = new_store();
  outcome out = get_at(store, 0, "If-None-Match: \"1\"", 304, "ETag: \"1\"", "");
  check_int(out.action, VI_ACTION_BYPASS);
  check_int(out.response->status, 304);
  check(!out.from_cache);
  check_int(vi_store_count(store), 0);
}

IT("4.1: keeps what Vary tells apart side by side") {
  vi_store *store = new_store();
  const char *fields = "Cache-Control: max-age=60\nVary: Accept";
  get_at(store, 0, "Accept: a", 200, fields, "for a");
  get_at(store, 0, "Accept: b", 200, fields, "for b");
  get_at(store, 0, "", 200, fields, "for none");
  check_text(hit_at(store, 1, "Accept: a"), "for a");
  check_text(hit_at(store, 1, "Accept: b"), "for b");
  check_text(hit_at(store, 1, ""), "for none");
  check_int(action_at(store, 1, "Accept:"), VI_ACTION_FETCH);
}

IT("4.1: freshens the variant that was asked for and no other") {
  vi_store *store = new_store();
  const char *fields = "ETag: \"1\"\nVary: Accept\nCache-Control: max-age=10";
  get_at(store, 0, "Accept: a", 200, fields, "for a");
  get_at(store, 0, "Accept: b", 200, fields, "for b");
  outcome out = get_at(store, 20, "Accept: b", 304, "ETag: \"1\"", "");
  check_text(vi_response_body(out.response), "for b");
  check_text(hit_at(store, 25, "Accept: b"), "for b");
  check_int(action_at(store, 25, "Accept: a"), VI_ACTION_VALIDATE);
  check_int(vi_store_count(store), 2);
}

IT("4.4: forgets every variant of a URL that was written to") {
  vi_store *store = new_store();
  const vi_request *sent;
  const char *fields = "Cache-Control: max-age=60\nVary: Accept";
  get_at(store, 0, "Accept: a", 200, fields, "for a");
  get_at(store, 0, "Accept: b", 200, fields, "for b");
  send_at(store, 1, request_with("POST", ""), response_with(500, "", ""), &sent);
  check_int(vi_store_count(store), 2);
  outcome out = send_at(store, 1, request_with("POST", ""), response_with(200, fields, "x"), &sent);
  check_int(out.action, VI_ACTION_BYPASS);
  check_text(vi_response_body(out.response), "x");
  check_int(vi_store_count(store), 0);
}

IT("4.4: leaves other URLs alone when one is written to") {
  vi_store *store = new_store();
  const vi_request *sent;
  get_at(store, 0, "", 200, "Cache-Control: max-age=60", "one");
  send_at(store, 1, request_to("POST", URL "other", ""), response_with(200, "", ""), &sent);
  check_text(hit_at(store, 1, ""), "one");
}

IT("5.2.1.7: answers 504 without asking when only the store may answer") {
  vi_store *store = new_store();
  outcome out = get_at(store, 0, "Cache-Control: only-if-cached", 200, "", "not asked for");
  check_int(out.action, VI_ACTION_TIMEOUT);
  check_int(out.response->status, 504);
  check_text(vi_buffer_text(&out.response->reason), "Gateway Timeout");
  check_text(vi_buffer_text(&out.response->url), URL);
}

IT("5.2.1.5: stores nothing of a request that says no-store") {
  vi_store *store = new_store();
  get_at(store, 0, "Cache-Control: no-store", 200, "Cache-Control: max-age=60", "secret");
  check_int(vi_store_count(store), 0);
}

IT("changes neither the request nor the answer that it is given") {
  vi_store *store = new_store();
  const vi_request *sent;
  vi_request *request = request_with("GET", "A: 1");
  vi_response *answer =
      response_with(200, "ETag: \"1\"\nConnection: close\nLast-Modified: " EARLIER, "one");
  send_at(store, 0, request, answer, &sent);
  send_at(store, 1, request, answer, &sent);
  check(sent != request);
  check_int(request->headers.count, 1);
  check_int(answer->headers.count, 3);
}

IT("clears a verdict that nobody answered") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request_with("GET", ""), NOW, &verdict);
  check(verdict.outgoing && verdict.selected);
  vi_verdict_clear(&verdict);
  check(!verdict.outgoing && !verdict.selected);
  vi_verdict_clear(&verdict);
}
