/* cache/policy: the rules of RFC 9111, by section. */
#include "cache/policy.h"

#include "messages.h"
#include "tap.h"

static const double NOW = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\n"
#define EARLIER "Sun, 06 Nov 1994 08:48:37 GMT"
#define LATER "Sun, 06 Nov 1994 08:50:37 GMT"

static const vi_policy SHARED = {.shared = true};
static const vi_policy PRIVATE = {.shared = false};

static void release_stored(void *stored) {
  vi_stored_release(stored);
}

static vi_stored *entry_at(const vi_policy *policy, const vi_request *request, int status,
                           const char *fields, double time) {
  vi_stored *entry =
      vi_stored_new(request, response_with(status, fields, "content"), time, time, policy->shared);
  check(entry);
  tap_defer(release_stored, entry);
  return entry;
}

/* An answer that came NOW to a plain GET. */
static vi_stored *entry_with(const vi_policy *policy, const char *fields) {
  return entry_at(policy, request_with("GET", ""), 200, fields, NOW);
}

static bool may_store_as(const vi_policy *policy, const char *method, const char *asked, int status,
                         const char *fields) {
  vi_request *request = request_with(method, asked);
  return vi_policy_may_store(policy, request, entry_at(policy, request, status, fields, NOW));
}

static bool may_store(const char *fields) {
  return may_store_as(&SHARED, "GET", "", 200, fields);
}

/* What is done `after` seconds with a GET, when `fields` were answered to a plain GET NOW. */
static vi_action decide_as(const vi_policy *policy, const char *asked, const char *fields,
                           double after) {
  vi_stored *entry = entry_with(policy, fields);
  size_t selected = 99;
  return vi_policy_decide(policy, request_with("GET", asked), &entry, 1, NOW + after, &selected);
}

static vi_action decide(const char *asked, const char *fields, double after) {
  return decide_as(&SHARED, asked, fields, after);
}

IT("3: stores a GET's answer that has a lifetime or a validator") {
  check(may_store("Cache-Control: max-age=60"));
  check(may_store(DATE "Expires: " LATER));
  check(may_store("ETag: \"1\""));
  check(may_store("Last-Modified: " EARLIER));
  check(may_store("ETag: \"1\"\nCache-Control: max-age=0"));
}

IT("3: does not store what it could never use again") {
  check(!may_store(""));
  check(!may_store("Cache-Control: max-age=0"));
  check(!may_store(DATE "Expires: " EARLIER));
}

IT("3: stores answers to GET only") {
  const char *methods[] = {"HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    check(!may_store_as(&SHARED, methods[i], "", 200, "Cache-Control: max-age=60"));
}

IT("3: stores successes that it understands, no errors, parts or redirects") {
  const int stored[] = {200, 203, 204};
  const int passed[] = {0, 100, 201, 202, 206, 301, 302, 304, 307, 400, 404, 410, 500, 503, 504};
  for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
    check(may_store_as(&SHARED, "GET", "", stored[i], "Cache-Control: max-age=60"));
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
    check(!may_store_as(&SHARED, "GET", "", passed[i], "Cache-Control: max-age=60\nETag: \"1\""));
}

IT("3.5: keeps an authorized answer from a shared cache unless the server allows it") {
  const char *user = "Authorization: Basic x";
  check(!may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60"));
  check(may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60, public"));
  check(may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60, must-revalidate"));
  check(may_store_as(&SHARED, "GET", user, 200, "Cache-Control: s-maxage=60"));
  check(may_store_as(&PRIVATE, "GET", user, 200, "Cache-Control: max-age=60"));
}

IT("4.1: does not store what varies on everything") {
  check(!may_store("Cache-Control: max-age=60\nVary: *"));
  check(!may_store("Cache-Control: max-age=60\nVary: Accept\nVary: A, *"));
  check(may_store("Cache-Control: max-age=60\nVary: Accept"));
}

IT("5.2.2.5: does not store what must not be stored") {
  check(!may_store("Cache-Control: no-store, max-age=60"));
  check(!may_store_as(&PRIVATE, "GET", "", 200, "Cache-Control: max-age=60, NO-STORE"));
}

IT("5.2.2.3: overrules no-store by must-understand for a status that it understands") {
  check(may_store("Cache-Control: must-understand, no-store, max-age=60"));
  check(!may_store_as(&SHARED, "GET", "", 206,
                      "Cache-Control: must-understand, no-store, max-age=60"));
}

IT("5.2.2.7: keeps private answers out of a shared cache, qualified ones too") {
  check(!may_store("Cache-Control: private, max-age=60"));
  check(!may_store("Cache-Control: private=\"Set-Cookie\", max-age=60"));
  check(may_store_as(&PRIVATE, "GET", "", 200, "Cache-Control: private, max-age=60"));
}

IT("fetches what it has nothing of") {
  size_t selected = 0;
  check_int(vi_policy_decide(&SHARED, request_with("GET", ""), NULL, 0, NOW, &selected),
            VI_ACTION_FETCH);
}

IT("passes by with methods other than GET, whatever is stored") {
  const char *methods[] = {"HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
  vi_stored *entry = entry_with(&SHARED, "Cache-Control: max-age=60");
  size_t selected = 0;
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    check_int(vi_policy_decide(&SHARED, request_with(methods[i], ""), &entry, 1, NOW, &selected),
              VI_ACTION_BYPASS);
}

IT("passes by with a caller's own conditions and ranges") {
  const char *own[] = {"If-None-Match: \"1\"", "If-Modified-Since: " EARLIER,
                       "If-Match: \"1\"",      "If-Unmodified-Since: " EARLIER,
                       "If-Range: \"1\"",      "Range: bytes=0-1"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    check_int(decide(own[i], "Cache-Control: max-age=60", 0), VI_ACTION_BYPASS);
}

IT("4.2: serves what is fresh, to the second its lifetime ends") {
  check_int(decide("", DATE "Cache-Control: max-age=60", 0), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60", 59.9), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60", 60), VI_ACTION_FETCH);
  check_int(decide("", DATE "Cache-Control: max-age=60\nAge: 50", 9), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60\nAge: 50", 10), VI_ACTION_FETCH);
}

IT("4.2.3: serves what was fresh when the clock has stepped back") {
  check_int(decide("", DATE "Cache-Control: max-age=60", -86400), VI_ACTION_HIT);
}

IT("4.3.1: validates what is stale by its validator, and fetches what has none") {
  check_int(decide("", "Cache-Control: max-age=60\nETag: \"1\"", 61), VI_ACTION_VALIDATE);
  check_int(decide("", "Last-Modified: " EARLIER, 0), VI_ACTION_VALIDATE);
  check_int(decide("", "Cache-Control: max-age=60", 61), VI_ACTION_FETCH);
}

IT("5.2.2.4: validates each time what says no-cache, qualified too") {
  check_int(decide("", "Cache-Control: no-cache, max-age=60\nETag: \"1\"", 0), VI_ACTION_VALIDATE);
  check_int(decide("", "Cache-Control: no-cache=\"A\", max-age=60\nETag: \"1\"", 0),
            VI_ACTION_VALIDATE);
  check_int(decide("Cache-Control: max-stale", "Cache-Control: no-cache, max-age=60", 0),
            VI_ACTION_FETCH);
}

IT("5.2.1.1: serves nothing older than the request's max-age") {
  check_int(decide("Cache-Control: max-age=10", "Cache-Control: max-age=60", 10), VI_ACTION_HIT);
  check_int(decide("Cache-Control: max-age=10", "Cache-Control: max-age=60", 11), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-age=x", "Cache-Control: max-age=60", 1), VI_ACTION_FETCH);
}

IT("5.2.1.2: serves what is stale by no more than max-stale") {
  const char *answer = "Cache-Control: max-age=60";
  check_int(decide("Cache-Control: max-stale=10", answer, 70), VI_ACTION_HIT);
  check_int(decide("Cache-Control: max-stale=10", answer, 71), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-stale", answer, 1e9), VI_ACTION_HIT);
  check_int(decide("Cache-Control: max-stale, max-age=65", answer, 66), VI_ACTION_FETCH);
}

IT("5.2.2.2, 5.2.2.8, 5.2.2.10: serves nothing stale where the server forbids it") {
  const char *wish = "Cache-Control: max-stale";
  check_int(decide(wish, "Cache-Control: max-age=60, must-revalidate", 61), VI_ACTION_FETCH);
  check_int(decide(wish, "Cache-Control: max-age=60, proxy-revalidate", 61), VI_ACTION_FETCH);
  check_int(decide(wish, "Cache-Control: s-maxage=60", 61), VI_ACTION_FETCH);
  check_int(decide_as(&PRIVATE, wish, "Cache-Control: max-age=60, proxy-revalidate", 61),
            VI_ACTION_HIT);
  check_int(decide_as(&PRIVATE, wish, "Cache-Control: max-age=60, must-revalidate", 61),
            VI_ACTION_FETCH);
}

IT("5.2.1.3: serves what stays fresh for min-fresh yet") {
  check_int(decide("Cache-Control: min-fresh=10", "Cache-Control: max-age=60", 50), VI_ACTION_HIT);
  check_int(decide("Cache-Control: min-fresh=10", "Cache-Control: max-age=60", 51),
            VI_ACTION_FETCH);
  check_int(decide("Cache-Control: min-fresh=x", "Cache-Control: max-age=60", 0), VI_ACTION_FETCH);
}

IT("5.2.1.4: asks the server again when the request says no-cache") {
  const char *answer = "Cache-Control: max-age=60\nETag: \"1\"";
  check_int(decide("Cache-Control: no-cache", answer, 0), VI_ACTION_VALIDATE);
  check_int(decide("Cache-Control: no-cache", "Cache-Control: max-age=60", 0), VI_ACTION_FETCH);
}

IT("5.2.1.5: neither serves nor stores when the request says no-store") {
  check_int(decide("Cache-Control: no-store", "Cache-Control: max-age=60", 0), VI_ACTION_BYPASS);
}

IT("5.2.1.7: answers only-if-cached from the store or not at all") {
  const char *answer = "Cache-Control: max-age=60\nETag: \"1\"";
  size_t selected = 0;
  vi_request *request = request_with("GET", "Cache-Control: only-if-cached");
  check_int(decide("Cache-Control: only-if-cached", answer, 0), VI_ACTION_HIT);
  check_int(decide("Cache-Control: only-if-cached", answer, 61), VI_ACTION_TIMEOUT);
  check_int(decide("Cache-Control: only-if-cached, max-stale", answer, 61), VI_ACTION_HIT);
  check_int(vi_policy_decide(&SHARED, request, NULL, 0, NOW, &selected), VI_ACTION_TIMEOUT);
}

IT("5.4: heeds Pragma only where there is no Cache-Control") {
  const char *answer = "Cache-Control: max-age=60";
  check_int(decide("Pragma: No-Cache", answer, 0), VI_ACTION_FETCH);
  check_int(decide("Pragma: other", answer, 0), VI_ACTION_HIT);
  check_int(decide("Pragma: no-cache\nCache-Control: max-age=9", answer, 0), VI_ACTION_HIT);
}
