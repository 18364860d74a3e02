/* cache/list: lists in header fields (RFC 9110 5.6.1). */
#include "cache/list.h"

#include "messages.h"
#include "tap.h"

/* The members, each in brackets. */
static vi_text members_of(vi_text value) {
  vi_buffer *out = scratch();
  vi_text member;
  while (vi_list_next(&value, &member))
    check(vi_buffer_append_char(out, '[') && vi_buffer_append_text(out, member) &&
          vi_buffer_append_char(out, ']'));
  check_int(value.length, 0);
  return vi_buffer_text(out);
}

static vi_text members(const char *value) {
  return members_of(vi_text_of(value));
}

IT("gives one member after the other, without the blanks around them") {
  check_text(members("a"), "[a]");
  check_text(members("a,b , \tc d\t"), "[a][b][c d]");
}

IT("passes over empty members (5.6.1.2)") {
  check_text(members(""), "");
  check_text(members(" ,\t,,"), "");
  check_text(members(",a,, ,b,"), "[a][b]");
}

IT("separates nothing by a comma in a quoted string (5.6.4)") {
  check_text(members("\"a,b\",c"), "[\"a,b\"][c]");
  check_text(members("W/\"a,\\\",b\",c"), "[W/\"a,\\\",b\"][c]");
  check_text(members("\"a\\\\\",c"), "[\"a\\\\\"][c]");
  check_text(members("a\\,b"), "[a\\][b]");
}

IT("takes an unclosed quoted string for the rest of the value") {
  check_text(members("a,\"b,c"), "[a][\"b,c]");
  check_text(members("\""), "[\"]");
  check_text(members("\"\\"), "[\"\\]");
}

IT("takes a NUL and other bytes as they are") {
  check_int(members_of((vi_text){"a\0b,\xff", 5}).length, 8);
}
