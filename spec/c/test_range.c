/* cache/range: byte ranges (RFC 9110 14). */
#include "cache/range.h"

#include "tap.h"

static void check_range(const char *value, int64_t first, int64_t last) {
  vi_range range = {-77, -77};
  tap_at("%s", value);
  check(vi_range_read(vi_text_of(value), &range));
  check_int(range.first, first);
  check_int(range.last, last);
}

IT("14.1.2: reads one range: from a byte to another, to the end, or the last ones") {
  check_range("bytes=0-0", 0, 0);
  check_range("bytes=2-5", 2, 5);
  check_range("bytes=2-", 2, INT64_MAX);
  check_range("bytes=-5", -1, 5);
  check_range(" Bytes=2-5\t", 2, 5);
}

IT("14.1.2: reads numbers too large for anything without wrapping") {
  check_range("bytes=0-99999999999999999999", 0, INT64_MAX);
  check_range("bytes=99999999999999999999-", INT64_MAX, INT64_MAX);
  check_range("bytes=-99999999999999999999", -1, INT64_MAX);
}

IT("14.2: reads nothing else: several ranges, other units, rubbish") {
  const char *others[] = {"bytes=0-1,3-4", "bytes=0-1, 3-4", "bytes=", "bytes=-",    "bytes=5-2",
                          "bytes=x-",      "bytes=0-x",      "bytes",  "",           "items=0-1",
                          "bytes 0-1",     "bytes=--5",      "0-1",    "bytes=+0-1", "bytes=0-1-2"};
  vi_range range;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    tap_at("%s", others[i]);
    check(!vi_range_read(vi_text_of(others[i]), &range));
  }
  check(!vi_range_read((vi_text){"bytes=0-1\0", 10}, &range));
}

static void check_resolved(vi_range range, int64_t length, int64_t first, int64_t last) {
  tap_at("%lld-%lld of %lld", (long long)range.first, (long long)range.last, (long long)length);
  check(vi_range_resolve(&range, length));
  check_int(range.first, first);
  check_int(range.last, last);
}

IT("14.1.2: means what there is of the bytes that were asked for") {
  check_resolved((vi_range){0, 3}, 10, 0, 3);
  check_resolved((vi_range){5, 99}, 10, 5, 9);
  check_resolved((vi_range){5, INT64_MAX}, 10, 5, 9);
  check_resolved((vi_range){9, 9}, 10, 9, 9);
  check_resolved((vi_range){-1, 4}, 10, 6, 9);
  check_resolved((vi_range){-1, 10}, 10, 0, 9);
  check_resolved((vi_range){-1, INT64_MAX}, 10, 0, 9);
}

IT("15.5.17: cannot be satisfied by what starts behind the end, or is of no length") {
  const vi_range ranges[] = {{10, 10}, {10, INT64_MAX}, {INT64_MAX, INT64_MAX}, {-1, 0}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    vi_range range = ranges[i];
    check(!vi_range_resolve(&range, 10));
  }
  vi_range all = {0, INT64_MAX}, end = {-1, 5};
  check(!vi_range_resolve(&all, 0));
  check(!vi_range_resolve(&end, 0));
}

static void check_content_range(const char *value, int64_t first, int64_t last, int64_t length) {
  vi_range range = {-77, -77};
  int64_t whole = -77;
  tap_at("%s", value);
  check(vi_content_range_read(vi_text_of(value), &range, &whole));
  check_int(range.first, first);
  check_int(range.last, last);
  check_int(whole, length);
}

IT("14.4: reads which bytes a part is, and of how many") {
  check_content_range("bytes 0-0/1", 0, 0, 1);
  check_content_range("bytes 42-1233/1234", 42, 1233, 1234);
  check_content_range("bytes 42-1233/*", 42, 1233, -1);
  check_content_range("BYTES 0-9/10", 0, 9, 10);
}

IT("14.4: takes nothing for a part that contradicts itself, or is that of a 416") {
  const char *wrong[] = {"bytes */10",      "bytes 0-9/5",  "bytes 0-9/9",  "bytes 9-0/10",
                         "bytes 0-/10",     "bytes -9/10",  "bytes 0-9",    "bytes 0-9/",
                         "bytes 0-9/x",     "bytes=0-9/10", "items 0-9/10", "bytes x-9/10",
                         "bytes 0-9/10/10", "bytes 0-9/-1", "bytes",        ""};
  vi_range range;
  int64_t length;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    tap_at("%s", wrong[i]);
    check(!vi_content_range_read(vi_text_of(wrong[i]), &range, &length));
  }
}

IT("14.4: takes no part that ends where no number reaches") {
  vi_range range;
  int64_t length;
  check(!vi_content_range_read(VI_TEXT("bytes 0-9223372036854775807/*"), &range, &length));
  check(!vi_content_range_read(VI_TEXT("bytes 0-99999999999999999999/*"), &range, &length));
  check_content_range("bytes 0-9223372036854775806/*", 0, INT64_MAX - 1, -1);
}
