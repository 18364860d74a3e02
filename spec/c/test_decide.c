/* cache/decide: what is done with a request (RFC 9111 4), by section. */
#include "cache/decide.h"

#include "entries.h"
#include "tap.h"

static vi_decision decide_by(const vi_policy *policy, const vi_request *request,
                             const vi_stored *entry, double after) {
  vi_stored *candidates[] = {(vi_stored *)entry};
  return vi_decide(policy, request, candidates, entry ? 1 : 0, NOW + after);
}

/* What is done `after` seconds with a GET, when `fields` were answered to a plain GET NOW. */
static vi_action decide_as(const vi_policy *policy, const char *asked, const char *fields,
                           double after) {
  tap_at("%s / %s / %g", asked, fields, after);
  return decide_by(policy, request_with("GET", asked), entry_for(policy, "", fields), after).action;
}

static vi_action decide(const char *asked, const char *fields, double after) {
  return decide_as(&SHARED, asked, fields, after);
}

/* Why such a GET is sent on. */
static vi_forward reason(const char *asked, const char *fields, double after) {
  tap_at("%s / %s / %g", asked, fields, after);
  return decide_by(&SHARED, request_with("GET", asked), entry_with(fields), after).forward;
}

IT("fetches what it has nothing of") {
  vi_decision decision = decide_by(&SHARED, request_with("GET", ""), NULL, 0);
  check_int(decision.action, VI_ACTION_FETCH);
  check_int(decision.forward, VI_FORWARD_URI_MISS);
  check(!decision.selected);
}

IT("passes by with methods other than GET and HEAD, whatever is stored") {
  const char *methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get", "QUERY"};
  vi_stored *entry = entry_with("Cache-Control: max-age=60");
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    vi_decision decision = decide_by(&SHARED, request_with(methods[i], ""), entry, 0);
    check_int(decision.action, VI_ACTION_BYPASS);
    check_int(decision.forward, VI_FORWARD_METHOD);
    check(!decision.selected);
  }
}

IT("serves a method that it is told to store, body and all") {
  const vi_text query = VI_TEXT("QUERY");
  const vi_policy policy = {.shared = true, .methods = &query, .method_count = 1};
  vi_request *request = request_with("QUERY", "");
  request->has_body = true;
  vi_stored *entry = entry_with("Cache-Control: max-age=60");
  check_int(decide_by(&policy, request, entry, 0).action, VI_ACTION_HIT);
  request->streams_body = true; /* such a body no key can hold */
  check_int(decide_by(&policy, request, entry, 0).action, VI_ACTION_BYPASS);
  request->streams_body = false;
  request->multipart = vi_multipart_new();
  require(request->multipart);
  check_int(decide_by(&policy, request, entry, 0).action, VI_ACTION_BYPASS);
}

IT("passes by with a GET or HEAD that has a body (RFC 9110 9.3.1)") {
  const char *methods[] = {"GET", "HEAD"};
  for (size_t i = 0; i < 2; i++) {
    vi_request *request = request_with(methods[i], "");
    request->has_body = true;
    vi_decision decision = decide_by(&SHARED, request, entry_with("Cache-Control: max-age=60"), 0);
    check_int(decision.action, VI_ACTION_BYPASS);
    check_int(decision.forward, VI_FORWARD_BYPASS);
  }
}

IT("passes by with what only the origin can judge, or only it can serve") {
  const char *own[] = {"If-Match: \"1\"",     "If-Unmodified-Since: Sun, 06 Nov 1994 08:48:37 GMT",
                       "Host: other.example", "Range: bytes=0-1, 3-4",
                       "Range: items=0-1",    "Range: bytes=5-2"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    check_int(decide(own[i], "Cache-Control: max-age=60", 0), VI_ACTION_BYPASS);
    check_int(reason(own[i], "Cache-Control: max-age=60", 0), VI_FORWARD_BYPASS);
  }
}

IT("4.2: serves what is fresh, to the second its lifetime ends") {
  check_int(decide("", DATE "Cache-Control: max-age=60", 0), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60", 59.9), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60", 60), VI_ACTION_FETCH);
  check_int(decide("", DATE "Cache-Control: max-age=60\nAge: 50", 9), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60\nAge: 50", 10), VI_ACTION_FETCH);
  check_int(reason("", DATE "Cache-Control: max-age=60", 0), VI_FORWARD_NONE);
  check_int(reason("", DATE "Cache-Control: max-age=60", 60), VI_FORWARD_STALE);
}

IT("4.2.3: serves what was fresh when the clock has stepped back, but not for so long") {
  check_int(decide("", DATE "Cache-Control: max-age=60", -59), VI_ACTION_HIT);
  check_int(decide("", DATE "Cache-Control: max-age=60", -60), VI_ACTION_FETCH);
  check_int(decide("", DATE "Cache-Control: max-age=60", -86400), VI_ACTION_FETCH);
}

IT("4.3.1: validates what is stale by its validator, and fetches what has none") {
  check_int(decide("", "Cache-Control: max-age=60\nETag: \"1\"", 61), VI_ACTION_VALIDATE);
  check_int(decide("", "Last-Modified: " EARLIER, 0), VI_ACTION_VALIDATE);
  check_int(decide("", "Cache-Control: max-age=60", 61), VI_ACTION_FETCH);
}

IT("4.3.2: lets a fresh entry answer the caller's condition, and asks no other of its own") {
  const char *fields = "Cache-Control: max-age=60\nETag: \"1\"";
  const char *own[] = {"If-None-Match: \"2\"", "If-Modified-Since: " EARLIER};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    check_int(decide(own[i], fields, 0), VI_ACTION_HIT);
    check_int(decide(own[i], fields, 61), VI_ACTION_FETCH);
  }
}

IT("serves and fetches for a HEAD, but validates nothing by it") {
  vi_request *head = request_with("HEAD", "");
  vi_stored *entry = entry_with("Cache-Control: max-age=60\nETag: \"1\"");
  check_int(decide_by(&SHARED, head, entry, 0).action, VI_ACTION_HIT);
  vi_decision stale = decide_by(&SHARED, head, entry, 61);
  check_int(stale.action, VI_ACTION_FETCH);
  check(stale.selected == entry);
}

IT("5.2.2.4: validates each time what says no-cache, but not where it names fields") {
  check_int(decide("", "Cache-Control: no-cache, max-age=60\nETag: \"1\"", 0), VI_ACTION_VALIDATE);
  check_int(reason("", "Cache-Control: no-cache, max-age=60", 0), VI_FORWARD_STALE);
  check_int(decide("", "Cache-Control: no-cache=\"A\", max-age=60", 0), VI_ACTION_HIT);
  check_int(decide("", "Cache-Control: no-cache=\"A B\", max-age=60", 0), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-stale", "Cache-Control: no-cache, max-age=60", 0),
            VI_ACTION_FETCH);
}

IT("5.2.1.1: serves nothing older than the request's max-age") {
  check_int(decide("Cache-Control: max-age=10", "Cache-Control: max-age=60", 10), VI_ACTION_HIT);
  check_int(decide("Cache-Control: max-age=10", "Cache-Control: max-age=60", 11), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-age=x", "Cache-Control: max-age=60", 1), VI_ACTION_FETCH);
  check_int(reason("Cache-Control: max-age=10", "Cache-Control: max-age=60", 11),
            VI_FORWARD_REQUEST);
}

IT("RFC 8246 2: serves what is immutable on a reload while it is fresh") {
  const char *answer = "Cache-Control: max-age=60, immutable";
  check_int(decide("Cache-Control: max-age=0", answer, 59), VI_ACTION_HIT);
  check_int(decide("Cache-Control: max-age=0", answer, 61), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-age=0, max-stale", answer, 61), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-age=10", answer, 11), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: no-cache", answer, 0), VI_ACTION_FETCH);
  check_int(decide("Cache-Control: max-age=0", "Cache-Control: max-age=60", 1), VI_ACTION_FETCH);
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

IT("4.3.5: serves nothing, stale or not, of which something newer is known to be there") {
  vi_stored *outdated = vi_stored_outdated(entry_with("Cache-Control: max-age=60\nETag: \"1\""));
  require(outdated);
  vi_request *plain = request_with("GET", "");
  vi_request *lax = request_with("GET", "Cache-Control: max-stale");
  check_int(decide_by(&SHARED, plain, outdated, 0).action, VI_ACTION_VALIDATE);
  check_int(decide_by(&SHARED, lax, outdated, 0).action, VI_ACTION_VALIDATE);
  vi_stored_release(outdated);
}

IT("5.2.1.3: serves what stays fresh for min-fresh yet") {
  check_int(decide("Cache-Control: min-fresh=10", "Cache-Control: max-age=60", 50), VI_ACTION_HIT);
  check_int(decide("Cache-Control: min-fresh=10", "Cache-Control: max-age=60", 51),
            VI_ACTION_FETCH);
  check_int(decide("Cache-Control: min-fresh=x", "Cache-Control: max-age=60", 0), VI_ACTION_FETCH);
  check_int(reason("Cache-Control: min-fresh=10", "Cache-Control: max-age=60", 51),
            VI_FORWARD_REQUEST);
}

IT("5.2.1.4: asks the server again when the request says no-cache, in any form") {
  const char *answer = "Cache-Control: max-age=60\nETag: \"1\"";
  check_int(decide("Cache-Control: no-cache", answer, 0), VI_ACTION_VALIDATE);
  check_int(decide("Cache-Control: no-cache=\"A\"", answer, 0), VI_ACTION_VALIDATE);
  check_int(decide("Cache-Control: no-cache", "Cache-Control: max-age=60", 0), VI_ACTION_FETCH);
  check_int(reason("Cache-Control: no-cache", answer, 0), VI_FORWARD_REQUEST);
}

IT("5.2.1.5: neither serves nor stores when the request says no-store") {
  check_int(decide("Cache-Control: no-store", "Cache-Control: max-age=60", 0), VI_ACTION_BYPASS);
  check_int(reason("Cache-Control: no-store", "Cache-Control: max-age=60", 0), VI_FORWARD_REQUEST);
}

IT("5.2.1.7: answers only-if-cached from the store or not at all") {
  const char *answer = "Cache-Control: max-age=60\nETag: \"1\"";
  vi_request *request = request_with("GET", "Cache-Control: only-if-cached");
  check_int(decide("Cache-Control: only-if-cached", answer, 0), VI_ACTION_HIT);
  check_int(decide("Cache-Control: only-if-cached", answer, 61), VI_ACTION_TIMEOUT);
  check_int(decide("Cache-Control: only-if-cached, max-stale", answer, 61), VI_ACTION_HIT);
  check_int(decide("Cache-Control: only-if-cached, no-cache", answer, 0), VI_ACTION_TIMEOUT);
  check_int(decide_by(&SHARED, request, NULL, 0).action, VI_ACTION_TIMEOUT);
  check_int(decide_by(&SHARED, request, part_with("bytes 0-3/9", "", "0123"), 0).action,
            VI_ACTION_TIMEOUT);
}

IT("5.4: heeds Pragma only where there is no Cache-Control") {
  const char *answer = "Cache-Control: max-age=60";
  check_int(decide("Pragma: No-Cache", answer, 0), VI_ACTION_FETCH);
  check_int(decide("Pragma: other", answer, 0), VI_ACTION_HIT);
  check_int(decide("Pragma: no-cache\nCache-Control: max-age=9", answer, 0), VI_ACTION_HIT);
}

IT("RFC 5861 3: serves stale and refreshes meanwhile, as long as the server allows it") {
  const char *answer = "Cache-Control: max-age=60, stale-while-revalidate=30\nETag: \"1\"";
  check_int(decide_as(&SHARED, "", answer, 59), VI_ACTION_HIT);
  check_int(decide_as(&SHARED, "", answer, 60), VI_ACTION_REFRESH);
  check_int(decide_as(&SHARED, "", answer, 89), VI_ACTION_REFRESH);
  check_int(decide_as(&SHARED, "", answer, 90), VI_ACTION_VALIDATE);
}

IT("RFC 5861 3: does not serve stale where server, request or a newer response forbid it") {
  const char *answer = "Cache-Control: max-age=60, stale-while-revalidate=30";
  check_int(decide_as(&SHARED, "",
                      "Cache-Control: max-age=60, stale-while-revalidate=30, must-revalidate", 61),
            VI_ACTION_FETCH);
  check_int(decide_as(&SHARED, "", "Cache-Control: no-cache, stale-while-revalidate=30", 0),
            VI_ACTION_FETCH);
  const char *wishes[] = {"Cache-Control: no-cache", "Cache-Control: max-age=10",
                          "Cache-Control: min-fresh=1", "If-None-Match: \"1\""};
  for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
    check_int(decide_as(&SHARED, wishes[i], answer, 61), VI_ACTION_FETCH);
}

static bool stale_served(const vi_policy *policy, const char *asked, const char *fields,
                         double after, bool disconnected) {
  tap_at("%s / %s / %g", asked, fields, after);
  return vi_may_serve_stale(policy, request_with("GET", asked), entry_for(policy, "", fields),
                            disconnected, NOW + after);
}

IT("RFC 5861 4: serves stale in the place of an error as long as server or request allow it") {
  const char *answer = "Cache-Control: max-age=60, stale-if-error=30";
  check(stale_served(&SHARED, "", answer, 89, false));
  check(!stale_served(&SHARED, "", answer, 90, false));
  check(stale_served(&SHARED, "Cache-Control: stale-if-error=100", answer, 90, false));
  check(stale_served(&SHARED, "Cache-Control: stale-if-error=5", answer, 80, false));
  check(!stale_served(&SHARED, "", "Cache-Control: max-age=60", 60, true));
  const vi_policy policy = {.stale_if_error = 10};
  check(stale_served(&policy, "", "Cache-Control: max-age=60", 69, false));
  check(!stale_served(&policy, "", "Cache-Control: max-age=60, stale-if-error=0", 69, false));
}

IT("4.2.4: serves stale without an answer where it is told to, however stale") {
  const vi_policy policy = {.stale_on_disconnect = true};
  check(stale_served(&policy, "", "Cache-Control: max-age=60", 1e9, true));
  check(!stale_served(&policy, "", "Cache-Control: max-age=60", 61, false));
}

IT("4.2.4: serves nothing stale that server or request forbid, though there is no answer") {
  const vi_policy policy = {.shared = true, .stale_on_disconnect = true, .stale_if_error = 100};
  const char *forbidding[] = {"Cache-Control: no-cache", "Cache-Control: must-revalidate",
                              "Cache-Control: proxy-revalidate", "Cache-Control: s-maxage=0"};
  for (size_t i = 0; i < sizeof forbidding / sizeof *forbidding; i++)
    check(!stale_served(&policy, "", forbidding[i], 1, true));
  check(!stale_served(&policy, "Cache-Control: no-cache", "Cache-Control: max-age=0", 1, true));
  vi_stored *outdated = vi_stored_outdated(entry_for(&policy, "", "Cache-Control: max-age=60"));
  require(outdated);
  check(!vi_may_serve_stale(&policy, request_with("GET", ""), outdated, true, NOW));
  vi_stored_release(outdated);
  check(!vi_may_serve_stale(&policy, request_with("GET", ""), part_with("bytes 0-3/10", "", "0123"),
                            true, NOW));
}
