/* cache/policy: choosing among variants, validation, freshening and invalidation, by section. */
#include "cache/policy.h"

#include "messages.h"
#include "tap.h"

static const double NOW = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\n"
#define EARLIER "Sun, 06 Nov 1994 08:48:37 GMT"
#define LATER "Sun, 06 Nov 1994 08:50:37 GMT"

static const vi_policy SHARED = {.shared = true};

static void release_stored(void *stored) {
  vi_stored_release(stored);
}

static void release_request(void *request) {
  vi_request_release(request);
}

static void release_response(void *response) {
  vi_response_release(response);
}

static vi_stored *entry_at(const char *asked, const char *fields, double time) {
  vi_stored *entry = vi_stored_new(request_with("GET", asked),
                                   response_with(200, fields, "content"), time, time, true);
  check(entry);
  tap_defer(release_stored, entry);
  return entry;
}

static vi_stored *entry_with(const char *fields) {
  return entry_at("", fields, NOW);
}

static vi_action choose(const char *asked, vi_stored *const *entries, size_t count,
                        size_t *selected) {
  *selected = 99;
  return vi_policy_decide(&SHARED, request_with("GET", asked), entries, count, NOW, selected);
}

IT("4.1: serves the variant that the request's fields select") {
  vi_stored *entries[] = {entry_at("A: 1", "Vary: A\nCache-Control: max-age=60", NOW),
                          entry_at("A: 2", "Vary: A\nCache-Control: max-age=60", NOW),
                          entry_at("", "Vary: A\nCache-Control: max-age=60", NOW)};
  size_t selected;
  check_int(choose("A: 1", entries, 3, &selected), VI_ACTION_HIT);
  check_int(selected, 0);
  check_int(choose("A: 2", entries, 3, &selected), VI_ACTION_HIT);
  check_int(selected, 1);
  check_int(choose("", entries, 3, &selected), VI_ACTION_HIT);
  check_int(selected, 2);
  check_int(choose("A: 3", entries, 3, &selected), VI_ACTION_FETCH);
  check_int(choose("A:", entries, 3, &selected), VI_ACTION_FETCH);
}

IT("4.1: serves the one with the latest Date of several that match") {
  vi_stored *older = entry_with("Date: " EARLIER "\nCache-Control: max-age=600");
  vi_stored *newer = entry_with("Date: " LATER "\nCache-Control: max-age=600\nVary: A");
  vi_stored *one_way[] = {older, newer}, *other_way[] = {newer, older};
  size_t selected;
  choose("", one_way, 2, &selected);
  check_int(selected, 1);
  choose("", other_way, 2, &selected);
  check_int(selected, 0);
}

IT("4.1: serves the one that came last of several with the same Date") {
  vi_stored *first = entry_at("", DATE "Cache-Control: max-age=600", NOW);
  vi_stored *second = entry_at("", DATE "Cache-Control: max-age=600\nVary: A", NOW + 0.5);
  vi_stored *one_way[] = {first, second}, *other_way[] = {second, first};
  size_t selected;
  choose("", one_way, 2, &selected);
  check_int(selected, 1);
  choose("", other_way, 2, &selected);
  check_int(selected, 0);
}

static vi_request *validation_of(const char *asked, const char *stored) {
  vi_request *request = request_with("GET", asked);
  vi_request *conditional = vi_policy_validation(request, entry_with(stored));
  check(conditional && conditional != request);
  check(!has_field(&request->headers, "If-None-Match"));
  tap_defer(release_request, conditional);
  return conditional;
}

IT("4.3.1: asks with every validator it has, and with all that the caller asked") {
  vi_request *request =
      validation_of("Accept: a\nCookie: b", "ETag: W/\"1\"\nLast-Modified: " EARLIER);
  check_text(joined(&request->headers, "If-None-Match"), "W/\"1\"");
  check_text(joined(&request->headers, "If-Modified-Since"), EARLIER);
  check_text(field(&request->headers, "Accept"), "a");
  check_text(field(&request->headers, "Cookie"), "b");
  check_text(vi_buffer_text(&request->url), URL);
}

IT("4.3.1: asks with the one validator that there is") {
  vi_request *by_etag = validation_of("", "ETag: \"1\"");
  check_text(field(&by_etag->headers, "If-None-Match"), "\"1\"");
  check(!has_field(&by_etag->headers, "If-Modified-Since"));
  vi_request *by_date = validation_of("", "Last-Modified: " EARLIER);
  check(!has_field(&by_date->headers, "If-None-Match"));
  check_text(field(&by_date->headers, "If-Modified-Since"), EARLIER);
}

static bool selects(const char *answered, const char *stored) {
  return vi_policy_selects(response_with(304, answered, ""), entry_with(stored));
}

IT("4.3.4: takes a 304 for the entry whose ETag it repeats, weak or strong") {
  check(selects("ETag: \"1\"", "ETag: \"1\""));
  check(selects("ETag: W/\"1\"", "ETag: \"1\""));
  check(selects("ETag: \"1\"", "ETag: W/\"1\""));
  check(!selects("ETag: \"2\"", "ETag: \"1\""));
  check(!selects("ETag: \"1\"", "Last-Modified: " EARLIER));
}

IT("4.3.4: takes a 304 without validators for the entry that was asked about") {
  check(selects("", "ETag: \"1\""));
  check(selects("", "Last-Modified: " EARLIER));
}

IT("4.3.4: does not take a 304 with another Last-Modified for the entry") {
  check(selects("Last-Modified: " EARLIER, "Last-Modified: " EARLIER));
  check(selects("Last-Modified: " EARLIER, "ETag: \"1\""));
  check(!selects("Last-Modified: " EARLIER, "Last-Modified: " LATER));
  check(selects("ETag: \"1\"\nLast-Modified: " EARLIER, "ETag: \"1\"\nLast-Modified: " LATER));
}

static vi_response *freshen(const char *stored, const char *answered) {
  vi_stored *entry = entry_with(stored);
  vi_response *updated = vi_policy_freshen(entry, response_with(304, answered, ""));
  tap_defer(release_response, updated);
  check(updated && updated != entry->response);
  return updated;
}

IT("3.2: replaces stored fields by those of the 304, and keeps the others") {
  vi_response *updated =
      freshen("ETag: \"1\"\nA: old\nA: older\nB: kept", "a: new\na: newer\nC: added");
  check_text(joined(&updated->headers, "A"), "new, newer");
  check_text(field(&updated->headers, "B"), "kept");
  check_text(field(&updated->headers, "C"), "added");
  check_text(field(&updated->headers, "ETag"), "\"1\"");
}

IT("3.2: keeps status, body and what describes the body") {
  vi_response *updated = freshen("Content-Length: 7\nContent-Encoding: x\nContent-Range: y",
                                 "content-length: 0\nContent-Encoding: z\nContent-Range: z");
  check_int(updated->status, 200);
  check_text(vi_response_body(updated), "content");
  check_text(field(&updated->headers, "Content-Length"), "7");
  check_text(field(&updated->headers, "Content-Encoding"), "x");
  check_text(field(&updated->headers, "Content-Range"), "y");
}

IT("3.2: takes over no field of the 304's own connection") {
  vi_response *updated = freshen("ETag: \"1\"", "Connection: keep-alive, X-Hop\nKeep-Alive: t=5\n"
                                                "X-Hop: 1\nTransfer-Encoding: chunked\nA: 1");
  check(!has_field(&updated->headers, "Connection"));
  check(!has_field(&updated->headers, "Keep-Alive"));
  check(!has_field(&updated->headers, "Transfer-Encoding"));
  check(!has_field(&updated->headers, "X-Hop"));
  check_text(field(&updated->headers, "A"), "1");
}

IT("3.2: leaves the stored entry and the 304 as they were") {
  vi_stored *entry = entry_with("A: old");
  vi_response *answer = response_with(304, "A: new\nConnection: close", "");
  vi_response *updated = vi_policy_freshen(entry, answer);
  tap_defer(release_response, updated);
  check_text(field(&entry->response->headers, "A"), "old");
  check_text(field(&answer->headers, "Connection"), "close");
}

IT("4.2.3: ages a freshened entry from the 304 on, whether it has Age and Date or not") {
  const char *stored = "Age: 50\nDate: " EARLIER "\nCache-Control: max-age=60";
  vi_response *plain = freshen(stored, "");
  check(!has_field(&plain->headers, "Age"));
  vi_stored *entry = vi_stored_new(request_with("GET", ""), plain, NOW + 100, NOW + 100, true);
  tap_defer(release_stored, entry);
  require(entry);
  check_double(entry->initial_age, 0);
  vi_response *aged = freshen(stored, "Age: 7");
  check_text(joined(&aged->headers, "Age"), "7");
}

IT("3.2: does not grow an entry by being freshened a thousand times") {
  vi_request *request = request_with("GET", "");
  vi_response *answer = response_with(304, DATE "ETag: \"1\"\nCache-Control: max-age=60", "");
  vi_stored *entry = vi_stored_retain(entry_with("ETag: \"1\"\nA: kept"));
  size_t most = 2 * vi_response_size(entry->response) + 1000;
  for (int i = 0; i < 1000; i++) {
    vi_response *updated = vi_policy_freshen(entry, answer);
    vi_stored_release(entry);
    require(updated);
    entry = vi_stored_new(request, updated, NOW, NOW, true);
    vi_response_release(updated);
    require(entry);
  }
  check(vi_response_size(entry->response) < most);
  check_text(field(&entry->response->headers, "A"), "kept");
  vi_stored_release(entry);
}

static bool invalidates(const char *method, int status) {
  return vi_policy_invalidates(request_with(method, ""), response_with(status, "", ""));
}

IT("4.4: invalidates after an unsafe method that did not fail") {
  const char *unsafe[] = {"POST", "PUT", "PATCH", "DELETE", "UNKNOWN"};
  for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
    tap_at("%s", unsafe[i]);
    check(invalidates(unsafe[i], 200) && invalidates(unsafe[i], 204));
    check(invalidates(unsafe[i], 201) && invalidates(unsafe[i], 303));
    check(!invalidates(unsafe[i], 400) && !invalidates(unsafe[i], 500));
    check(!invalidates(unsafe[i], 100));
  }
}

IT("4.4: invalidates nothing after a safe method") {
  const char *safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
  for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
    check(!invalidates(safe[i], 200));
}
