/* cache/structured_field: dictionaries of RFC 9651, as RFC 9213 2.1 uses them. */
#include "cache/structured_field.h"

#include "messages.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* Writes the members down, "key:kind" each, with its number where it is one. */
static void note(void *context, const vi_sf_member *member) {
  static const char *const kinds[] = {"true", "false", "integer", "other"};
  vi_buffer *out = context;
  if (out->length > 0)
    check(vi_buffer_append_char(out, ' '));
  check(vi_buffer_append_text(out, member->key) && vi_buffer_append_char(out, ':') &&
        vi_buffer_append_text(out, vi_text_of(kinds[member->kind])));
}

static void note_integer(void *context, const vi_sf_member *member) {
  if (member->kind == VI_SF_INTEGER)
    *(int64_t *)context = member->integer;
}

static void check_members(const char *value, const char *members) {
  vi_buffer *out = scratch();
  tap_at("%s", value);
  check(vi_sf_dictionary(vi_text_of(value), note, out));
  check_text(vi_buffer_text(out), members);
}

static bool is_dictionary(const char *value) {
  tap_at("%s", value);
  return vi_sf_dictionary(vi_text_of(value), NULL, NULL);
}

static int64_t integer_in(const char *value) {
  int64_t integer = -77;
  check(vi_sf_dictionary(vi_text_of(value), note_integer, &integer));
  return integer;
}

IT("3.2: shows the members of a dictionary in their order") {
  check_members("max-age=60, private", "max-age:integer private:true");
  check_members("b,a,b", "b:true a:true b:true");
  check_members("*x=1, a_b-c.d*9", "*x:integer a_b-c.d*9:true");
}

IT("4.2: takes an empty value for a dictionary without members") {
  check_members("", "");
  check_members("   ", "");
}

IT("4.2: passes over blanks around a value and around commas, and nowhere else") {
  check_members("  a=1 \t,\t b=2  ", "a:integer b:integer");
  check(!is_dictionary("\ta=1"));
  check(!is_dictionary("a =1"));
  check(!is_dictionary("a= 1"));
  check(!is_dictionary("a=1 b"));
  check(!is_dictionary("a=1 ;p"));
}

IT("4.2.2: refuses a comma without a member") {
  const char *wrong[] = {"a,", "a, ", ",a", "a,,b", ",", "a=1, , b=2"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.3.3: refuses a key that does not start in lower case, or has other characters") {
  const char *wrong[] = {"Max-age=60", "max-Age=60", "MAX-AGE", "1a",   "-a",
                         "_a",         ".a",         "a/b",     "a:b",  "=1",
                         "=",          "\"a\"=1",    "a\xc3=1", "a@=1", "(a)"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("3.3.6: knows booleans, and a key alone for true") {
  check_members("a, b=?1, c=?0", "a:true b:true c:false");
  const char *wrong[] = {"a=?", "a=?2", "a=?10", "a=?true", "a=? 1", "a=?1?0"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.4: reads integers of at most 15 digits") {
  check_int(integer_in("a=0"), 0);
  check_int(integer_in("a=-0"), 0);
  check_int(integer_in("a=0060"), 60);
  check_int(integer_in("a=-5"), -5);
  check_int(integer_in("a=999999999999999"), 999999999999999);
  check_int(integer_in("a=-999999999999999"), -999999999999999);
  check(!is_dictionary("a=1000000000000000"));
  check(!is_dictionary("a=0000000000000001"));
  check(!is_dictionary("a=-"));
  check(!is_dictionary("a=--1"));
  check(!is_dictionary("a=+1"));
  check(!is_dictionary("a=1e3"));
  check(!is_dictionary("a=60s"));
}

IT("4.2.4: knows a decimal, which is no integer, by 12 digits and 3 behind the point") {
  check_members("a=1.5, b=-0.125, c=123456789012.123", "a:other b:other c:other");
  const char *wrong[] = {"a=1.",    "a=.5",  "a=1.2345", "a=1234567890123.1",
                         "a=1.2.3", "a=-.5", "a=1.-5",   "a=1. 5"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.5: steps over strings, whatever stands in them") {
  check_members("a=\"x, no-store\", b", "a:other b:true");
  check_members("a=\"\", b=\"\\\"\", c=\"\\\\\", d", "a:other b:other c:other d:true");
  const char *wrong[] = {"a=\"",     "a=\"x",          "a=\"x\\\"",  "a=\"\\",   "a=\"\\x\"",
                         "a=\"x\"y", "a=\"\xc3\xa4\"", "a=\"\x01\"", "a=\"\t\"", "a=\"\x7f\""};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.6: steps over tokens") {
  check_members("a=x, b=*y, c=A:/1!#$%&'*+-.^_`|~, d", "a:other b:other c:other d:true");
  const char *wrong[] = {"a=!x", "a=x\"", "a=x(", "a=x@", "a=/", "a='60'"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.7, 4.2.9, 4.2.10: steps over byte sequences, dates and display strings") {
  check_members("a=:aGk=:, b=@1659578233, c=%\"f%c3%bc\", d", "a:other b:other c:other d:true");
  check_members("a=::, b=@-1, c=%\"\"", "a:other b:other c:other");
  const char *wrong[] = {"a=:",  "a=:aGk=", "a=:a,b:",    "a=@",       "a=@1.5", "a=@x",     "a=%",
                         "a=%x", "a=%\"x",  "a=%\"%C3\"", "a=%\"%c\"", "a=%\"%", "a=%\"\n\""};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.1.2: steps over inner lists and does not look into them") {
  check_members("a=(), b=(1 \"x)\" y), c=(  x;p=1   z  );q, d", "a:other b:other c:other d:true");
  const char *wrong[] = {"a=(",    "a=(x",  "a=(x,y)", "a=(x\ty)", "a=((x))",        "a=)",
                         "a=(x)y", "a=(\"", "a=(x;",   "a=(;p)",   "a=(\"x\"\"y\")", "a=(?1?0)"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("4.2.3.2: steps over parameters of any member") {
  check_members("a;x, b=1;x=2;  y, c=\"s\";z=?0, d", "a:true b:integer c:other d:true");
  const char *wrong[] = {"a;", "a;=1", "a;X", "a;x=", "a;x=()", "a=1;;x", "a; \t", "a;x=1 ;y"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check(!is_dictionary(wrong[i]));
}

IT("refuses a NUL and any other control character outside of strings") {
  const char *bytes = "a=1,\0b";
  check(!vi_sf_dictionary((vi_text){bytes, 6}, NULL, NULL));
  check(!vi_sf_dictionary((vi_text){bytes, 5}, NULL, NULL));
  check(!vi_sf_dictionary((vi_text){"a\0", 2}, NULL, NULL));
  check(!vi_sf_dictionary((vi_text){"a=\0", 3}, NULL, NULL));
  check(!vi_sf_dictionary((vi_text){"a=?\0", 4}, NULL, NULL));
  check(!vi_sf_dictionary((vi_text){"a=\"\0\"", 5}, NULL, NULL));
  for (char c = 1; c < ' '; c++) {
    const char value[] = {'a', c, 'b', '\0'};
    check(!is_dictionary(value));
  }
}

IT("reads no byte behind its end, wherever a value is cut off") {
  const char *whole = "a=(1 \"\\\"\";p=%\"%c3\" :x=:);q=?1;r=@5, b=-1.5, c=x;*y";
  check(is_dictionary(whole));
  for (size_t length = 0; length < strlen(whole); length++) {
    char *cut = malloc(length + 1); /* of that size, so that a sanitizer sees the byte behind it */
    require(cut);
    memcpy(cut, whole, length);
    char *exact = realloc(cut, length ? length : 1);
    vi_sf_dictionary((vi_text){exact, length}, NULL, NULL);
    free(exact);
  }
}

IT("gets to the end of a value of a megabyte") {
  enum { SIZE = 1024 * 1024 };
  const char *units[] = {"a,", "(", "a=(", "\\", "\"", ";", "a=1;"};
  char *value = malloc(SIZE);
  require(value);
  for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
    for (size_t i = 0; i < SIZE; i++)
      value[i] = units[u][i % strlen(units[u])];
    tap_at("%s", units[u]);
    check(!vi_sf_dictionary((vi_text){value, SIZE}, NULL, NULL));
  }
  free(value);
}
