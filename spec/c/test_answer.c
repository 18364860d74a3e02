/* cache/answer: what a caller gets out of a stored response. */
#include "cache/answer.h"

#include "entries.h"
#include "tap.h"

static vi_response *answer_to(const char *method, const char *asked, const vi_stored *entry,
                              double after) {
  vi_response *response = vi_answer(entry, request_with(method, asked), NOW + after);
  check(response);
  return soon_released(response);
}

static vi_response *answer(const char *asked, const vi_stored *entry) {
  return answer_to("GET", asked, entry, 0);
}

IT("serves the response as it was stored") {
  vi_stored *entry = entry_with("A: 1\nContent-Length: 7");
  vi_response *whole = answer("", entry);
  check_int(whole->status, 200);
  check_text(vi_buffer_text(&whole->url), URL);
  check_text(field(&whole->headers, "A"), "1");
  check_text(vi_response_body(whole), "content");
}

IT("5.1: tells the age in whole seconds, in place of the origin's") {
  vi_stored *entry = entry_with(DATE "Age: 10\nage: 20");
  check_text(joined(&answer_to("GET", "", entry, 5.9)->headers, "Age"), "15");
  check_text(joined(&answer_to("GET", "", entry, -0.5)->headers, "Age"), "10");
  check_text(joined(&answer("", entry_with(DATE))->headers, "Age"), "0");
  check_text(joined(&answer("", entry_with(DATE "Age: 99999999999999999999"))->headers, "Age"),
             "2147483648");
}

IT("answers a HEAD without the body, but with its length") {
  vi_response *head = answer_to("HEAD", "Range: bytes=0-1", entry_with("Content-Length: 7"), 0);
  check_int(head->status, 200);
  check_int(vi_response_body(head).length, 0);
  check_text(field(&head->headers, "Content-Length"), "7");
}

IT("4.3.2: answers 304 to the caller's condition, without the body") {
  vi_stored *entry = entry_with("ETag: \"1\"\nCache-Control: max-age=60\nVary: A");
  const char *methods[] = {"GET", "HEAD"};
  for (size_t i = 0; i < 2; i++) {
    vi_response *response = answer_to(methods[i], "If-None-Match: \"1\"", entry, 5);
    check_int(response->status, 304);
    check_text(vi_buffer_text(&response->reason), "Not Modified");
    check_int(vi_response_body(response).length, 0);
    check_text(field(&response->headers, "ETag"), "\"1\"");
    check_text(field(&response->headers, "Vary"), "A");
    check_text(field(&response->headers, "Age"), "5");
  }
  check_int(answer("If-None-Match: \"2\"", entry)->status, 200);
  check_text(vi_stored_body(entry), "content");
}

IT("RFC 9110 13.2.2: asks the condition before the range") {
  vi_stored *entry = entry_with("ETag: \"1\"");
  check_int(answer("If-None-Match: \"1\"\nRange: bytes=0-1", entry)->status, 304);
  check_int(answer("If-None-Match: \"2\"\nRange: bytes=0-1", entry)->status, 206);
}

static void check_part(const char *asked, const char *content_range, const char *body) {
  vi_response *part = answer(asked, entry_with("ETag: \"1\"\nContent-Length: 7"));
  tap_at("%s", asked);
  check_int(part->status, 206);
  check_text(vi_buffer_text(&part->reason), "Partial Content");
  check_text(joined(&part->headers, "Content-Range"), content_range);
  check_text(vi_response_body(part), body);
  char length[] = {(char)('0' + vi_response_body(part).length), '\0'};
  check_text(joined(&part->headers, "Content-Length"), length);
}

IT("RFC 9110 14.2: cuts the part out of the whole that Range names") {
  check_part("Range: bytes=0-0", "bytes 0-0/7", "c");
  check_part("Range: bytes=1-3", "bytes 1-3/7", "ont");
  check_part("Range: bytes=3-", "bytes 3-6/7", "tent");
  check_part("Range: bytes=-2", "bytes 5-6/7", "nt");
  check_part("Range: bytes=0-99", "bytes 0-6/7", "content");
  check_part("Range: bytes=-99", "bytes 0-6/7", "content");
  check_part("Range: bytes=6-6", "bytes 6-6/7", "t");
  check_part("Range: bytes=1-99999999999999999999", "bytes 1-6/7", "ontent");
}

IT("RFC 9110 15.5.17: answers 416 to what lies outside, and tells the length") {
  const char *outside[] = {"Range: bytes=7-", "Range: bytes=7-9", "Range: bytes=-0",
                           "Range: bytes=99999999999999999999-"};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    vi_response *response = answer(outside[i], entry_with("Content-Length: 7"));
    tap_at("%s", outside[i]);
    check_int(response->status, 416);
    check_text(vi_buffer_text(&response->reason), "Range Not Satisfiable");
    check_text(field(&response->headers, "Content-Range"), "bytes */7");
    check_text(field(&response->headers, "Content-Length"), "0");
    check_int(vi_response_body(response).length, 0);
  }
}

IT("RFC 9110 15.5.17: answers 416 to any range of nothing") {
  vi_stored *empty = entry_of(&SHARED, request_with("GET", ""), response_with(200, "", ""), NOW);
  vi_response *response = answer("Range: bytes=0-", empty);
  check_int(response->status, 416);
  check_text(field(&response->headers, "Content-Range"), "bytes */0");
}

IT("RFC 9110 13.1.5: serves the whole where If-Range does not hold") {
  vi_stored *entry = entry_with("ETag: \"1\"");
  check_int(answer("Range: bytes=0-1\nIf-Range: \"1\"", entry)->status, 206);
  vi_response *whole = answer("Range: bytes=0-1\nIf-Range: \"2\"", entry);
  check_int(whole->status, 200);
  check_text(vi_response_body(whole), "content");
}

IT("RFC 9110 14.2: ignores a Range for another status than 200, and one that it does not read") {
  vi_request *request = request_with("GET", "");
  vi_stored *other = entry_of(&SHARED, request, response_with(203, "", "content"), NOW);
  check_int(answer("Range: bytes=0-1", other)->status, 203);
  check_int(answer("Range: items=0-1", entry_with(""))->status, 200);
  check_int(answer("Range: bytes=0-1, 3-4", entry_with(""))->status, 200);
}

IT("3.3: cuts a part out of a part, counted from the start of the whole") {
  vi_response *part = answer("Range: bytes=3-4", part_with("bytes 2-5/10", "", "2345"));
  check_int(part->status, 206);
  check_text(joined(&part->headers, "Content-Range"), "bytes 3-4/10");
  check_text(vi_response_body(part), "34");
  vi_response *last = answer("Range: bytes=-1", part_with("bytes 6-9/10", "", "6789"));
  check_text(joined(&last->headers, "Content-Range"), "bytes 9-9/10");
  check_text(vi_response_body(last), "9");
}

IT("3.3: gives no answer out of a part that has not all that Range names") {
  const char *beyond[] = {"Range: bytes=0-1", "Range: bytes=1-2", "Range: bytes=5-6",
                          "Range: bytes=6-9", "Range: bytes=-1",  "Range: bytes=0-9"};
  vi_stored *part = part_with("bytes 2-5/10", "", "2345");
  for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
    check(!vi_answer(part, request_with("GET", beyond[i]), NOW));
}

IT("3.3: says that it does not know the length of the whole where it does not") {
  vi_response *part = answer("Range: bytes=3-4", part_with("bytes 2-5/*", "", "2345"));
  check_text(joined(&part->headers, "Content-Range"), "bytes 3-4/*");
  check_text(vi_response_body(part), "34");
}

IT("gives each caller fields of its own") {
  vi_stored *entry = entry_with("A: 1");
  vi_response *one = answer("", entry), *other = answer("", entry);
  vi_headers_remove(&one->headers, VI_TEXT("A"));
  check(has_field(&other->headers, "A"));
}

IT("5.2.1.7: answers 504 where only the store may answer and cannot") {
  vi_response *response = soon_released(vi_answer_timeout(request_with("GET", "")));
  require(response);
  check_int(response->status, 504);
  check_text(vi_buffer_text(&response->reason), "Gateway Timeout");
  check_text(vi_buffer_text(&response->url), URL);
  check_int(vi_response_body(response).length, 0);
}

#define STORED "A: old\nB: kept\nContent-Length: 4"
#define REST "ETag: \"1\"\nA: new\nContent-Length: 6\nContent-Range: "

/* The whole of bytes 0 to 3 and what was answered to a request for the rest. */
static vi_response *combine(const char *answered, const char *body) {
  vi_stored *part = part_with("bytes 0-3/10", STORED, "0123");
  tap_at("%s", answered);
  return soon_released(vi_combine(part, response_with(206, answered, body), VI_TEXT(URL)));
}

IT("3.4: makes one whole of a part and its rest") {
  vi_response *whole = combine(REST "bytes 4-9/10", "456789");
  require(whole);
  check_int(whole->status, 200);
  check_text(vi_buffer_text(&whole->reason), "OK");
  check_text(vi_response_body(whole), "0123456789");
  check_text(joined(&whole->headers, "Content-Length"), "10");
  check(!has_field(&whole->headers, "Content-Range"));
  check_text(joined(&whole->headers, "A"), "new");
  check_text(joined(&whole->headers, "B"), "kept");
}

IT("3.4: makes no whole of parts with a gap, an overlap or an end that is not there") {
  check(!combine(REST "bytes 5-9/10", "56789"));
  check(!combine(REST "bytes 3-9/10", "3456789"));
  check(!combine(REST "bytes 4-8/10", "45678"));
  check(!combine(REST "bytes 4-9/*", "456789"));
  check(!combine(REST "bytes 4-9/10", "45678"));
  check(!combine(REST "bytes 4-9/10", "4567890"));
  check(!combine(REST "bytes */10", ""));
  check(!combine(REST "rubbish", "456789"));
  check(!combine(REST "bytes 4-9223372036854775807/*", "456789"));
  check(!combine("ETag: \"1\"", "456789"));
}

IT("3.4: makes no whole of parts that say different lengths of it") {
  vi_stored *part = part_with("bytes 0-3/12", "", "0123");
  check(!vi_combine(part, response_with(206, REST "bytes 4-9/10", "456789"), VI_TEXT(URL)));
}

IT("3.4: makes no whole of parts under different ETags, or under a weak one") {
  check(!combine("ETag: \"2\"\nContent-Range: bytes 4-9/10", "456789"));
  check(!combine("ETag: W/\"1\"\nContent-Range: bytes 4-9/10", "456789"));
  check(!combine("Content-Range: bytes 4-9/10", "456789"));
}

IT("3.4: makes no whole of a rest whose coding was undone") {
  vi_response *rest = response_with(206, REST "bytes 4-9/10", "456789");
  check(vi_buffer_append_text(&rest->encoding, VI_TEXT("gzip")));
  check(!vi_combine(part_with("bytes 0-3/10", "", "0123"), rest, VI_TEXT(URL)));
}

IT("3.4: leaves the part and its rest as they were") {
  vi_stored *part = part_with("bytes 0-3/10", STORED, "0123");
  vi_response *rest = response_with(206, REST "bytes 4-9/10", "456789");
  soon_released(vi_combine(part, rest, VI_TEXT(URL)));
  check_text(vi_stored_body(part), "0123");
  check_text(kept(part, "Content-Range"), "bytes 0-3/10");
  check_text(vi_response_body(rest), "456789");
  check_int(rest->status, 206);
}
