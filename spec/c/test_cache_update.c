/* cache/cache: rules and store joined: what answers do to what is stored. */
#include "caching.h"
#include "tap.h"

IT("4.3: validates a stale answer and serves its body on a 304") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"\nA: old", "one");
  passage out = get_at(store, 100, "", 304, "ETag: \"1\"\nA: new", "");
  check_int(out.action, VI_ACTION_VALIDATE);
  require(out.sent);
  check_text(field(&out.sent->headers, "If-None-Match"), "\"1\"");
  check(out.from_cache && out.stored);
  check_double(out.ttl, 60);
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
  passage out = get_at(store, 1, "", 200, "Cache-Control: max-age=60\nETag: \"2\"", "two");
  check_int(out.action, VI_ACTION_VALIDATE);
  check(!out.from_cache);
  check_text(vi_response_body(out.response), "two");
  check_text(hit_at(store, 2, ""), "two");
  check_int(vi_store_count(store), 1);
}

IT("4.3.3: keeps a validated answer when the server fails, drops it when it is gone") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "ETag: \"1\"", "one");
  passage failed = get_at(store, 1, "", 503, "", "busy");
  check_int(failed.response->status, 503);
  check(!failed.from_cache);
  check_int(get_at(store, 1, "", 501, "", "what?").response->status, 501);
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
  passage out = get_at(store, 1, "", 304, "ETag: \"other\"", "");
  check(!out.response && !out.from_cache);
  check_int(vi_store_count(store), 0);
}

IT("4.3.4: forgets what a 304 turns into something that may not be stored, and serves it once") {
  const char *turns[] = {"Cache-Control: no-store", "Cache-Control: private", "Vary: *"};
  for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
    vi_store *store = new_store();
    get_at(store, 0, "", 200, "ETag: \"1\"", "one");
    passage out = get_at(store, 1, "", 304, turns[i], "");
    tap_at("%s", turns[i]);
    check_text(vi_response_body(out.response), "one");
    check(out.from_cache && !out.stored);
    check_int(vi_store_count(store), 0);
  }
}

IT("4.3.4: selects by the Vary that a 304 brings from then on") {
  vi_store *store = new_store();
  get_at(store, 0, "A: 1", 200, "ETag: \"1\"", "one");
  get_at(store, 1, "A: 1", 304, "Vary: A\nCache-Control: max-age=60", "");
  check_int(vi_store_count(store), 1);
  check_text(hit_at(store, 2, "A: 1"), "one");
  check_int(action_at(store, 2, "A: 2"), VI_ACTION_VALIDATE);
}

IT("hands on a 304 that the caller's own condition caused, and stores nothing") {
  vi_store *store = new_store();
  passage out = get_at(store, 0, "If-None-Match: \"1\"", 304, "ETag: \"1\"", "");
  check_int(out.action, VI_ACTION_FETCH);
  check_int(out.response->status, 304);
  check(!out.from_cache);
  check_int(vi_store_count(store), 0);
}

IT("4.3.4: freshens an entry by the 304 that the caller's own condition caused") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  passage out = get_at(store, 100, "If-None-Match: \"1\"", 304, "ETag: \"1\"", "");
  check_int(out.response->status, 304);
  check(out.stored && !out.from_cache);
  check_text(hit_at(store, 159, ""), "one");
}

IT("4.3.4: learns nothing of its entry from a 304 to the caller about another") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  passage other = get_at(store, 100, "If-None-Match: \"2\"", 304, "ETag: \"2\"", "");
  check(other.response->status == 304 && !other.stored);
  passage silent = get_at(store, 100, "If-None-Match: \"2\"", 304, "", "");
  check(silent.response->status == 304 && !silent.stored);
  check_int(action_at(store, 101, ""), VI_ACTION_VALIDATE);
}

IT("4.3.4: learns nothing of its entry from a 304 that nobody asked for") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  passage out = send_at(store, 100, "HEAD", "", 304, "ETag: \"1\"", "");
  check(out.response->status == 304 && !out.stored);
  check_int(action_at(store, 101, ""), VI_ACTION_VALIDATE);
}

IT("4.1: freshens the variant that was asked for and no other") {
  vi_store *store = new_store();
  const char *fields = "ETag: \"1\"\nVary: Accept\nCache-Control: max-age=10";
  get_at(store, 0, "Accept: a", 200, fields, "for a");
  get_at(store, 0, "Accept: b", 200, fields, "for b");
  passage out = get_at(store, 20, "Accept: b", 304, "ETag: \"1\"", "");
  check_text(vi_response_body(out.response), "for b");
  check_text(hit_at(store, 25, "Accept: b"), "for b");
  check_int(action_at(store, 25, "Accept: a"), VI_ACTION_VALIDATE);
  check_int(vi_store_count(store), 2);
}

IT("4.3.4: serves a variant to a new request of which a 304 says so, and keeps both") {
  vi_store *store = new_store();
  const char *fields = "Vary: A\nCache-Control: max-age=60\nETag: ";
  vi_response *one = response_with(200, fields, "one"), *two = response_with(200, fields, "two");
  vi_headers_remove(&one->headers, VI_TEXT("ETag"));
  vi_headers_remove(&two->headers, VI_TEXT("ETag"));
  check(add_fields(&one->headers, "ETag: \"1\"") && add_fields(&two->headers, "ETag: \"2\""));
  send_by(&SHARED, store, 0, request_with("GET", "A: 1"), one);
  send_by(&SHARED, store, 0, request_with("GET", "A: 2"), two);
  passage out = get_at(store, 1, "A: 3", 304, "ETag: \"2\"", "");
  check_int(out.action, VI_ACTION_VALIDATE);
  require(out.response);
  check_text(vi_response_body(out.response), "two");
  check_int(vi_store_count(store), 3);
  check_text(hit_at(store, 2, "A: 1"), "one");
  check_text(hit_at(store, 2, "A: 2"), "two");
  check_text(hit_at(store, 2, "A: 3"), "two");
}

IT("4.3.4: gives no answer for a 304 about none of the variants, and keeps them") {
  vi_store *store = new_store();
  get_at(store, 0, "A: 1", 200, "Vary: A\nCache-Control: max-age=60\nETag: \"1\"", "one");
  check(!get_at(store, 1, "A: 2", 304, "ETag: \"9\"", "").response);
  check_text(hit_at(store, 2, "A: 1"), "one");
}

IT("keeps what is for one user out of the hands of many, though the ETag is the same") {
  vi_store *store = new_store();
  const char *fields = "Vary: A\nCache-Control: max-age=60\nETag: \"1\"";
  send_by(&PRIVATE, store, 0, request_with("GET", "A: 1"),
          response_with(200, "Cache-Control: private, max-age=60\nETag: \"9\"", "secret"));
  get_at(store, 0, "A: 1", 200, fields, "one");
  check(!get_at(store, 1, "A: 2", 304, "ETag: \"9\"", "").response);
  check_int(vi_store_count(store), 2);
}

IT("RFC 5861 3: freshens by a 304 what was served stale meanwhile, by a GET or a HEAD") {
  const char *methods[] = {"GET", "HEAD"};
  for (size_t i = 0; i < 2; i++) {
    vi_store *store = new_store();
    get_at(store, 0, "", 200, "Cache-Control: max-age=60, stale-while-revalidate=60\nETag: \"1\"",
           "one");
    passage out = send_by(&SHARED, store, 61, request_with(methods[i], ""),
                          response_with(304, "ETag: \"1\"", ""));
    check_int(out.action, VI_ACTION_REFRESH);
    check_text(field(&out.sent->headers, "If-None-Match"), "\"1\"");
    check(out.stored);
    check_text(hit_at(store, 120, ""), "one");
  }
}

IT("RFC 5861 3: has the stale answer ready, and what to send behind the caller's back") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60, stale-while-revalidate=60", "one");
  vi_verdict verdict = {0};
  vi_cache_lookup(store, &SHARED, request_with("GET", ""), &(vi_key_choices){0}, NOW + 61,
                  &verdict);
  check(verdict.response && verdict.outgoing);
  check_double(verdict.ttl, -1);
  check_text(vi_response_body(verdict.response), "one");
  vi_verdict_clear(&verdict);
}

IT("4.3.5: freshens an entry by the answer to a HEAD that confirms it") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"\nA: old", "one");
  passage out = send_at(store, 100, "HEAD", "", 200, "ETag: \"1\"\nA: new", "");
  check_int(out.action, VI_ACTION_FETCH);
  check_int(vi_response_body(out.response).length, 0);
  check(out.stored);
  check_text(hit_at(store, 159, ""), "one");
  check_text(field(&get_at(store, 120, "", 500, "", "").response->headers, "A"), "new");
}

IT("4.3.5: takes an entry for outdated that the answer to a HEAD contradicts") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  passage out = send_at(store, 1, "HEAD", "Cache-Control: no-cache", 200, "ETag: \"2\"", "");
  check(!out.stored);
  check_int(action_at(store, 2, ""), VI_ACTION_VALIDATE);
  check_int(action_at(store, 2, "Cache-Control: max-stale"), VI_ACTION_VALIDATE);
}

IT("4.3.5: leaves an entry alone when a HEAD fails") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60\nETag: \"1\"", "one");
  send_at(store, 1, "HEAD", "Cache-Control: no-cache", 503, "", "");
  check_text(hit_at(store, 2, ""), "one");
}

IT("RFC 5861 4: serves stale in the place of the server's failure where that is allowed") {
  const int failures[] = {500, 502, 503, 504};
  for (size_t i = 0; i < 4; i++) {
    vi_store *store = new_store();
    get_at(store, 0, "", 200, "Cache-Control: max-age=60, stale-if-error=60", "one");
    passage out = get_at(store, 100, "", failures[i], "Cache-Control: max-age=60", "busy");
    check_int(out.response->status, 200);
    check_text(vi_response_body(out.response), "one");
    check(out.from_cache && !out.stored);
    check_double(out.ttl, -40);
    passage late = get_at(store, 130, "", failures[i], "", "busy");
    check_int(late.response->status, failures[i]);
  }
}

IT("RFC 5861 4: does not serve stale in the place of another answer") {
  vi_store *store = new_store();
  get_at(store, 0, "", 200, "Cache-Control: max-age=60, stale-if-error=60", "one");
  check_int(get_at(store, 100, "", 501, "", "").response->status, 501);
  check_int(get_at(store, 100, "", 404, "", "").response->status, 404);
}

IT("RFC 5861 4: serves stale also in the place of an answer that comes piece by piece") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  get_at(store, 0, "", 200, "Cache-Control: max-age=60, stale-if-error=60", "one");
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW + 70, &verdict);
  vi_response *failed = response_with(503, "", "");
  vi_outcome out = vi_cache_update(store, &SHARED, request, &verdict, failed, true, NULL, NOW + 70);
  vi_verdict_clear(&verdict);
  check(soon_released(out.response) && out.response != failed && out.from_cache && !out.stored);
}

static vi_response *rescued(const vi_policy *policy, vi_store *store, double at,
                            const char *asked) {
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", asked);
  vi_cache_lookup(store, policy, request, &(vi_key_choices){0}, NOW + at, &verdict);
  vi_response *response = vi_cache_rescue(store, policy, request, &verdict, NOW + at);
  vi_verdict_clear(&verdict);
  return soon_released(response);
}

IT("4.2.4: rescues a request that failed with what is stored, where that is allowed") {
  vi_store *store = new_store();
  const vi_policy lax = {.shared = true, .stale_on_disconnect = true};
  check(!rescued(&lax, store, 0, ""));
  get_at(store, 0, "", 200, DATE "Cache-Control: max-age=60, stale-if-error=60", "one");
  vi_response *response = rescued(&SHARED, store, 100, "");
  require(response);
  check_text(vi_response_body(response), "one");
  check_text(field(&response->headers, "Age"), "100");
  check(!rescued(&SHARED, store, 130, ""));
  check(rescued(&lax, store, 1e6, ""));
  check(!rescued(&lax, store, 100, "Cache-Control: no-cache"));
  check(!rescued(&lax, store, 100, "Cache-Control: no-store"));
}

IT("lets the user say for how long, with which tags, or not at all") {
  vi_store *store = new_store();
  vi_verdict verdict = {0};
  vi_request *request = request_with("GET", "");
  const vi_choices choices[] = {{.ttl = -1, .refuses = true}, {.ttl = 10}};
  for (int i = 0; i < 2; i++) {
    vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, NOW, &verdict);
    vi_response *answer = response_with(200, i ? "" : "Cache-Control: max-age=60", "one");
    vi_outcome out =
        vi_cache_update(store, &SHARED, request, &verdict, answer, false, &choices[i], NOW);
    check_int(out.stored, i);
    vi_response_release(out.response);
    vi_verdict_clear(&verdict);
  }
  check_int(action_at(store, 9, ""), VI_ACTION_HIT);
  check_int(action_at(store, 10, ""), VI_ACTION_FETCH);
}

/* Sends a GET at NOW + `at`, whose answer is streamed. */
static vi_outcome stream_at(const vi_policy *policy, vi_store *store, double at, int status,
                            const char *fields) {
  vi_request *request = request_with("GET", "");
  vi_verdict verdict = {0};
  vi_cache_lookup(store, policy, request, &(vi_key_choices){0}, NOW + at, &verdict);
  vi_outcome out = vi_cache_update(store, policy, request, &verdict,
                                   response_with(status, fields, ""), true, NULL, NOW + at);
  vi_verdict_clear(&verdict);
  soon_released(out.response);
  return out;
}

static const char STREAMED[] = "Cache-Control: max-age=60\nETag: \"1\"\nContent-Length: 9";

IT("keeps the head of what is streamed where the store takes the body, and nothing elsewhere") {
  vi_policy recording = SHARED;
  recording.records = true;
  vi_store *store = new_store();
  vi_outcome out = stream_at(&SHARED, store, 0, 200, STREAMED);
  check(!out.stored && out.refusal == VI_REFUSAL_INCOMPLETE);
  out = stream_at(&recording, store, 0, 206, STREAMED);
  check(!out.stored && out.refusal == VI_REFUSAL_INCOMPLETE);
  out = stream_at(&recording, store, 0, 200, "Cache-Control: no-store");
  check(!out.stored && out.refusal == VI_REFUSAL_NO_STORE);
  check_int(vi_store_count(store), 0);
  out = stream_at(&recording, store, 0, 200, STREAMED);
  check(out.stored && !out.response->apart);
  check_int(vi_store_count(store), 1);
}

IT("says of an answer whose body stands apart that it does, also of one that was freshened") {
  vi_policy recording = SHARED;
  recording.records = true;
  vi_store *store = new_store();
  stream_at(&recording, store, 0, 200, STREAMED);
  check(get_at(store, 1, "", 500, "", "").response->apart);
  passage out = get_at(store, 100, "", 304, "ETag: \"1\"", "");
  check(out.from_cache && out.stored && out.response->apart);
  check(get_at(store, 101, "", 500, "", "").response->apart);
  check(!get_at(store, 101, "If-None-Match: \"1\"", 500, "", "").response->apart);
  passage head = send_at(store, 101, "HEAD", "", 500, "", "");
  check(head.from_cache && !head.response->apart);
}
