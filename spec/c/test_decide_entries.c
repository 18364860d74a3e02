/* cache/decide: which of several stored responses is served, and parts of them (RFC 9111 3.3, 4.1).
 */
#include "cache/decide.h"

#include "entries.h"
#include "tap.h"

static vi_decision choose(const vi_policy *policy, const char *asked, vi_stored *const *entries,
                          size_t count) {
  return vi_decide(policy, request_with("GET", asked), entries, count, NOW);
}

IT("4.1: serves the variant that the request's fields select") {
  const char *fields = "Vary: A\nCache-Control: max-age=60";
  vi_stored *entries[] = {entry_for(&SHARED, "A: 1", fields), entry_for(&SHARED, "A: 2", fields),
                          entry_for(&SHARED, "", fields)};
  const char *asked[] = {"A: 1", "A: 2", ""};
  for (size_t i = 0; i < 3; i++) {
    vi_decision decision = choose(&SHARED, asked[i], entries, 3);
    check_int(decision.action, VI_ACTION_HIT);
    check(decision.selected == entries[i]);
  }
  vi_decision miss = choose(&SHARED, "A: 3", entries, 3);
  check_int(miss.action, VI_ACTION_FETCH);
  check_int(miss.forward, VI_FORWARD_VARY_MISS);
  check(!miss.selected);
  check_int(choose(&SHARED, "A:", entries, 3).action, VI_ACTION_FETCH);
}

IT("serves what is in the language that the request likes best, where the policy says so") {
  const vi_policy policy = {.shared = true, .select_language = true};
  const char *asked = "Accept-Language: fr;q=0.5, de";
  vi_stored *german = entry_for(&policy, "Accept-Language: en, de",
                                "Vary: Accept-Language\nContent-Language: de\n"
                                "Cache-Control: max-age=60");
  check(choose(&policy, asked, &german, 1).selected == german);
  check(!choose(&policy, "Accept-Language: fr", &german, 1).selected);
  check(!choose(&SHARED, asked, &german, 1).selected);
}

IT("takes what is in several languages for none of them") {
  const vi_policy policy = {.shared = true, .select_language = true};
  const char *languages[] = {"Content-Language: de, en",
                             "Content-Language: de\nContent-Language: en", ""};
  for (size_t i = 0; i < 3; i++) {
    vi_buffer *fields = scratch();
    check(vi_buffer_append_text(fields, VI_TEXT("Vary: Accept-Language\n")) &&
          vi_buffer_append_text(fields, vi_text_of(languages[i])) &&
          vi_buffer_append_char(fields, '\0'));
    vi_stored *entry = entry_for(&policy, "Accept-Language: fr", fields->data);
    check(!choose(&policy, "Accept-Language: de", &entry, 1).selected);
    check(!choose(&policy, "Accept-Language: en", &entry, 1).selected);
  }
}

IT("4.3.1: asks about the variants that it has when none fits, if they have ETags") {
  vi_stored *tagged = entry_for(&SHARED, "A: 1", "Vary: A\nETag: \"1\"");
  vi_stored *dated = entry_for(&SHARED, "A: 2", "Vary: A\nLast-Modified: " EARLIER);
  vi_stored *both[] = {dated, tagged};
  vi_decision decision = choose(&SHARED, "A: 3", both, 2);
  check_int(decision.action, VI_ACTION_VALIDATE);
  check_int(decision.forward, VI_FORWARD_VARY_MISS);
  check(!decision.selected);
  check_int(choose(&SHARED, "A: 3", both, 1).action, VI_ACTION_FETCH);
  check_int(choose(&SHARED, "A: 3\nIf-None-Match: \"9\"", both, 2).action, VI_ACTION_FETCH);
  check_int(choose(&SHARED, "A: 3\nRange: bytes=0-1", both, 2).action, VI_ACTION_FETCH);
  check_int(vi_decide(&SHARED, request_with("HEAD", "A: 3"), both, 2, NOW).action, VI_ACTION_FETCH);
}

IT("4.3.1: does not ask about parts of other variants: the answer would be no whole") {
  vi_request *request = request_with("GET", "A: 1\nRange: bytes=0-3");
  const char *fields = "Vary: A\nETag: \"1\"\nContent-Range: bytes 0-3/10";
  vi_stored *part = entry_of(&SHARED, request, response_with(206, fields, "0123"), NOW);
  vi_decision decision = choose(&SHARED, "A: 2", &part, 1);
  check_int(decision.action, VI_ACTION_FETCH);
  check_int(decision.forward, VI_FORWARD_VARY_MISS);
}

IT("4.1: serves the one with the latest Date of several that match") {
  vi_stored *older = entry_with("Date: " EARLIER "\nCache-Control: max-age=600");
  vi_stored *newer = entry_with("Date: " LATER "\nCache-Control: max-age=600\nVary: A");
  vi_stored *one_way[] = {older, newer}, *other_way[] = {newer, older};
  check(choose(&SHARED, "", one_way, 2).selected == newer);
  check(choose(&SHARED, "", other_way, 2).selected == newer);
}

IT("4.1: serves the one that came last of several with the same Date") {
  vi_request *request = request_with("GET", "");
  const char *fields = DATE "Cache-Control: max-age=600";
  vi_stored *first = entry_of(&SHARED, request, response_with(200, fields, ""), NOW);
  vi_stored *second = entry_of(&SHARED, request, response_with(200, fields, ""), NOW + 0.5);
  vi_stored *one_way[] = {first, second}, *other_way[] = {second, first};
  check(choose(&SHARED, "", one_way, 2).selected == second);
  check(choose(&SHARED, "", other_way, 2).selected == second);
}

IT("knows only entries of its own kind of cache, for one user or for many") {
  const char *fields = "Cache-Control: max-age=60\nETag: \"1\"";
  vi_stored *entries[] = {entry_for(&PRIVATE, "", fields), entry_for(&SHARED, "", fields)};
  check(choose(&PRIVATE, "", entries, 2).selected == entries[0]);
  check(choose(&SHARED, "", entries, 2).selected == entries[1]);
  vi_decision decision = choose(&SHARED, "", entries, 1);
  check_int(decision.action, VI_ACTION_FETCH);
  check_int(decision.forward, VI_FORWARD_URI_MISS);
}

IT("RFC 9110 14.2: serves a range from a whole entry, whatever range it is") {
  const char *ranges[] = {"Range: bytes=0-1", "Range: bytes=2-", "Range: bytes=-3",
                          "Range: bytes=99-", "Range: bytes=0-1\nIf-Range: \"2\""};
  vi_stored *entry = entry_with("Cache-Control: max-age=60\nETag: \"1\"");
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    check_int(choose(&SHARED, ranges[i], &entry, 1).action, VI_ACTION_HIT);
}

static vi_decision about(const char *method, const char *asked, vi_stored *entry) {
  return vi_decide(&SHARED, request_with(method, asked), &entry, 1, NOW);
}

/* What is done with a GET with the fields `asked` when there is that part, fresh, of four bytes. */
static vi_decision from_part(const char *asked, const char *content_range) {
  tap_at("%s / %s", asked, content_range);
  return about("GET", asked, part_with(content_range, "Cache-Control: max-age=60", "2345"));
}

IT("3.3: serves a range from a part that has all of it") {
  const char *inside[] = {"Range: bytes=2-5", "Range: bytes=3-4", "Range: bytes=2-2",
                          "Range: bytes=3-4\nIf-Range: \"1\""};
  const char *outside[] = {"Range: bytes=1-4", "Range: bytes=2-6", "Range: bytes=2-",
                           "Range: bytes=-4",  "Range: bytes=10-", "Range: bytes=-0",
                           "Range: bytes=0-99"};
  for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
    check_int(from_part(inside[i], "bytes 2-5/10").action, VI_ACTION_HIT);
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    vi_decision decision = from_part(outside[i], "bytes 2-5/10");
    check_int(decision.action, VI_ACTION_FETCH);
    check_int(decision.forward, VI_FORWARD_PARTIAL);
  }
}

IT("3.3: serves the end of the whole from a part only where it knows where that is") {
  check_int(from_part("Range: bytes=-4", "bytes 6-9/10").action, VI_ACTION_HIT);
  check_int(from_part("Range: bytes=7-", "bytes 6-9/10").action, VI_ACTION_HIT);
  check_int(from_part("Range: bytes=-4", "bytes 6-9/*").action, VI_ACTION_FETCH);
  check_int(from_part("Range: bytes=7-", "bytes 6-9/*").action, VI_ACTION_FETCH);
  check_int(from_part("Range: bytes=7-8", "bytes 6-9/*").action, VI_ACTION_HIT);
}

IT("RFC 9110 13.1.5: serves no part to whom it is no use, since the whole has changed for him") {
  check_int(from_part("Range: bytes=3-4\nIf-Range: \"2\"", "bytes 2-5/10").action, VI_ACTION_FETCH);
  check_int(from_part("Range: bytes=3-4\nIf-Range: " EARLIER, "bytes 2-5/10").action,
            VI_ACTION_FETCH);
}

IT("3.4: completes a part that it has from the start") {
  vi_decision decision = from_part("", "bytes 0-3/10");
  check_int(decision.action, VI_ACTION_COMPLETE);
  check_int(decision.forward, VI_FORWARD_PARTIAL);
  check(decision.selected);
  check_int(from_part("", "bytes 0-3/*").action, VI_ACTION_COMPLETE);
  check_int(from_part("", "bytes 2-5/10").action, VI_ACTION_FETCH);
  check_int(from_part("", "bytes 0-3/4").action, VI_ACTION_FETCH); /* nothing lacks */
}

IT("3.4: does not complete for a range, a condition, a reload or a HEAD, nor by a weak ETag") {
  const char *own[] = {"Range: bytes=0-5", "If-None-Match: \"1\"", "Cache-Control: no-cache"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    check_int(from_part(own[i], "bytes 0-3/10").action, VI_ACTION_FETCH);
  vi_stored *part = part_with("bytes 0-3/10", "", "0123");
  check_int(about("HEAD", "", part).action, VI_ACTION_FETCH);
  vi_stored *weak = part_with("bytes 0-3/10", "ETag: W/\"1\"", "0123");
  check_int(about("GET", "", weak).action, VI_ACTION_FETCH);
}

IT("prefers a whole entry to a part") {
  vi_stored *entries[] = {
      part_with("bytes 0-3/7", "Date: " LATER "\nCache-Control: max-age=60", "cont"),
      entry_with(DATE "Cache-Control: max-age=60\nETag: \"1\"")};
  check(choose(&SHARED, "Range: bytes=0-1", entries, 2).selected == entries[1]);
  check(choose(&SHARED, "", entries, 2).selected == entries[1]);
}
