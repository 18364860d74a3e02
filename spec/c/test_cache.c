/* cache/cache: rules and store joined, with answers made by hand: what is stored and served. */
#include "caching.h"
#include "tap.h"

IT("serves the second request from the first one's answer") {
  vi_store *store = new_store();
  passage first = get_at(store, 0, "", 200, "Cache-Control: max-age=60", "one");
  check_int(first.action, VI_ACTION_FETCH);
  check_int(first.forward, VI_FORWARD_URI_MISS);
  check(!first.from_cache && first.stored);
  check_double(first.ttl, 60);
  check_text(vi_response_body(first.response), "one");
  check_text(hit_at(store, 59, ""), "one");
  check_int(action_at(store, 60, ""), VI_ACTION_FETCH);
}

IT("gives every hit the same body, and fields of its own") {
  vi_store *store = new_store();
  passage first = get_at(store, 0, "", 200, "Cache-Control: max-age=60\nA: 1", "one");
  passage second = get_at(store, 1, "", 500, "", "");
  passage third = get_at(store, 2, "", 500, "", "");
  check_text(vi_response_body(first.response), "one");
  check_text(vi_response_body(second.response), "one");
  vi_headers_remove(&second.response->headers, VI_TEXT("A"));
  check(has_field(&third.response->headers, "A"));
}

IT("tells how long a hit is fresh yet") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, DATE "Cache-Control: max-age=60\nAge: 10", "one");
  check_double(get_at(store, 5, "", 500, "", "").ttl, 45);
  check_double(get_at(store, 55, "Cache-Control: max-stale", 500, "", "").ttl, -5);
}

IT("4.2.3: counts the time under way as age") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW, &verdict);
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "one");
  soon_released(
      vi_cache_update(store, &SHARED, request, &verdict, answer, false, NULL, NOW + 10).response);
  vi_verdict_clear(&verdict);
  check_int(action_at(store, 59, ""), VI_ACTION_HIT);
  check_int(action_at(store, 60, ""), VI_ACTION_FETCH);
}

static vi_action action_for(vi_store *store, const vi_request *request, vi_key_choices key) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request, &key, NOW, &verdict);
  vi_action action = verdict.action;
  vi_verdict_clear(&verdict);
  return action;
}

/* Stores an answer to `request` under that key. */
static void fill(const vi_policy *policy, vi_store *store, const vi_request *request,
                 vi_key_choices key) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, policy, request, &key, NOW, &verdict);
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "one");
  vi_outcome out = vi_cache_update(store, policy, request, &verdict, answer, false, NULL, NOW);
  check(out.stored);
  vi_response_release(out.response);
  vi_verdict_clear(&verdict);
}

IT("keys by the whole URL, its query included") {
  vi_store *store = new_store();
  const vi_key_choices plain = {0};
  fill(&SHARED, store, request_to("GET", URL "?a=1", ""), plain);
  check_int(action_for(store, request_to("GET", URL "x/../?a=1#f", ""), plain), VI_ACTION_HIT);
  check_int(action_for(store, request_to("GET", URL "?a=2", ""), plain), VI_ACTION_FETCH);
}

IT("keeps partitions apart") {
  vi_store *store = new_store();
  vi_request *request = request_with("GET", "");
  fill(&SHARED, store, request, (vi_key_choices){.partition = VI_TEXT("a")});
  check_int(action_for(store, request, (vi_key_choices){.partition = VI_TEXT("a")}), VI_ACTION_HIT);
  check_int(action_for(store, request, (vi_key_choices){.partition = VI_TEXT("b")}),
            VI_ACTION_FETCH);
  check_int(action_for(store, request, (vi_key_choices){0}), VI_ACTION_FETCH);
}

IT("keys by what it is given in the URL's place") {
  vi_store *store = new_store();
  const vi_key_choices key = {.custom = VI_TEXT("mine")};
  fill(&SHARED, store, request_to("GET", URL "?session=1", ""), key);
  check_int(action_for(store, request_to("GET", URL "?session=2", ""), key), VI_ACTION_HIT);
  check_int(action_for(store, request_to("GET", URL "?session=1", ""), (vi_key_choices){0}),
            VI_ACTION_FETCH);
}

static vi_request *query_by(const char *method, const char *type, const char *body) {
  vi_request *request = request_with(method, "");
  check(vi_headers_add(&request->headers, VI_TEXT("Content-Type"), vi_text_of(type)) ==
        VI_HEADERS_OK);
  check(vi_buffer_append_text(&request->body, vi_text_of(body)));
  request->has_body = true;
  return request;
}

static vi_request *query(const char *type, const char *body) {
  return query_by("QUERY", type, body);
}

IT("keys a method that it is told to store by itself, its body and that one's type, too") {
  vi_store *store = new_store();
  const vi_text methods[] = {VI_TEXT("QUERY"), VI_TEXT("REPORT")};
  const vi_policy policy = {.shared = true, .methods = methods, .method_count = 2};
  fill(&policy, store, query("a/b", "x"), (vi_key_choices){0});
  vi_response *answer = response_with(500, "", "");
  check_int(send_by(&policy, store, 0, query("a/b", "x"), answer).action, VI_ACTION_HIT);
  check_int(send_by(&policy, store, 0, query("a/b", "y"), answer).action, VI_ACTION_FETCH);
  check_int(send_by(&policy, store, 0, query("a/c", "x"), answer).action, VI_ACTION_FETCH);
  check_int(send_by(&policy, store, 0, query("a/b", ""), answer).action, VI_ACTION_FETCH);
  check_int(send_by(&policy, store, 0, query_by("REPORT", "a/b", "x"), answer).action,
            VI_ACTION_FETCH);
  check_int(action_at(store, 0, ""), VI_ACTION_FETCH);
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

IT("5.2.2.4: serves without the fields that a no-cache names, but hands them on the first time") {
  vi_store *store = new_store();
  passage first = get_at(store, 0, "", 200,
                         "Cache-Control: no-cache=\"Set-Cookie\", max-age=60\nSet-Cookie: a=1", "");
  check(has_field(&first.response->headers, "Set-Cookie"));
  passage second = get_at(store, 0, "", 500, "", "");
  check_int(second.action, VI_ACTION_HIT);
  check(!has_field(&second.response->headers, "Set-Cookie"));
}

IT("5.2.1.7: answers 504 without asking when only the store may answer") {
  vi_store *store = new_store();
  passage out = get_at(store, 0, "Cache-Control: only-if-cached", 200, "", "not asked for");
  check_int(out.action, VI_ACTION_TIMEOUT);
  check_int(out.response->status, 504);
  check(!out.sent);
}

IT("5.2.1.5: stores nothing of a request that says no-store") {
  vi_store *store = new_store();
  get_at(store, 0, "Cache-Control: no-store", 200, "Cache-Control: max-age=60", "secret");
  check_int(vi_store_count(store), 0);
}

IT("stores nothing of a body that it does not see") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW, &verdict);
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "");
  vi_outcome out = vi_cache_update(store, &SHARED, request, &verdict, answer, true, NULL, NOW);
  check(out.response == answer && !out.stored);
  vi_response_release(out.response);
  vi_verdict_clear(&verdict);
  check_int(vi_store_count(store), 0);
}

IT("4.3.2: answers the caller's own condition from the store") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  passage out = get_at(store, 1, "If-None-Match: \"1\"", 500, "", "");
  check_int(out.action, VI_ACTION_HIT);
  check_int(out.response->status, 304);
}

IT("answers a HEAD from a GET's answer, without the body") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nA: 1", "one");
  passage out = send_at(store, 1, "HEAD", "", 500, "", "");
  check_int(out.action, VI_ACTION_HIT);
  check_text(field(&out.response->headers, "A"), "1");
  check_int(vi_response_body(out.response).length, 0);
}

IT("stores no answer to a HEAD") {
  vi_store *store = new_store();
  send_at(store, 0, "HEAD", "", 200, "Cache-Control: max-age=60", "");
  check_int(vi_store_count(store), 0);
}

static bool collapses(vi_store *store, const char *method, const char *asked) {
  vi_verdict verdict = {0};
  vi_request *request = request_with(method, asked);
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW + 61, &verdict);
  bool out = vi_verdict_collapses(&verdict, request);
  vi_verdict_clear(&verdict);
  tap_at("%s %s", method, asked);
  return out;
}

IT("4: lets others wait for an answer that may be for all of them, and for no other") {
  vi_store *store = new_store();
  check(collapses(store, "GET", "Accept: a"));
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  check(collapses(store, "GET", ""));
  const char *own[] = {"Range: bytes=0-1",
                       "If-None-Match: \"1\"",
                       "Authorization: x",
                       "Cache-Control: max-age=1",
                       "Cache-Control: max-stale",
                       "Pragma: no-cache",
                       "If-Modified-Since: Sun, 06 Nov 1994 08:48:37 GMT"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    check(!collapses(store, "GET", own[i]));
  check(!collapses(store, "HEAD", ""));
  check(!collapses(store, "POST", ""));
}

IT("lets nobody wait for an answer that comes piece by piece") {
  vi_verdict verdict = {.action = VI_ACTION_FETCH};
  vi_request *request = request_with("GET", "");
  request->streams_response = true;
  check(!vi_verdict_collapses(&verdict, request));
}

IT("changes neither the request nor the answer that it is given") {
  vi_store *store = new_store();
  vi_request *request = request_with("GET", "A: 1");
  vi_response *answer =
      response_with(200, "ETag: \"1\"\nConnection: close\nLast-Modified: " EARLIER, "one");
  send_by(&SHARED, store, 0, request, answer);
  passage second = send_by(&SHARED, store, 1, request, answer);
  check(second.sent != request);
  check_int(request->headers.count, 1);
  check_int(answer->headers.count, 3);
}

IT("clears a verdict that nobody answered") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request_with("GET", ""),
                  &(vi_key_choices){.partition = VI_TEXT("")}, NOW, &verdict);
  check(verdict.outgoing && verdict.selected);
  vi_verdict_clear(&verdict);
  check(!verdict.outgoing && !verdict.selected);
  vi_verdict_clear(&verdict);
}
