/* cache/cache_control: the directives of RFC 9111 5.2, in doubt read as less caching. */
#include "cache/cache_control.h"

#include "messages.h"
#include "tap.h"

/* What a message with these Cache-Control values says; "\n" between the values of several. */
static vi_cache_control read_fields(const char *lines) {
  vi_cache_control control;
  vi_cache_control_read(&response_with(200, lines, "")->headers, &control);
  return control;
}

static vi_cache_control read_value(const char *value) {
  vi_buffer *line = scratch();
  check(vi_buffer_append_text(line, VI_TEXT("Cache-Control: ")) &&
        vi_buffer_append_text(line, vi_text_of(value)) && vi_buffer_terminate(line));
  return read_fields(line->data);
}

static int64_t max_age_of(const char *value) {
  return read_value(value).max_age;
}

IT("is absent with every directive off where no field is") {
  vi_cache_control none = read_fields("Expires: 0\nX-Cache-Control: no-store");
  check(!none.present);
  check(!none.no_store && !none.no_cache && !none.is_private && !none.is_public);
  check(!none.must_revalidate && !none.proxy_revalidate && !none.must_understand);
  check(!none.immutable && !none.only_if_cached);
  check_int(none.max_age, VI_ABSENT);
  check_int(none.s_maxage, VI_ABSENT);
  check_int(none.min_fresh, VI_ABSENT);
  check_int(none.max_stale, VI_ABSENT);
  check_int(none.stale_while_revalidate, VI_ABSENT);
  check_int(none.stale_if_error, VI_ABSENT);
}

IT("is present though empty") {
  check(read_value("").present);
  check(read_value(" , ,,").present);
  check_int(max_age_of(""), VI_ABSENT);
}

IT("reads each directive by its name") {
  check(read_value("no-store").no_store);
  check(read_value("no-cache").no_cache);
  check(read_value("private").is_private);
  check(read_value("public").is_public);
  check(read_value("must-revalidate").must_revalidate);
  check(read_value("proxy-revalidate").proxy_revalidate);
  check(read_value("must-understand").must_understand);
  check(read_value("immutable").immutable);
  check(read_value("only-if-cached").only_if_cached);
  check_int(read_value("max-age=1").max_age, 1);
  check_int(read_value("s-maxage=2").s_maxage, 2);
  check_int(read_value("min-fresh=3").min_fresh, 3);
  check_int(read_value("max-stale=4").max_stale, 4);
  check_int(read_value("stale-while-revalidate=5").stale_while_revalidate, 5);
  check_int(read_value("stale-if-error=6").stale_if_error, 6);
}

IT("turns on nothing but what was named") {
  vi_cache_control control = read_value("no-store, max-age=60");
  check(control.no_store && !control.no_cache && !control.is_private);
  check_int(control.s_maxage, VI_ABSENT);
}

IT("ignores the case of names (5.2)") {
  check(read_value("No-STORE").no_store);
  check_int(max_age_of("MAX-Age=60"), 60);
}

IT("reads a list with any blanks, tabs and empty members in it") {
  vi_cache_control control = read_value(" ,no-cache\t , ,, max-age=60 ,\tpublic,");
  check(control.no_cache && control.is_public);
  check_int(control.max_age, 60);
}

IT("reads repeated fields as one list (RFC 9110 5.3)") {
  vi_cache_control control =
      read_fields("Cache-Control: max-age=60\nDate: x\ncache-control: no-cache, public");
  check(control.no_cache && control.is_public);
  check_int(control.max_age, 60);
}

IT("ignores directives that it does not know, with arguments of any form") {
  vi_cache_control control =
      read_value("community=\"UCI\", x, y=1, no-storex, xno-store, max-age-2=5, max-age=60");
  check(!control.no_store);
  check_int(control.max_age, 60);
}

IT("takes a quoted number for a number (5.2)") {
  check_int(max_age_of("max-age=\"60\""), 60);
  check_int(max_age_of("max-age = \"60\" , public"), 60);
}

IT("never finds a directive inside a quoted string") {
  vi_cache_control control = read_value("ext=\"no-store, private, max-age=1\", max-age=60");
  check(!control.no_store && !control.is_private);
  check_int(control.max_age, 60);
}

IT("steps over escaped quotes and escaped backslashes") {
  check(!read_value("ext=\"a\\\", no-store, \"").no_store);
  check(read_value("ext=\"a\\\\\", no-store").no_store);
}

IT("takes an unclosed quoted string for the rest of the value, and reads no further") {
  vi_cache_control control = read_value("max-age=60, ext=\"no-store, private");
  check_int(control.max_age, 60);
  check(!control.no_store && !control.is_private);
  check(!read_value("ext=\"\\").no_store);
  check_int(max_age_of("max-age=\""), 0);
}

IT("goes by the smallest of several values (4.2.1)") {
  check_int(max_age_of("max-age=60, max-age=30, max-age=90"), 30);
  check_int(read_fields("Cache-Control: s-maxage=9\nCache-Control: s-maxage=5").s_maxage, 5);
  check_int(read_value("max-stale=9, max-stale=5").max_stale, 5);
}

IT("takes an invalid or missing number of seconds for zero (4.2.1)") {
  const char *values[] = {"max-age",
                          "max-age=",
                          "max-age=x",
                          "max-age=-1",
                          "max-age=1.5",
                          "max-age=60s",
                          "max-age=60;x",
                          "max-age=\"\"",
                          "max-age=\"6\"0",
                          "max-age=+60",
                          "max-age=6 0",
                          "max-age='60'",
                          "max-age=60, max-age=x"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    tap_at("%s", values[i]);
    check_int(max_age_of(values[i]), 0);
  }
}

IT("does not let a large number of seconds wrap (1.2.2)") {
  check_int(max_age_of("max-age=99999999999999999999999"), INT64_MAX);
}

IT("goes on behind an invalid directive") {
  check(read_value("max-age=x, no-store").no_store);
  check(read_value("=, no-store").no_store);
  check(read_value("=5=6, no-store").no_store);
  check(read_value("a=\"b\"c, no-store").no_store);
}

IT("5.2.2.7: holds a private that names fields for the whole response") {
  check(read_value("private=\"Set-Cookie\"").is_private);
  check(read_value("private=Set-Cookie").is_private);
  check(read_value("private=\"\"").is_private);
  check(read_value("private=").is_private);
}

IT("5.2.2.4: tells a no-cache that names fields from one that holds for all") {
  vi_cache_control qualified = read_value("no-cache=\"X-A, X-B\", max-age=60");
  check(qualified.qualified && !qualified.no_cache);
  check_int(qualified.max_age, 60);
  vi_cache_control both = read_value("no-cache=\"X-A\", no-cache");
  check(both.no_cache && both.qualified);
  check(!read_value("no-cache").qualified);
}

IT("5.2.2.4: holds a no-cache for all whose names cannot be read") {
  const char *values[] = {"no-cache=",           "no-cache=X",          "no-cache=\"\"",
                          "no-cache=\" , \"",    "no-cache=\"a b\"",    "no-cache=\"X\"y",
                          "no-cache=\"a\\\"b\"", "no-cache=\"a, b c\"", "no-cache=\"a;b\""};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    tap_at("%s", values[i]);
    check(read_value(values[i]).no_cache && !read_value(values[i]).qualified);
  }
}

IT("takes max-stale without an argument for any staleness (5.2.1.2)") {
  check_int(read_value("max-stale").max_stale, INT64_MAX);
  check_int(read_value("max-stale, max-stale=5").max_stale, 5);
  check_int(read_value("max-stale=5, max-stale").max_stale, 5);
  check_int(read_value("max-stale=x").max_stale, 0);
  check_int(read_value("max-stale=").max_stale, 0);
}

IT("reads min-fresh the strict way: the largest holds, an invalid one is never met") {
  check_int(read_value("min-fresh=5, min-fresh=9").min_fresh, 9);
  check_int(read_value("min-fresh=9, min-fresh=5").min_fresh, 9);
  check_int(read_value("min-fresh=x").min_fresh, INT64_MAX);
  check_int(read_value("min-fresh").min_fresh, INT64_MAX);
}

static vi_headers *stripped(const char *lines) {
  vi_response *response = response_with(200, lines, "");
  vi_cache_control_strip_qualified(&response->headers);
  return &response->headers;
}

IT("5.2.2.4: takes out the fields that a qualified no-cache names, in any case, and no others") {
  vi_headers *headers =
      stripped("A: 1\nB: 2\na: 3\nC: 4\nCache-Control: no-cache=\"a, B\", private=\"C\"\nD: 5");
  check(!has_field(headers, "A") && !has_field(headers, "B"));
  check(has_field(headers, "C") && has_field(headers, "D"));
  check(has_field(headers, "Cache-Control"));
}

IT("5.2.2.4: takes out nothing for a no-cache that holds for all, or is none") {
  check_int(stripped("A: 1\nCache-Control: no-cache=A, no-cache=\"A;B\", no-cache")->count, 2);
  check_int(stripped("A: 1\nCache-Control: x=\"no-cache=A\", no-cachex=\"A\"")->count, 2);
}

IT("5.2.2.4: takes out what each of several Cache-Control fields names, also one another") {
  vi_headers *headers = stripped("Cache-Control: no-cache=\"A\"\nA: 1\nB: 2\n"
                                 "Cache-Control: no-cache=\"B, Cache-Control\"\n"
                                 "C: 3\nCache-Control: no-cache=\"C\"\nD: 4");
  check_int(headers->count, 2); /* the third was gone before it was read */
  check(has_field(headers, "C") && has_field(headers, "D"));
}

IT("5.2.2.4: never takes out Vary, by which the response is selected (4.1)") {
  check(has_field(stripped("Vary: A\nCache-Control: no-cache=\"Vary\""), "Vary"));
}

/* What the fields say to a cache that listens to these two targets. */
static bool targeted(const char *lines, vi_cache_control *out) {
  const vi_text targets[] = {VI_TEXT("Mine-Cache-Control"), VI_TEXT("CDN-Cache-Control")};
  *out = (vi_cache_control){.max_age = -77};
  return vi_cache_control_read_targeted(&response_with(200, lines, "")->headers, targets, 2, out);
}

static int64_t targeted_max_age(const char *value) {
  const vi_text target = VI_TEXT("T");
  vi_response *response = response_with(200, "", "");
  vi_cache_control out = {0};
  tap_at("%s", value);
  check(vi_headers_add(&response->headers, target, vi_text_of(value)) == VI_HEADERS_OK);
  check(vi_cache_control_read_targeted(&response->headers, &target, 1, &out) && out.present);
  return out.max_age;
}

IT("RFC 9213 2.2: reads the first of the targeted fields that is there") {
  vi_cache_control out;
  check(targeted("CDN-Cache-Control: max-age=1\nMine-Cache-Control: max-age=2, no-store", &out));
  check_int(out.max_age, 2);
  check(out.no_store && out.present);
  check(targeted("cdn-cache-control: max-age=1\nCache-Control: no-store", &out));
  check_int(out.max_age, 1);
  check(!out.no_store);
}

IT("RFC 9213 2.1: passes over a targeted field that is empty or no Structured Field") {
  const char *wrong[] = {"", " ", "max-age=60,", "Max-Age=60", "max-age=60 x", "max-age=\"60"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    vi_response *response = response_with(200, "CDN-Cache-Control: max-age=5", "");
    vi_text targets[] = {VI_TEXT("Mine"), VI_TEXT("CDN-Cache-Control")};
    vi_cache_control out;
    check(vi_headers_add(&response->headers, VI_TEXT("Mine"), vi_text_of(wrong[i])) ==
          VI_HEADERS_OK);
    check(vi_cache_control_read_targeted(&response->headers, targets, 2, &out));
    check_int(out.max_age, 5);
  }
}

IT("RFC 9213 2.1: leaves all to Cache-Control where no targeted field is valid") {
  vi_cache_control out;
  check(!targeted("Cache-Control: max-age=60", &out));
  check(!targeted("CDN-Cache-Control: max-age=60,\nMine-Cache-Control:", &out));
  check_int(out.max_age, -77);
}

IT("RFC 9213 2.1: reads a targeted field in several lines as one") {
  vi_cache_control out;
  check(targeted("CDN-Cache-Control: max-age=60\nCDN-Cache-Control: private", &out));
  check(out.is_private);
  check_int(out.max_age, 60);
}

IT("RFC 9213 2.1: ignores what it does not know, and parameters") {
  check_int(targeted_max_age("max-age=60;x=\"max-age=5\", y=(1 2), z=@1"), 60);
  check_int(targeted_max_age("x"), VI_ABSENT);
}

IT("4.2.1: takes seconds of a wrong type for zero in a targeted field, too") {
  const char *values[] = {
      "max-age",    "max-age=\"60\"", "max-age=60.0",   "max-age=-60", "max-age=x",
      "max-age=?1", "max-age=(60)",   "max-age=:aGk=:", "max-age=@60", "max-age=?0"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    check_int(targeted_max_age(values[i]), 0);
  check_int(targeted_max_age("max-age=999999999999999"), 999999999999999);
}

IT("RFC 9651 4.2.2: goes by the last of several members with the same key") {
  check_int(targeted_max_age("max-age=5, max-age=60"), 60);
  check_int(targeted_max_age("max-age=60, max-age=5"), 5);
  vi_cache_control out;
  check(targeted("CDN-Cache-Control: private, no-store=?0, private=?0, no-store", &out));
  check(out.no_store && !out.is_private);
}

IT("RFC 9651 3.3.6: takes ?0 for a directive that is not meant") {
  vi_cache_control out;
  check(
      targeted("CDN-Cache-Control: public=?0, must-understand=?0, no-cache=?0, max-age=60", &out));
  check(!out.is_public && !out.must_understand && !out.no_cache);
  check(targeted("CDN-Cache-Control: no-store=?1, private=\"A\", no-cache=\"A\"", &out));
  check(out.no_store && out.is_private && out.no_cache);
}
