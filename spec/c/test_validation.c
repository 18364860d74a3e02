/* cache/validation: conditions, ours and the caller's (RFC 9111 4.3). */
#include "cache/validation.h"

#include "entries.h"
#include "tap.h"

static vi_request *validation_of(const char *asked, const char *stored) {
  vi_request *request = request_with("GET", asked);
  vi_request *conditional =
      soon_released_request(vi_validation_request(&SHARED, request, entry_with(stored), NULL, 0));
  check(conditional && conditional != request);
  check(!has_field(&request->headers, "If-None-Match"));
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

IT("4.3.1: asks about all variants by their ETags, but for parts and another kind of cache's") {
  vi_stored *variants[] = {
      entry_for(&SHARED, "A: 1", "Vary: A\nETag: \"1\"\nLast-Modified: " EARLIER),
      entry_for(&SHARED, "A: 2", "Vary: A"), entry_for(&PRIVATE, "", "ETag: \"private\""),
      part_with("bytes 0-3/9", "ETag: \"part\"", "0123"),
      entry_for(&SHARED, "A: 3", "Vary: A\nETag: W/\"3\"")};
  vi_request *request = soon_released_request(
      vi_validation_request(&SHARED, request_with("GET", "A: 4"), NULL, variants, 5));
  require(request);
  check_text(joined(&request->headers, "If-None-Match"), "\"1\", W/\"3\"");
  check(!has_field(&request->headers, "If-Modified-Since"));
}

IT("3.4: asks for the rest of a part, if the whole is still the same") {
  vi_stored *part = part_with("bytes 0-3/10", "", "0123");
  vi_request *request =
      soon_released_request(vi_completion_request(request_with("GET", "Accept: a"), part));
  require(request);
  check_text(joined(&request->headers, "Range"), "bytes=4-");
  check_text(joined(&request->headers, "If-Range"), "\"1\"");
  check_text(field(&request->headers, "Accept"), "a");
}

static bool validates(const char *answered, const char *stored) {
  vi_stored *entry = entry_with(stored);
  tap_at("%s / %s", answered, stored);
  return vi_validated(&SHARED, response_with(304, answered, ""), entry, &entry, 1) == entry;
}

IT("4.3.4: takes a 304 for the entry whose ETag it repeats, weak or strong") {
  check(validates("ETag: \"1\"", "ETag: \"1\""));
  check(validates("ETag: W/\"1\"", "ETag: \"1\""));
  check(validates("ETag: \"1\"", "ETag: W/\"1\""));
  check(!validates("ETag: \"2\"", "ETag: \"1\""));
  check(!validates("ETag: \"1\"", "Last-Modified: " EARLIER));
  check(!validates("ETag:", "ETag: \"1\""));
  check(!validates("ETag: W/", "ETag: \"1\""));
}

IT("4.3.4: takes a 304 without validators for the entry that was asked about") {
  check(validates("", "ETag: \"1\""));
  check(validates("", "Last-Modified: " EARLIER));
}

IT("4.3.4: does not take a 304 with another Last-Modified for the entry") {
  check(validates("Last-Modified: " EARLIER, "Last-Modified: " EARLIER));
  check(validates("Last-Modified: " EARLIER, "ETag: \"1\""));
  check(!validates("Last-Modified: " EARLIER, "Last-Modified: " LATER));
  check(validates("ETag: \"1\"\nLast-Modified: " EARLIER, "ETag: \"1\"\nLast-Modified: " LATER));
}

static const vi_stored *found(const char *answered, vi_stored *const *entries, size_t count) {
  return vi_validated(&SHARED, response_with(304, answered, ""), NULL, entries, count);
}

IT("4.3.4: finds the variant whose ETag a 304 repeats") {
  vi_stored *variants[] = {entry_for(&SHARED, "A: 1", "Vary: A\nETag: \"1\""),
                           entry_for(&SHARED, "A: 2", "Vary: A\nETag: \"2\"")};
  check(found("ETag: \"2\"", variants, 2) == variants[1]);
  check(found("ETag: W/\"1\"", variants, 2) == variants[0]);
  check(!found("ETag: \"3\"", variants, 2));
}

IT("4.3.4: takes a 304 without an ETag for the variant that was asked about alone") {
  vi_stored *variants[] = {entry_for(&SHARED, "A: 1", "Vary: A\nETag: \"1\""),
                           entry_for(&SHARED, "A: 2", "Vary: A\nETag: \"2\"")};
  check(!found("", variants, 2));
  check(found("", variants, 1) == variants[0]);
  check(!found("", variants, 0));
}

IT("4.3.4: takes a 304 for no part and nothing of another kind of cache, which were not asked") {
  vi_stored *others[] = {entry_for(&PRIVATE, "", "ETag: \"1\""),
                         part_with("bytes 0-3/9", "", "0123")};
  check(!found("ETag: \"1\"", others, 2));
}

static vi_response *freshen(const char *stored, const char *answered) {
  vi_response *updated =
      vi_freshened(entry_with(stored), VI_TEXT(URL), response_with(304, answered, ""));
  check(updated);
  return soon_released(updated);
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
  soon_released(vi_freshened(entry, VI_TEXT(URL), answer));
  check_text(kept(entry, "A"), "old");
  check_text(field(&answer->headers, "Connection"), "close");
}

IT("3.2: refuses to grow beyond what a message may have") {
  vi_response *full = response_with(200, "", "content"), *more = response_with(304, "B: 1", "");
  for (int i = 0; i < VI_HEADERS_MAX_FIELDS; i++)
    check(vi_headers_add(&full->headers, VI_TEXT("A"), VI_TEXT("")) == VI_HEADERS_OK);
  vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), full, NOW);
  check(!vi_freshened(entry, VI_TEXT(URL), more));
}

IT("4.2.3: ages a freshened entry from the 304 on, whether it has Age and Date or not") {
  const char *stored = "Age: 50\nDate: " EARLIER "\nCache-Control: max-age=60";
  vi_response *plain = freshen(stored, "");
  check(!has_field(&plain->headers, "Age"));
  check_double(entry_of(&SHARED, request_with("GET", ""), plain, NOW + 100)->initial_age, 0);
  vi_response *aged = freshen(stored, "Age: 7");
  check_text(joined(&aged->headers, "Age"), "7");
}

IT("3.2: does not grow an entry by being freshened a thousand times") {
  vi_request *request = request_with("GET", "");
  vi_response *answer = response_with(304, DATE "ETag: \"1\"\nCache-Control: max-age=60", "");
  vi_stored *entry = vi_stored_retain(entry_with("ETag: \"1\"\nA: kept"));
  size_t most = 2 * vi_stored_size(entry) + 1000;
  for (int i = 0; i < 1000; i++) {
    vi_response *updated = vi_freshened(entry, VI_TEXT(URL), answer);
    vi_stored_release(entry);
    require(updated);
    entry = stored_of(request, updated, NOW, true);
    vi_response_release(updated);
    require(entry);
  }
  check(vi_stored_size(entry) < most);
  check_text(kept(entry, "A"), "kept");
  vi_stored_release(entry);
}

static bool confirms(int status, const char *answered, const char *stored) {
  tap_at("%d %s / %s", status, answered, stored);
  return vi_head_confirms(response_with(status, answered, ""), entry_with(stored));
}

IT("4.3.5: takes the answer to a HEAD for the entry's that contradicts it in nothing") {
  const char *stored = "ETag: \"1\"\nLast-Modified: " EARLIER;
  check(confirms(200, "ETag: \"1\"", stored));
  check(confirms(200, "ETag: \"1\"\nContent-Length: 7", stored));
  check(confirms(200, "", stored));
  check(!confirms(200, "ETag: \"2\"", stored));
  check(!confirms(200, "Last-Modified: " LATER, stored));
  check(!confirms(200, "ETag: \"1\"\nContent-Length: 8", stored));
  check(!confirms(200, "ETag: \"1\"\nContent-Length: x", stored));
  check(!confirms(404, "ETag: \"1\"", stored));
}

IT("4.3.5: does not compare lengths of what is coded") {
  check(confirms(200, "Content-Length: 5\nContent-Encoding: gzip", ""));
  vi_response *decoded = response_with(200, "", "content");
  check(vi_buffer_append_text(&decoded->encoding, VI_TEXT("gzip")));
  vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), decoded, NOW);
  check(vi_head_confirms(response_with(200, "Content-Length: 5", ""), entry));
}

static bool not_modified(const char *asked, const char *stored) {
  tap_at("%s / %s", asked, stored);
  return vi_not_modified(request_with("GET", asked), entry_with(stored));
}

IT("4.3.2: answers 304 to an If-None-Match that lists the entry's ETag, weak or strong") {
  check(not_modified("If-None-Match: \"1\"", "ETag: \"1\""));
  check(not_modified("If-None-Match: W/\"1\"", "ETag: \"1\""));
  check(not_modified("If-None-Match: \"1\"", "ETag: W/\"1\""));
  check(not_modified("If-None-Match: \"0\", \"a,b\" ,W/\"1\"", "ETag: \"1\""));
  check(not_modified("If-None-Match: \"0\"\nIf-None-Match: \"1\"", "ETag: \"1\""));
  check(!not_modified("If-None-Match: \"2\"", "ETag: \"1\""));
  check(!not_modified("If-None-Match: \"a,\"1\"", "ETag: \"1\""));
  check(!not_modified("If-None-Match: 1", "ETag: \"1\""));
  check(!not_modified("If-None-Match:", "ETag: \"1\""));
  check(!not_modified("If-None-Match: \"1", "ETag: \"1\""));
}

IT("4.3.2: answers 304 to a star, whether there is an ETag or not") {
  check(not_modified("If-None-Match: *", "ETag: \"1\""));
  check(not_modified("If-None-Match: \"2\", *", ""));
  check(!not_modified("If-None-Match: \"*\"", "ETag: \"1\""));
}

IT("RFC 9110 13.1.3: asks no date where there is an If-None-Match") {
  check(!not_modified("If-None-Match: \"2\"\nIf-Modified-Since: " LATER,
                      "ETag: \"1\"\nLast-Modified: " EARLIER));
}

IT("4.3.2: answers 304 to an If-Modified-Since not before Last-Modified") {
  check(not_modified("If-Modified-Since: " EARLIER, "Last-Modified: " EARLIER));
  check(not_modified("If-Modified-Since: " AT_NOW, "Last-Modified: " EARLIER));
  check(
      not_modified("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", "Last-Modified: " EARLIER));
  check(!not_modified("If-Modified-Since: " EARLIER, "Last-Modified: " AT_NOW));
  check(!not_modified("If-Modified-Since: rubbish", "Last-Modified: " EARLIER));
  check(!not_modified("If-Modified-Since:", "Last-Modified: " EARLIER));
}

IT("4.3.2: compares with Date where there is no Last-Modified, and with the arrival without both") {
  check(not_modified("If-Modified-Since: " EARLIER, "Date: " EARLIER));
  check(!not_modified("If-Modified-Since: " EARLIER, DATE));
  check(not_modified("If-Modified-Since: " AT_NOW, ""));
  check(!not_modified("If-Modified-Since: " EARLIER, ""));
}

IT("4.3.2: answers 304 for a 200 alone, and to no other condition") {
  vi_request *request = request_with("GET", "If-None-Match: *");
  vi_stored *other = entry_of(&SHARED, request, response_with(203, "ETag: \"1\"", ""), NOW);
  check(!vi_not_modified(request, other));
  check(!vi_not_modified(request, part_with("bytes 0-3/9", "", "0123")));
  check(!not_modified("", "ETag: \"1\""));
  check(!not_modified("If-Range: \"1\"", "ETag: \"1\""));
}

static bool range_holds(const char *asked, const char *stored) {
  tap_at("%s / %s", asked, stored);
  return vi_if_range_holds(request_with("GET", asked), entry_with(stored));
}

IT("RFC 9110 13.1.5: lets a Range count without If-Range, or by the same strong ETag") {
  check(range_holds("", "ETag: \"1\""));
  check(range_holds("If-Range: \"1\"", "ETag: \"1\""));
  check(!range_holds("If-Range: \"2\"", "ETag: \"1\""));
  check(!range_holds("If-Range: W/\"1\"", "ETag: W/\"1\""));
  check(!range_holds("If-Range: \"1\"", "ETag: W/\"1\""));
  check(!range_holds("If-Range: \"1\"", ""));
  check(!range_holds("If-Range:", "ETag:\nLast-Modified:"));
  check(!range_holds("If-Range: \"1\", \"2\"", "ETag: \"1\""));
}

IT("RFC 9110 13.1.5: lets a Range count by the same Last-Modified, if that is strong (8.8.2.2)") {
  check(range_holds("If-Range: " EARLIER, DATE "Last-Modified: " EARLIER));
  check(!range_holds("If-Range: " LATER, DATE "Last-Modified: " EARLIER));
  check(!range_holds("If-Range: " AT_NOW, DATE "Last-Modified: " EARLIER));
  check(!range_holds("If-Range: " AT_NOW, DATE "Last-Modified: " AT_NOW)); /* the same second */
  check(!range_holds("If-Range: " EARLIER, "Last-Modified: " EARLIER));
  check(!range_holds("If-Range: rubbish", DATE "Last-Modified: rubbish"));
}
