/* cache/pack: texts in a block of bytes, each behind its length. */
#include "cache/pack.h"

#include "messages.h"
#include "tap.h"

#include <stdlib.h>

static vi_text unpack_one(const char *bytes, size_t length, bool *ok) {
  vi_text rest = {bytes, length}, text = {NULL, 0};
  *ok = vi_unpack(&rest, &text);
  return text;
}

static bool unpacks(const char *bytes, size_t length) {
  bool ok;
  unpack_one(bytes, length, &ok);
  return ok;
}

IT("gives back the texts that were packed, in their order") {
  vi_buffer *bytes = scratch();
  check(vi_pack(bytes, VI_TEXT("one")) && vi_pack(bytes, VI_TEXT("")) &&
        vi_pack(bytes, VI_TEXT("three")));
  vi_text rest = vi_buffer_text(bytes), text;
  check(vi_unpack(&rest, &text));
  check_text(text, "one");
  check(vi_unpack(&rest, &text));
  check_text(text, "");
  check(vi_unpack(&rest, &text));
  check_text(text, "three");
  check_int(rest.length, 0);
  check(!vi_unpack(&rest, &text));
}

IT("takes one byte more for texts shorter than 128 bytes, and few for longer ones") {
  const size_t lengths[] = {0, 1, 127, 128, 16383, 16384, 1000000};
  const size_t overheads[] = {1, 1, 1, 2, 2, 3, 3};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    vi_buffer *bytes = scratch();
    char *text = calloc(lengths[i] + 1, 1);
    require(text);
    check(vi_pack(bytes, (vi_text){text, lengths[i]}));
    free(text);
    check_int(bytes->length, lengths[i] + overheads[i]);
    vi_text rest = vi_buffer_text(bytes), out;
    check(vi_unpack(&rest, &out) && out.length == lengths[i] && rest.length == 0);
  }
}

IT("writes the length of any text in the room that it asks for") {
  char out[VI_PACK_LENGTH_MAX];
  check_int(vi_pack_length(SIZE_MAX, out), VI_PACK_LENGTH_MAX);
  check(!unpacks(out, sizeof out)); /* there is no text of that length behind it */
}

IT("keeps NULs and whatever else is in a text") {
  vi_buffer *bytes = scratch();
  check(vi_pack(bytes, (vi_text){"a\0\xff\n", 4}));
  vi_text rest = vi_buffer_text(bytes), text;
  check(vi_unpack(&rest, &text));
  check(vi_text_equal(text, (vi_text){"a\0\xff\n", 4}));
}

IT("does not unpack what ends before its text or its length does") {
  check(!unpacks("", 0));
  check(!unpacks("\x01", 1));
  check(!unpacks("\x05"
                 "four",
                 5));
  check(!unpacks("\x80", 1));
  check(!unpacks("\xff\xff\xff\xff", 4));
}

IT("does not unpack a length that no number holds") {
  check(!unpacks("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12));
  check(!unpacks("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12));
}

IT("leaves the bytes alone that it cannot unpack") {
  const char *bytes = "\x05"
                      "four";
  vi_text rest = {bytes, 5}, text;
  check(!vi_unpack(&rest, &text));
  check(rest.data == bytes && rest.length == 5);
}
