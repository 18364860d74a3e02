/* cache/storing: which responses may be stored (RFC 9111 3), and what they invalidate (4.4). */
#include "cache/storing.h"

#include "entries.h"
#include "tap.h"

static bool may_store_of(const vi_policy *policy, const vi_request *request,
                         const vi_response *response, const vi_choices *choices) {
  vi_freshness freshness = vi_freshness_of(policy, response, NOW, NOW);
  return vi_storing_refusal(policy, request, response, &freshness, choices) == VI_REFUSAL_NONE;
}

static bool may_store_as(const vi_policy *policy, const char *method, const char *asked, int status,
                         const char *fields) {
  tap_at("%s %d %s", method, status, fields);
  return may_store_of(policy, request_with(method, asked), response_with(status, fields, "content"),
                      NULL);
}

static bool may_store(const char *fields) {
  return may_store_as(&SHARED, "GET", "", 200, fields);
}

static bool may_store_status(int status, const char *fields) {
  return may_store_as(&SHARED, "GET", "", status, fields);
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

IT("3: stores answers to GET only, unless it is told of other methods") {
  const char *methods[] = {"HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"};
  const vi_text query = VI_TEXT("QUERY");
  const vi_policy told = {.shared = true, .methods = &query, .method_count = 1};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    check(!may_store_as(&told, methods[i], "", 200, "Cache-Control: max-age=60"));
  check(!may_store_as(&SHARED, "QUERY", "", 200, "Cache-Control: max-age=60"));
  check(may_store_as(&told, "QUERY", "", 200, "Cache-Control: max-age=60"));
  check(may_store_as(&told, "GET", "", 200, "Cache-Control: max-age=60"));
}

IT("3: stores successes and redirects that say for how long") {
  const int stored[] = {200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308};
  for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
    check(may_store_status(stored[i], "Cache-Control: max-age=60"));
}

IT("3: stores no redirect that does not, unless its status or the server allows it") {
  check(!may_store_status(302, "ETag: \"1\""));
  check(!may_store_status(307, "Last-Modified: " EARLIER));
  check(!may_store_status(302, "Cache-Control: max-age=0"));
  check(may_store_status(302, "Cache-Control: public\nETag: \"1\""));
  check(may_store_status(301, "ETag: \"1\""));
  check(!may_store_status(302, "Cache-Control: private\nETag: \"1\""));
  check(may_store_as(&PRIVATE, "GET", "", 302, "Cache-Control: private\nETag: \"1\""));
}

IT("3: stores no answer that is not final, and no 304") {
  const int passed[] = {0, 100, 103, 199, 304, -200};
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
    check(!may_store_status(passed[i], "Cache-Control: max-age=60\nETag: \"1\""));
}

IT("3: stores errors only when asked to, and only those that say for how long") {
  const vi_policy policy = {.shared = true, .store_errors = true};
  const int errors[] = {400, 403, 404, 405, 410, 429, 451, 500, 501, 503, 504, 599};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    check(!may_store_status(errors[i], "Cache-Control: max-age=60, public\nETag: \"1\""));
    check(may_store_as(&policy, "GET", "", errors[i], "Cache-Control: max-age=60"));
    check(!may_store_as(&policy, "GET", "", errors[i], "Cache-Control: public\nETag: \"1\""));
    check(!may_store_as(&policy, "GET", "", errors[i], "Last-Modified: " EARLIER));
    check(!may_store_as(&policy, "GET", "", errors[i], "Cache-Control: max-age=0"));
  }
}

IT("4.2.2: stores errors by a guess where that is asked for, too") {
  const vi_policy policy = {.shared = true, .store_errors = true, .heuristic = 0.1};
  check(may_store_as(&policy, "GET", "", 404, DATE "Last-Modified: " EARLIER));
  check(!may_store_as(&policy, "GET", "", 403, DATE "Last-Modified: " EARLIER));
  check(may_store_as(&policy, "GET", "", 200, DATE "Last-Modified: " EARLIER));
}

IT("3.5: keeps an authorized answer from a shared cache unless the server allows it") {
  const char *user = "Authorization: Basic x";
  check(!may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60"));
  check(!may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60, proxy-revalidate"));
  check(may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60, public"));
  check(may_store_as(&SHARED, "GET", user, 200, "Cache-Control: max-age=60, must-revalidate"));
  check(may_store_as(&SHARED, "GET", user, 200, "Cache-Control: s-maxage=60"));
  check(may_store_as(&PRIVATE, "GET", user, 200, "Cache-Control: max-age=60"));
}

IT("4.1: does not store what varies on everything") {
  check(!may_store("Cache-Control: max-age=60\nVary: *"));
  check(!may_store("Cache-Control: max-age=60\nVary: Accept\nVary: A, *"));
  check(!may_store("Cache-Control: max-age=60\nVary: \"Accept, *"));
  check(may_store("Cache-Control: max-age=60\nVary: Accept"));
}

IT("5.2.2.5: does not store what must not be stored") {
  check(!may_store("Cache-Control: no-store, max-age=60"));
  check(!may_store("Cache-Control: max-age=60\nCache-Control: no-store=x"));
  check(!may_store_as(&PRIVATE, "GET", "", 200, "Cache-Control: max-age=60, NO-STORE"));
}

IT("5.2.2.3: overrules no-store by must-understand for a status that it understands") {
  check(may_store("Cache-Control: must-understand, no-store, max-age=60"));
  check(may_store_status(302, "Cache-Control: no-store, must-understand, max-age=60"));
  check(!may_store_status(299, "Cache-Control: must-understand, no-store, max-age=60"));
  check(!may_store_status(299, "Cache-Control: must-understand, max-age=60"));
  check(!may_store_status(306, "Cache-Control: must-understand, max-age=60"));
  check(may_store_status(299, "Cache-Control: max-age=60"));
}

IT("5.2.2.7: keeps private answers out of a shared cache, qualified ones too") {
  const char *forms[] = {"private, max-age=60", "private=\"Set-Cookie\", max-age=60",
                         "PRIVATE=x, max-age=60", "max-age=60, private=", "s-maxage=60, private"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    vi_response *response = response_with(200, "", "content");
    check(vi_headers_add(&response->headers, VI_TEXT("Cache-Control"), vi_text_of(forms[i])) ==
          VI_HEADERS_OK);
    tap_at("%s", forms[i]);
    check(!may_store_of(&SHARED, request_with("GET", ""), response, NULL));
  }
  check(may_store_as(&PRIVATE, "GET", "", 200, "Cache-Control: private, max-age=60"));
}

IT("5.2.2.4: stores what says no-cache, to ask about it") {
  check(may_store("Cache-Control: no-cache\nETag: \"1\""));
  check(may_store("Cache-Control: no-cache=\"A\", max-age=60"));
}

static bool may_store_part(const char *asked, const char *fields, const char *body) {
  tap_at("%s", fields);
  return may_store_of(&SHARED, request_with("GET", asked), response_with(206, fields, body), NULL);
}

#define PART "Cache-Control: max-age=60\nContent-Range: bytes 0-3/10\n"

IT("3.3: stores a part that was asked for, whatever it has to be validated by") {
  check(may_store_part("Range: bytes=0-3", PART "ETag: \"1\"", "0123"));
  check(may_store_part("Range: bytes=0-3", PART, "0123"));
  check(may_store_part("Range: bytes=0-3", PART "ETag: W/\"1\"", "0123"));
  check(!may_store_part("", PART "ETag: \"1\"", "0123"));
}

IT("3.4: stores no part whose body is not what its Content-Range says") {
  const char *asked = "Range: bytes=0-3", *rest = "Cache-Control: max-age=60\nETag: \"1\"";
  check(!may_store_part(asked, PART "ETag: \"1\"", "012"));
  check(!may_store_part(asked, PART "ETag: \"1\"", "01234"));
  check(!may_store_part(asked, PART "ETag: \"1\"", ""));
  check(!may_store_part(asked, rest, "0123"));
  const char *ranges[] = {"bytes */10",   "bytes 3-0/10", "bytes 0-3/2",
                          "items 0-3/10", "bytes 0-x/5",  "bytes 0-9223372036854775807/*"};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    vi_response *response = response_with(206, rest, "0123");
    check(vi_headers_add(&response->headers, VI_TEXT("Content-Range"), vi_text_of(ranges[i])) ==
          VI_HEADERS_OK);
    tap_at("%s", ranges[i]);
    check(!may_store_of(&SHARED, request_with("GET", asked), response, NULL));
  }
}

IT("3.4: stores no part of a coding that was undone: its bytes are others than were counted") {
  vi_response *part = response_with(206, PART "ETag: \"1\"", "0123");
  check(vi_buffer_append_text(&part->encoding, VI_TEXT("gzip")));
  check(!may_store_of(&SHARED, request_with("GET", "Range: bytes=0-3"), part, NULL));
}

IT("3.3: stores no answer that may be cut off") {
  vi_response *response = response_with(200, "Cache-Control: max-age=60", "content");
  response->unbounded = true;
  check(!may_store_of(&SHARED, request_with("GET", ""), response, NULL));
  check(may_store("Cache-Control: max-age=60\nContent-Length: 7"));
  check(!may_store("Cache-Control: max-age=60\nContent-Length: 8"));
  check(!may_store("Cache-Control: max-age=60\nContent-Length: 6"));
  check(!may_store("Cache-Control: max-age=60\nContent-Length: 99999999999999999999"));
}

IT("3.3: does not compare the length of a body whose coding was undone") {
  vi_response *response =
      response_with(200, "Cache-Control: max-age=60\nContent-Length: 5", "content");
  check(vi_buffer_append_text(&response->encoding, VI_TEXT("gzip")));
  check(may_store_of(&SHARED, request_with("GET", ""), response, NULL));
}

IT("7.3: does with Set-Cookie what it is told: store, strip or skip") {
  const char *fields = "Cache-Control: max-age=60\nSet-Cookie: a=1";
  const vi_policy store = {.set_cookie = VI_SET_COOKIE_STORE};
  const vi_policy strip = {.set_cookie = VI_SET_COOKIE_STRIP};
  const vi_policy skip = {.set_cookie = VI_SET_COOKIE_SKIP};
  check(may_store_as(&store, "GET", "", 200, fields));
  check(may_store_as(&strip, "GET", "", 200, fields));
  check(!may_store_as(&skip, "GET", "", 200, fields));
  check(may_store_as(&skip, "GET", "", 200, "Cache-Control: max-age=60"));
}

static bool send_nothing(void *context, const vi_request *request, vi_text name, vi_buffer *out) {
  (void)context, (void)request, (void)name, (void)out;
  return false;
}

IT("4.1: stores nothing that varies by cookies and changes those that will be sent") {
  const vi_policy keeps_cookies = {.sent_field = send_nothing};
  const char *fields = "Cache-Control: max-age=60\nVary: A, cookie\nSet-Cookie: a=1";
  check(!may_store_as(&keeps_cookies, "GET", "", 200, fields));
  check(may_store_as(&keeps_cookies, "GET", "", 200, "Cache-Control: max-age=60\nVary: Cookie"));
  check(may_store_as(&keeps_cookies, "GET", "", 200, "Cache-Control: max-age=60\nSet-Cookie: a"));
  check(may_store_as(&PRIVATE, "GET", "", 200, fields));
}

static bool may_store_by(double ttl, int status, const char *fields) {
  const vi_policy policy = {.shared = true, .store_errors = true};
  const vi_choices choices = {.ttl = ttl};
  tap_at("%g %d %s", ttl, status, fields);
  return may_store_of(&policy, request_with("GET", ""), response_with(status, fields, "content"),
                      &choices);
}

IT("stores for as long as the user says what the server says nothing of, errors too") {
  check(may_store_by(60, 200, ""));
  check(may_store_by(60, 302, "Cache-Control: max-age=0"));
  check(may_store_by(60, 404, ""));
  check(may_store_by(0, 200, "Cache-Control: max-age=60\nETag: \"1\""));
  check(!may_store_by(0, 200, "Cache-Control: max-age=60"));
  check(may_store_by(-1, 200, "Cache-Control: max-age=60"));
  check(!may_store_by(-1, 200, ""));
}

IT("stores nothing that the server forbids to store, whatever the user says") {
  check(!may_store_by(60, 200, "Cache-Control: no-store"));
  check(!may_store_by(60, 200, "Cache-Control: private"));
  check(!may_store_by(60, 200, "Vary: *"));
  check(!may_store_by(60, 206, ""));
  check(!may_store_by(60, 304, ""));
  check(!may_store_by(60, 200, "Content-Length: 99"));
}

IT("does not store what the user refuses") {
  const vi_choices choices = {.ttl = -1, .refuses = true};
  check(!may_store_of(&SHARED, request_with("GET", ""),
                      response_with(200, "Cache-Control: max-age=60", ""), &choices));
}

static bool answers_get(const char *method, int status, const char *fields) {
  vi_response *response = response_with(status, fields, "content");
  const vi_policy policy = {.shared = true, .heuristic = 0.1};
  vi_freshness freshness = vi_freshness_of(&policy, response, NOW, NOW);
  tap_at("%s %d %s", method, status, fields);
  return vi_answers_get(&SHARED, request_to(method, URL "a?b", ""), response, &freshness);
}

IT("RFC 9110 9.3.3: takes a POST's answer for a GET's that names its URL and a lifetime") {
  const char *fields = "Cache-Control: max-age=60\nContent-Location: /a?b";
  check(answers_get("POST", 200, fields));
  check(answers_get("POST", 200, "Cache-Control: max-age=60\nContent-Location: " URL "x/../a?b"));
  check(answers_get("POST", 200, "Cache-Control: max-age=60\nContent-Location: ?b"));
  check(!answers_get("PUT", 200, fields));
  check(!answers_get("POST", 201, fields));
  check(!answers_get("POST", 404, fields));
  check(!answers_get("POST", 200, "Cache-Control: max-age=60\nContent-Location: /a"));
  check(!answers_get("POST", 200, "Cache-Control: max-age=60"));
  check(!answers_get("POST", 200, "Cache-Control: max-age=0\nContent-Location: /a?b"));
  check(!answers_get("POST", 200, "ETag: \"1\"\nContent-Location: /a?b"));
  check(!answers_get("POST", 200, "Last-Modified: " EARLIER "\nContent-Location: /a?b"));
  check(!answers_get("POST", 200, "Cache-Control: max-age=60\nContent-Location: http://[/a?b"));
  check(!answers_get("POST", 200,
                     "Cache-Control: max-age=60\nContent-Location: http://other.example/a?b"));
}

static bool invalidates(const vi_policy *policy, const char *method, int status) {
  tap_at("%s %d", method, status);
  return vi_invalidates(policy, request_with(method, ""), response_with(status, "", ""));
}

IT("4.4: invalidates after an unsafe method that did not fail") {
  const char *unsafe[] = {"POST", "PUT", "PATCH", "DELETE", "UNKNOWN"};
  for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
    check(invalidates(&SHARED, unsafe[i], 200) && invalidates(&SHARED, unsafe[i], 204));
    check(invalidates(&SHARED, unsafe[i], 201) && invalidates(&SHARED, unsafe[i], 303));
    check(!invalidates(&SHARED, unsafe[i], 400) && !invalidates(&SHARED, unsafe[i], 500));
    check(!invalidates(&SHARED, unsafe[i], 100));
  }
}

IT("4.4: invalidates nothing after a safe method, or one that is stored") {
  const char *safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
  for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
    check(!invalidates(&SHARED, safe[i], 200));
  const vi_text post = VI_TEXT("POST");
  const vi_policy policy = {.methods = &post, .method_count = 1};
  check(!invalidates(&policy, "POST", 200));
  check(invalidates(&policy, "PUT", 200));
}

static const char *refusal(const vi_policy *policy, const char *asked, int status,
                           const char *fields) {
  vi_response *response = response_with(status, fields, "content");
  vi_freshness freshness = vi_freshness_of(policy, response, NOW, NOW);
  tap_at("%d %s", status, fields);
  return vi_refusal_name(
      vi_storing_refusal(policy, request_with("GET", asked), response, &freshness, NULL));
}

IT("says in a word why an answer is not stored") {
  const char *user = "Authorization: Basic x";
  const vi_policy errors = {.store_errors = true};
  const vi_policy skips = {.set_cookie = VI_SET_COOKIE_SKIP};
  check_text(vi_text_of(refusal(&SHARED, "", 200, "Cache-Control: max-age=60")), "");
  check_text(vi_text_of(refusal(&SHARED, "", 200, "")), "no-lifetime");
  check_text(vi_text_of(refusal(&SHARED, "", 404, "Cache-Control: max-age=60")), "status");
  check_text(vi_text_of(refusal(&errors, "", 404, "")), "no-lifetime");
  check_text(vi_text_of(refusal(&SHARED, "", 200, "Cache-Control: no-store")), "no-store");
  check_text(vi_text_of(refusal(&SHARED, "", 200, "Cache-Control: private")), "private");
  check_text(vi_text_of(refusal(&SHARED, user, 200, "Cache-Control: max-age=60")), "authorization");
  check_text(vi_text_of(refusal(&SHARED, "", 200, "Cache-Control: max-age=60\nVary: *")), "vary");
  check_text(vi_text_of(refusal(&skips, "", 200, "Cache-Control: max-age=60\nSet-Cookie: a=b")),
             "set-cookie");
  check_text(vi_text_of(refusal(&SHARED, "", 200, "Cache-Control: max-age=60\nContent-Length: 9")),
             "incomplete");
}

IT("RFC 5861: stores what is never fresh, but may be served stale") {
  const vi_policy lax = {.shared = true, .stale_on_disconnect = true};
  check(may_store("Cache-Control: max-age=0, stale-while-revalidate=60"));
  check(may_store("Cache-Control: max-age=0, stale-if-error=60"));
  check(may_store_as(&lax, "GET", "", 200, ""));
  check(!may_store("Cache-Control: max-age=0, stale-if-error=60, must-revalidate"));
  check(!may_store_as(&lax, "GET", "", 200, "Cache-Control: s-maxage=0"));
}
