/* message/text: borrowed views of bytes, and ASCII's rules. */
#include "message/text.h"

#include "tap.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool nocase(const char *a, const char *b) {
  return vi_text_equal_nocase(vi_text_of(a), vi_text_of(b));
}

IT("makes the empty view of NULL") {
  check_int(vi_text_of(NULL).length, 0);
  check(vi_text_equal(vi_text_of(NULL), VI_TEXT("")));
}

IT("measures a literal without its NUL, and counts NULs within") {
  check_int(VI_TEXT("abc").length, 3);
  check_int(VI_TEXT("a\0c").length, 3);
}

IT("compares bytes, NULs included") {
  check(vi_text_equal(VI_TEXT("a\0b"), VI_TEXT("a\0b")));
  check(!vi_text_equal(VI_TEXT("a\0b"), VI_TEXT("a\0c")));
  check(!vi_text_equal(VI_TEXT("ab"), VI_TEXT("abc")));
  check(!vi_text_equal(VI_TEXT("ab"), VI_TEXT("aB")));
}

IT("ignores the case of ASCII letters only where asked to") {
  check(nocase("Cache-CONTROL", "cache-control"));
  check(!nocase("cache-control", "cache-contro"));
  check(!nocase("a", "b"));
  check(!nocase("[", "{")); /* 0x20 apart like letters, and no letters */
  check(!nocase("@", "`"));
  check(!nocase("\xc4", "\xe4")); /* letters in Latin-1 */
}

IT("lowers A to Z and nothing else") {
  for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
    char expected = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    check_int(vi_char_lower((char)c), expected);
  }
}

IT("knows a prefix in any case, the whole and the empty one too") {
  check(vi_text_starts_nocase(VI_TEXT("HTTP/1.1 200"), VI_TEXT("http/")));
  check(vi_text_starts_nocase(VI_TEXT("http/"), VI_TEXT("HTTP/")));
  check(vi_text_starts_nocase(VI_TEXT(""), VI_TEXT("")));
  check(!vi_text_starts_nocase(VI_TEXT("HTTP"), VI_TEXT("HTTP/")));
}

IT("trims spaces and tabs from both ends, and no other white space") {
  check_text(vi_text_trim(VI_TEXT(" \t a b \t ")), "a b");
  check_text(vi_text_trim(VI_TEXT("\ra\n")), "\ra\n");
  check_text(vi_text_trim(VI_TEXT(" \t ")), "");
  check_text(vi_text_trim(vi_text_of(NULL)), "");
}

IT("shows the start of what was given, without control characters") {
  check_text(vi_text_of(vi_text_shown(VI_TEXT("a\r\n\0\x7f\xc3\xa4 b")).text), "a????\xc3\xa4 b");
  char longer[100];
  memset(longer, 'x', sizeof longer);
  check_int(strlen(vi_text_shown((vi_text){longer, sizeof longer}).text), 60);
  check_text(vi_text_of(vi_text_shown(vi_text_of(NULL)).text), "");
}

IT("takes exactly RFC 9110's token characters for a token") {
  const char *others = "!#$%&'*+-.^_`|~";
  for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
    char text = (char)c;
    bool expected = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    for (const char *other = others; *other; other++)
      expected = expected || *other == text;
    tap_at("character %d", c);
    check_int(vi_text_is_token((vi_text){&text, 1}), expected);
  }
}

IT("takes the empty text for no token, and one bad byte spoils any place") {
  check(!vi_text_is_token(VI_TEXT("")));
  check(vi_text_is_token(VI_TEXT("M-SEARCH")));
  check(!vi_text_is_token(VI_TEXT(" GET")));
  check(!vi_text_is_token(VI_TEXT("G T")));
  check(!vi_text_is_token(VI_TEXT("GET\n")));
}

IT("refuses CR, LF and NUL in a field value, and allows all else") {
  for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
    char text[] = {'a', (char)c, 'b'};
    tap_at("character %d", c);
    check_int(vi_text_is_field_value((vi_text){text, sizeof text}),
              c != '\r' && c != '\n' && c != '\0');
  }
  check(vi_text_is_field_value(VI_TEXT("")));
}

IT("orders texts byte by byte, the shorter before what it begins") {
  const vi_text in_order[] = {VI_TEXT(""),     VI_TEXT("A"),  VI_TEXT("a"), VI_TEXT("a\0"),
                              VI_TEXT("a\0b"), VI_TEXT("aa"), VI_TEXT("b"), VI_TEXT("\xc3")};
  const int count = sizeof in_order / sizeof *in_order;
  for (int i = 0; i < count; i++)
    for (int j = 0; j < count; j++) {
      int order = vi_text_compare(in_order[i], in_order[j]);
      tap_at("%d and %d", i, j);
      check_int((order > 0) - (order < 0), (i > j) - (i < j));
    }
}

IT("knows UTF-8 of all lengths") {
  const char *right[] = {"",
                         "a",
                         "\xc2\x80",
                         "\xdf\xbf",
                         "\xe0\xa0\x80",
                         "\xed\x9f\xbf",
                         "\xee\x80\x80",
                         "\xef\xbf\xbf",
                         "\xf0\x90\x80\x80",
                         "\xf4\x8f\xbf\xbf",
                         "a\xc3\xa4z"};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    tap_at("%zu", i);
    check(vi_text_is_utf8(vi_text_of(right[i])));
  }
  check(vi_text_is_utf8((vi_text){"\0", 1}));
}

IT("takes what is cut off, too long, a surrogate or past Unicode for no UTF-8") {
  const char *wrong[] = {"\x80",          "\xc1\xbf",         "\xc2",
                         "\xc2z",         "\xe0\x9f\xbf",     "\xe1\x80",
                         "\xe1\x80z",     "\xed\xa0\x80",     "\xf0\x8f\xbf\xbf",
                         "\xf1\x80\x80z", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                         "\xff",          "a\xc3\xa4\xc3"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    tap_at("%zu", i);
    check(!vi_text_is_utf8(vi_text_of(wrong[i])));
  }
}

IT("puts a point into a number where the locale has something else") {
  const char *numbers[][2] = {{"1,5", "1.5"},
                              {"-0,25", "-0.25"},
                              {"1.5", "1.5"},
                              {"1\xd9\xab"
                               "5",
                               "1.5"},
                              {"1,5e-07", "1.5e-07"},
                              {"1e+20", "1e+20"},
                              {"12", "12"},
                              {"-3", "-3"}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char number[16];
    snprintf(number, sizeof number, "%s", numbers[i][0]);
    tap_at("%s", number);
    check_int((long)vi_text_with_point(number), (long)strlen(numbers[i][1]));
    check_text(vi_text_of(number), numbers[i][1]);
  }
}

IT("reads whole decimal numbers") {
  int64_t value = -1;
  check(vi_text_to_integer(VI_TEXT("0"), &value));
  check_int(value, 0);
  check(vi_text_to_integer(VI_TEXT("0086400"), &value));
  check_int(value, 86400);
}

IT("clamps numbers that are too large instead of wrapping") {
  const char *numbers[] = {"9223372036854775807", "9223372036854775808", "18446744073709551617",
                           "99999999999999999999999999999999"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    int64_t value = -1;
    tap_at("%s", numbers[i]);
    check(vi_text_to_integer(vi_text_of(numbers[i]), &value));
    check_int(value, INT64_MAX);
  }
}

IT("takes signs, fractions, blanks and nothing at all for no number") {
  const char *wrong[] = {"", "-1", "+1", "1.0", "1e3", " 1", "1 ", "0x1", "1,2", "\xd9\xa1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    int64_t value;
    tap_at("'%s'", wrong[i]);
    check(!vi_text_to_integer(vi_text_of(wrong[i]), &value));
  }
}
