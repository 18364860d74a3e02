/* cache/stored: a response with its age, its lifetime and its variant worked out. */
#include "cache/stored.h"

#include "messages.h"
#include "tap.h"

static const double ARRIVAL = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\n"
#define LATER_BY_60 "Sun, 06 Nov 1994 08:50:37 GMT"
#define EARLIER_BY_60 "Sun, 06 Nov 1994 08:48:37 GMT"

static void release(void *stored) {
  vi_stored_release(stored);
}

static vi_stored *store(const char *request, const char *response, double sent, double arrived,
                        bool shared) {
  vi_stored *stored = vi_stored_new(request_with("GET", request),
                                    response_with(200, response, "content"), sent, arrived, shared);
  check(stored);
  tap_defer(release, stored);
  return stored;
}

/* The answer to a request without fields, sent and answered in no time, in a shared cache. */
static vi_stored *stored_with(const char *response) {
  return store("", response, ARRIVAL, ARRIVAL, true);
}

static bool matches(const vi_stored *stored, const char *request) {
  return vi_stored_matches(stored, request_with("GET", request));
}

static double lifetime(const char *response) {
  return stored_with(response)->lifetime;
}

static double age_then(const char *response) {
  return stored_with(response)->initial_age;
}

IT("keeps the response without changing it, the body's bytes shared") {
  vi_response *response = response_with(200, "Connection: close\nA: 1", "content");
  vi_stored *stored = vi_stored_new(request_with("GET", ""), response, ARRIVAL, ARRIVAL, true);
  require(stored);
  check(vi_response_body(stored->response).data == vi_response_body(response).data);
  check(has_field(&response->headers, "Connection"));
  check_text(field(&stored->response->headers, "A"), "1");
  vi_stored_release(stored);
}

IT("drops the fields of one connection (3.1), those that Connection names too") {
  vi_stored *stored = stored_with(
      "Connection: close, X-Hop\nX-Hop: 1\nConnection: x-other\nX-Other: 2\nKeep-Alive: t=1\n"
      "Proxy-Connection: x\nProxy-Authenticate: x\nProxy-Authorization: x\n"
      "Proxy-Authentication-Info: x\nTE: x\nTrailer: x\nTransfer-Encoding: x\nUpgrade: x\nKept: 1");
  check_int(stored->response->headers.count, 1);
  check_text(field(&stored->response->headers, "Kept"), "1");
}

IT("prefers s-maxage, then max-age, then Expires (4.2.1)") {
  const char *all = DATE "Cache-Control: s-maxage=10, max-age=20\nExpires: " LATER_BY_60;
  check_double(lifetime(all), 10);
  check_double(lifetime(DATE "Cache-Control: max-age=20\nExpires: " LATER_BY_60), 20);
  check_double(lifetime(DATE "Expires: " LATER_BY_60), 60);
}

IT("heeds s-maxage in a shared cache only (5.2.2.10)") {
  const char *both = "Cache-Control: s-maxage=10, max-age=20";
  check_double(store("", both, ARRIVAL, ARRIVAL, false)->lifetime, 20);
  check_double(store("", "Cache-Control: s-maxage=10", ARRIVAL, ARRIVAL, false)->lifetime, 0);
}

IT("counts Expires from Date, and from the arrival where there is no Date") {
  check_double(lifetime("Date: " EARLIER_BY_60 "\nExpires: " LATER_BY_60), 120);
  check_double(lifetime("Expires: " LATER_BY_60), 60);
}

IT("takes an Expires in the past, invalid or repeated for stale (5.3)") {
  check_double(lifetime(DATE "Expires: " EARLIER_BY_60), 0);
  check_double(lifetime(DATE "Expires: 0"), 0);
  check_double(lifetime(DATE "Expires: -1"), 0);
  check_double(lifetime(DATE "Expires:"), 0);
  check_double(lifetime(DATE "Expires: " LATER_BY_60 "\nExpires: " LATER_BY_60), 0);
}

IT("does not fall back on Expires when max-age is invalid") {
  check_double(lifetime(DATE "Cache-Control: max-age=x\nExpires: " LATER_BY_60), 0);
}

IT("guesses no lifetime where the server states none") {
  check_double(lifetime(DATE "Last-Modified: " EARLIER_BY_60), 0);
}

IT("is as old on arrival as Age and the time under way say together (4.2.3)") {
  check_double(age_then(DATE), 0);
  check_double(age_then(DATE "Age: 30"), 30);
  check_double(store("", DATE "Age: 30", ARRIVAL - 5, ARRIVAL, true)->initial_age, 35);
}

IT("is at least as old as its Date says, and no younger than nothing") {
  check_double(age_then("Date: " EARLIER_BY_60), 60);
  check_double(age_then("Date: " EARLIER_BY_60 "\nAge: 30"), 60);
  check_double(age_then("Date: " EARLIER_BY_60 "\nAge: 90"), 90);
  check_double(age_then("Date: " LATER_BY_60), 0);
  check_double(age_then("Date: rubbish"), 0);
}

IT("goes by the first of several Ages and ignores an invalid one (5.1)") {
  check_double(age_then(DATE "Age: 30, 40"), 30);
  check_double(age_then(DATE "Age: 30\nAge: 40"), 30);
  check_double(age_then(DATE "Age: -5"), 0);
  check_double(age_then(DATE "Age: 1.5"), 0);
  check_double(age_then(DATE "Age:"), 0);
}

IT("grows older with the clock") {
  vi_stored *stored = stored_with(DATE "Age: 30");
  check_double(vi_stored_age(stored, ARRIVAL), 30);
  check_double(vi_stored_age(stored, ARRIVAL + 12.5), 42.5);
}

IT("never grows younger than it came, though the clock steps back") {
  vi_stored *stored = store("", DATE "Age: 30", ARRIVAL, ARRIVAL - 1000, true);
  check_double(stored->initial_age, 30);
  check_double(vi_stored_age(stored, ARRIVAL - 5000), 30);
}

IT("matches every request when there is no Vary") {
  check(matches(stored_with(DATE), "Accept: text/html"));
}

IT("matches a request whose fields that Vary names are the same (4.1)") {
  vi_stored *stored =
      store("Accept: a\nCookie: c\nOther: x", "Vary: accept, COOKIE", ARRIVAL, ARRIVAL, true);
  check(matches(stored, "ACCEPT: a\nCookie: c\nOther: y"));
  check(!matches(stored, "Accept: A\nCookie: c"));
  check(!matches(stored, "Accept: a\nCookie: d"));
  check(!matches(stored, "Accept: a"));
}

IT("reads several Vary fields as one list") {
  vi_stored *stored = store("A: 1\nB: 2", "Vary: A\nVary: , B ,", ARRIVAL, ARRIVAL, true);
  check(matches(stored, "A: 1\nB: 2"));
  check(!matches(stored, "A: 1\nB: 3"));
  check(!matches(stored, "A: 3\nB: 2"));
}

IT("tells a field that is absent from one that is empty") {
  vi_stored *absent = store("", "Vary: A", ARRIVAL, ARRIVAL, true);
  vi_stored *empty = store("A:", "Vary: A", ARRIVAL, ARRIVAL, true);
  check(matches(absent, "") && !matches(absent, "A:"));
  check(matches(empty, "A:") && !matches(empty, ""));
  check(!vi_stored_same_variant(absent, empty));
}

IT("takes repeated request fields for the list they are (RFC 9110 5.3)") {
  vi_stored *stored = store("A: 1\nA: 2", "Vary: A", ARRIVAL, ARRIVAL, true);
  check(matches(stored, "A: 1, 2"));
  check(!matches(stored, "A: 2\nA: 1"));
  check(!matches(stored, "A: 1"));
}

IT("never matches with a star in its Vary") {
  check(!matches(stored_with("Vary: *"), ""));
  check(!matches(store("A: 1", "Vary: A, *", ARRIVAL, ARRIVAL, true), "A: 1"));
}

IT("is the same variant as an entry that the same fields selected") {
  vi_stored *a = store("A: 1\nX: 1", "Vary: A", ARRIVAL, ARRIVAL, true);
  vi_stored *b = store("A: 1\nX: 2", "Vary: a", ARRIVAL, ARRIVAL, true);
  vi_stored *c = store("A: 2", "Vary: A", ARRIVAL, ARRIVAL, true);
  check(vi_stored_same_variant(a, a) && vi_stored_same_variant(a, b));
  check(!vi_stored_same_variant(a, c));
  check(!vi_stored_same_variant(a, stored_with(DATE)));
  check(vi_stored_same_variant(stored_with(DATE), stored_with("Age: 1")));
}

IT("is another variant when the same value stood in another field") {
  vi_stored *a = store("A: 1", "Vary: A, B", ARRIVAL, ARRIVAL, true);
  vi_stored *b = store("B: 1", "Vary: A, B", ARRIVAL, ARRIVAL, true);
  check(!vi_stored_same_variant(a, b));
}

IT("can be validated by an ETag or by Last-Modified") {
  check(vi_stored_has_validator(stored_with("ETag: \"1\"")));
  check(vi_stored_has_validator(stored_with("Last-Modified: " EARLIER_BY_60)));
  check(!vi_stored_has_validator(stored_with(DATE)));
}

IT("lives until its last holder lets go") {
  vi_stored *stored = vi_stored_new(request_with("GET", ""), response_with(200, "", "content"),
                                    ARRIVAL, ARRIVAL, true);
  require(stored);
  check(vi_stored_retain(stored) == stored);
  vi_stored_release(stored);
  check_text(vi_response_body(stored->response), "content");
  vi_stored_release(stored);
  vi_stored_release(NULL);
}
