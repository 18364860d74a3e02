/* cache/stored: a response as a cache keeps it, with what decisions need worked out. */
#include "cache/codec.h"
#include "cache/stored.h"

#include "entries.h"
#include "tap.h"

#include <math.h>

static vi_stored *chosen(vi_choices choices, const char *fields) {
  vi_response *response = response_with(200, fields, "content");
  vi_freshness freshness = vi_freshness_of(&SHARED, response, NOW, NOW);
  return vi_stored_new(&SHARED, request_with("GET", ""), response, &freshness, &choices);
}

static unsigned flags(const char *fields) {
  return entry_with(fields)->flags;
}

/* A response with a body of so many bytes. */
static vi_response *response_of(const char *fields, size_t length) {
  vi_response *response = response_with(200, fields, "");
  for (size_t i = 0; i < length; i++)
    check(vi_buffer_append_char(&response->body->bytes, (char)('a' + i % 26)));
  return response;
}

IT("keeps the response without changing it, a small body within, a large one shared") {
  for (size_t length = VI_STORED_WITHIN; length <= VI_STORED_WITHIN + 1; length++) {
    vi_response *response = response_of("Connection: close\nA: 1", length);
    vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), response, NOW);
    check(vi_text_equal(vi_stored_body(entry), vi_response_body(response)));
    check((vi_stored_body(entry).data == vi_response_body(response).data) ==
          (length > VI_STORED_WITHIN));
    vi_stored *copy = vi_stored_outdated(entry);
    require(copy);
    check(vi_text_equal(vi_stored_body(copy), vi_response_body(response)));
    vi_stored_release(copy);
  }
  vi_response *response = response_with(200, "Connection: close\nA: 1", "content");
  vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), response, NOW);
  check(has_field(&response->headers, "Connection"));
  check_text(kept(entry, "A"), "1");
}

IT("gives back the response as it came") {
  vi_response *response = response_with(203, "A: 1\nB:\nA: 2", "content");
  check(vi_buffer_append_text(&response->reason, VI_TEXT("Fine")) &&
        vi_buffer_append_text(&response->encoding, VI_TEXT("gzip")));
  response->http_version = 20;
  vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), response, NOW);
  vi_response *back = soon_released(vi_stored_response(entry, VI_TEXT(URL)));
  require(back);
  check_int(back->status, 203);
  check_int(back->http_version, 20);
  check_text(vi_buffer_text(&back->url), URL);
  check_text(vi_buffer_text(&back->reason), "Fine");
  check_text(vi_buffer_text(&back->encoding), "gzip");
  check_int(back->headers.count, 3);
  check_text(joined(&back->headers, "A"), "1, 2");
  check_text(joined(&back->headers, "B"), "");
  check(vi_text_equal(vi_response_body(back), vi_response_body(response)));
}

IT("is from the URL that is asked for, unless it was from another than that when it came") {
  vi_response *response = response_with(200, "", "content");
  vi_stored *same = entry_of(&SHARED, request_with("GET", ""), response, NOW);
  vi_stored *moved = entry_of(&SHARED, request_to("GET", URL "old", ""), response, NOW);
  vi_response *back = soon_released(vi_stored_response(same, VI_TEXT(URL "?page=1")));
  require(back);
  check_text(vi_buffer_text(&back->url), URL "?page=1");
  back = soon_released(vi_stored_response(moved, VI_TEXT(URL "old")));
  require(back);
  check_text(vi_buffer_text(&back->url), URL);
}

IT("keeps as many fields as a message may have, with any bytes in them") {
  vi_response *response = response_with(200, "", "content");
  vi_text odd = {"\0\xff\x01,\"", 5};
  for (int i = 0; i < VI_HEADERS_MAX_FIELDS; i++)
    check(vi_headers_add(&response->headers, VI_TEXT("Name"), odd) == VI_HEADERS_OK);
  vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), response, NOW);
  check_int(entry->field_count, VI_HEADERS_MAX_FIELDS);
  vi_response *back = soon_released(vi_stored_response(entry, VI_TEXT(URL)));
  require(back);
  check_int(back->headers.count, VI_HEADERS_MAX_FIELDS);
  check(vi_text_equal(vi_headers_value(&back->headers, VI_HEADERS_MAX_FIELDS - 1), odd));
}

IT("finds the first field of a name, in any case") {
  vi_stored *entry = entry_with("AB: no\nA: 1\na: 2\nEmpty:");
  check_text(kept(entry, "a"), "1");
  vi_text value;
  check(vi_stored_field(entry, "EMPTY", &value));
  check_int(value.length, 0);
  check(!vi_stored_field(entry, "B", &value));
  check(!vi_stored_field(entry, "", &value));
}

IT("3.1: drops the fields of one connection, those that Connection names too") {
  vi_stored *entry = entry_with(
      "Connection: close, X-Hop\nX-Hop: 1\nConnection: x-other\nX-Other: 2\nKeep-Alive: t=1\n"
      "Proxy-Connection: x\nProxy-Authenticate: x\nProxy-Authorization: x\n"
      "Proxy-Authentication-Info: x\nTE: x\nTrailer: x\nTransfer-Encoding: x\nUpgrade: x\nKept: 1");
  check_int(entry->field_count, 1);
  check_text(kept(entry, "Kept"), "1");
}

IT("5.2.2.4: leaves out what a qualified no-cache names, and changes no answer by that") {
  vi_response *response =
      response_with(200, "Cache-Control: no-cache=\"A, b\", max-age=60\nA: 1\nB: 2\nC: 3", "");
  vi_stored *entry = entry_of(&SHARED, request_with("GET", ""), response, NOW);
  check_int(entry->field_count, 2);
  check(kept(entry, "A").data == NULL && kept(entry, "B").data == NULL);
  check_text(kept(entry, "C"), "3");
  check(!(entry->flags & VI_STORED_NO_CACHE));
  check_int(response->headers.count, 4);
}

IT("4.1: keeps Vary and what it selects by, whoever names it for another reason") {
  const char *fields[] = {"Vary: A\nCache-Control: no-cache=\"Vary\"",
                          "Vary: A\nConnection: close, vary"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    vi_stored *entry = entry_for(&SHARED, "A: 1", fields[i]);
    check(vi_stored_text_of(entry, VI_STORED_SELECTION).length > 0);
    check_text(kept(entry, "Vary"), "A");
  }
}

IT("7.3: leaves Set-Cookie out where it is told to") {
  const vi_policy strip = {.set_cookie = VI_SET_COOKIE_STRIP};
  const char *fields = "Set-Cookie: a=1\nset-cookie: b=2\nSet-Cookie2: c\nA: 1";
  check_int(entry_for(&strip, "", fields)->field_count, 2);
  check_int(entry_for(&PRIVATE, "", fields)->field_count, 4);
}

IT("knows what it may be used for (5.2.2)") {
  check_int(flags("A: 1"), VI_STORED_SHARED);
  check_int(entry_for(&PRIVATE, "", "A: 1")->flags, 0);
  check(flags("Cache-Control: no-cache") & VI_STORED_NO_CACHE);
  check(flags("Cache-Control: no-cache=x") & VI_STORED_NO_CACHE);
  check(flags("Cache-Control: immutable") & VI_STORED_IMMUTABLE);
  check(flags("Cache-Control: must-revalidate") & VI_STORED_NEVER_STALE);
  check(flags("Cache-Control: proxy-revalidate") & VI_STORED_NEVER_STALE);
  check(flags("Cache-Control: s-maxage=1") & VI_STORED_NEVER_STALE);
  check_int(entry_for(&PRIVATE, "", "Cache-Control: s-maxage=1, proxy-revalidate")->flags, 0);
  check(part_with("bytes 0-3/9", "", "0123")->flags & VI_STORED_PARTIAL);
}

IT("can be validated by an ETag or by a Last-Modified that it keeps") {
  check(flags("ETag: \"1\"") & VI_STORED_VALIDATOR);
  check(flags("Last-Modified: " EARLIER) & VI_STORED_VALIDATOR);
  check(!(flags(DATE) & VI_STORED_VALIDATOR));
  check(!(flags("ETag: \"1\"\nCache-Control: no-cache=\"ETag\"") & VI_STORED_VALIDATOR));
}

IT("RFC 5861: is usable stale for as long as the server says, else as the policy says") {
  const vi_policy policy = {.stale_if_error = 5, .stale_while_revalidate = 1e300};
  vi_stored *silent = entry_for(&policy, "", "");
  check_int(silent->stale_if_error, 5);
  check_int(silent->stale_while_revalidate, UINT32_MAX);
  vi_stored *told = entry_for(
      &policy, "", "Cache-Control: stale-if-error=7, stale-while-revalidate=99999999999999999999");
  check_int(told->stale_if_error, 7);
  check_int(told->stale_while_revalidate, UINT32_MAX);
  vi_stored *none = entry_for(&policy, "", "Cache-Control: stale-if-error=x");
  check_int(none->stale_if_error, 0);
}

IT("lives as long as the user says from its arrival on, over the server's head") {
  vi_stored *entry =
      chosen((vi_choices){.ttl = 30}, DATE "Age: 100\nCache-Control: no-cache, must-revalidate");
  require(entry);
  check_double(vi_stored_ttl(entry, NOW), 30);
  check_double(vi_stored_ttl(entry, NOW + 40), -10);
  check_int(entry->flags, VI_STORED_SHARED);
  vi_stored_release(entry);
  entry = chosen((vi_choices){.ttl = -1}, DATE "Cache-Control: max-age=60");
  require(entry);
  check_double(vi_stored_ttl(entry, NOW), 60);
  vi_stored_release(entry);
}

IT("keeps the tags that the user gave it") {
  vi_stored *entry = chosen((vi_choices){.ttl = -1,
                                         .tags = VI_TEXT("\x01"
                                                         "a\x02"
                                                         "bc")},
                            "A: 1");
  require(entry);
  check_text(vi_stored_text_of(entry, VI_STORED_TAGS), "\x01"
                                                       "a\x02"
                                                       "bc");
  check_text(kept(entry, "A"), "1");
  vi_stored_release(entry);
  check_text(vi_stored_text_of(entry_with("A: 1"), VI_STORED_TAGS), "");
}

IT("4.2.3: grows older with the clock") {
  vi_stored *entry = entry_with(DATE "Age: 30\nCache-Control: max-age=60");
  check_double(vi_stored_age(entry, NOW), 30);
  check_double(vi_stored_age(entry, NOW + 12.5), 42.5);
  check_double(vi_stored_ttl(entry, NOW + 12.5), 17.5);
  check_double(vi_stored_ttl(entry, NOW + 40), -10);
}

IT("4.2.3: never grows younger than it came, and is old when the clock steps far back") {
  vi_stored *entry = entry_with(DATE "Age: 30");
  check_double(vi_stored_age(entry, NOW - 0.5), 30.5);
  check_double(vi_stored_age(entry, NOW - 5000), 5030);
}

IT("is not made of a record with a time that no integer can hold, be its checksum right") {
  const double times[] = {NOW, 1e300, -1e300, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    vi_stored *entry = entry_with(DATE);
    vi_buffer *record = scratch();
    entry->response_time = times[i];
    check(vi_stored_encode(entry, record));
    vi_stored *decoded = vi_stored_decode(vi_buffer_text(record));
    tap_at("%g", times[i]);
    check((decoded != NULL) == (i == 0));
    vi_stored_release(decoded);
  }
}

IT("is the same variant as an entry that the same fields selected (4.1)") {
  vi_stored *a = entry_for(&SHARED, "A: 1\nX: 1", "Vary: A");
  vi_stored *b = entry_for(&SHARED, "A: 1\nX: 2", "Vary: a");
  check(vi_stored_same_variant(a, a) && vi_stored_same_variant(a, b));
  check(!vi_stored_same_variant(a, entry_for(&SHARED, "A: 2", "Vary: A")));
  check(!vi_stored_same_variant(a, entry_with(DATE)));
  check(vi_stored_same_variant(entry_with(DATE), entry_with("Age: 1")));
}

IT("is another variant when it was selected by a field's absence, or by another field") {
  vi_stored *absent = entry_for(&SHARED, "", "Vary: A");
  check(!vi_stored_same_variant(absent, entry_for(&SHARED, "A:", "Vary: A")));
  check(!vi_stored_same_variant(entry_for(&SHARED, "A: 1", "Vary: A, B"),
                                entry_for(&SHARED, "B: 1", "Vary: A, B")));
}

IT("takes neither a part nor another kind of cache's for the same variant") {
  check(!vi_stored_same_variant(entry_with(""), entry_for(&PRIVATE, "", "")));
  check(!vi_stored_same_variant(entry_with(""), part_with("bytes 0-3/9", "", "0123")));
}

IT("4.3.5: is stale as an outdated copy, which leaves the original as it was") {
  vi_stored *entry = entry_with("Cache-Control: max-age=60\nA: 1");
  vi_stored *copy = vi_stored_outdated(entry);
  require(copy);
  check(copy->flags & VI_STORED_OUTDATED && !(entry->flags & VI_STORED_OUTDATED));
  check_double(vi_stored_ttl(copy, NOW), 0);
  check_double(vi_stored_ttl(copy, NOW + 70), -10);
  check_double(vi_stored_ttl(entry, NOW), 60);
  check_text(kept(copy, "A"), "1");
  check_text(vi_stored_body(copy), "content");
  check(vi_stored_same_variant(copy, entry));
  vi_stored_release(copy);
}

IT("weighs what it holds, its body included") {
  size_t small = vi_stored_size(entry_with("A: 1"));
  check_int(vi_stored_size(entry_with("A: 12")), small + 1);
  vi_response *large = response_of("A: 1", 100000);
  check(vi_stored_size(entry_of(&SHARED, request_with("GET", ""), large, NOW)) >= 100000);
}

IT("lives until its last holder lets go") {
  vi_stored *entry =
      stored_of(request_with("GET", ""), response_with(200, "", "content"), NOW, true);
  require(entry);
  check(vi_stored_retain(entry) == entry);
  vi_stored_release(entry);
  check_text(vi_stored_body(entry), "content");
  vi_stored_release(entry);
  vi_stored_release(NULL);
}
