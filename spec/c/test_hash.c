/* cache/hash: SipHash, by the values that are published for it. */
#include "cache/hash.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* The key of the published values is 00 01 .. 0f, the nth text 00 01 .. of n bytes. */
static const vi_hash_key KEY = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
static const char TEXT[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

enum { LENGTHS = 17 };

IT("is SipHash-2-4 as its authors published it") {
  static const uint64_t expected[LENGTHS] = {
      0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
      0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
      0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
      0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
      0x3f2acc7f57c29bdb};
  for (size_t length = 0; length < LENGTHS; length++) {
    tap_at("%zu bytes", length);
    check_int(vi_hash_rounds(&KEY, (vi_text){TEXT, length}, 2, 4), expected[length]);
  }
}

IT("is SipHash-1-3 where a table asks, as their program computes it") {
  static const uint64_t expected[LENGTHS] = {
      0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
      0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
      0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
      0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
      0xcc4fdd1a7d908b66};
  for (size_t length = 0; length < LENGTHS; length++) {
    vi_text text = {TEXT, length};
    tap_at("%zu bytes", length);
    check_int(vi_hash(&KEY, text), expected[length]);
    check_int(vi_hash_rounds(&KEY, text, 1, 3), expected[length]);
  }
}

IT("does not care where a text stands in memory, and reads nothing behind it") {
  vi_text text = VI_TEXT("http://example.com/a?page=1");
  for (size_t offset = 0; offset < 8; offset++) {
    char *copy = malloc(offset + text.length);
    require(copy);
    memcpy(copy + offset, text.data, text.length);
    check_int(vi_hash(&KEY, (vi_text){copy + offset, text.length}), vi_hash(&KEY, text));
    free(copy);
  }
}

IT("takes the empty view") {
  check_int(vi_hash(&KEY, (vi_text){NULL, 0}), vi_hash(&KEY, VI_TEXT("")));
}

IT("has another key each time") {
  vi_hash_key one = vi_hash_key_new(), two = vi_hash_key_new();
  check(one.low != two.low && one.high != two.high);
  check(vi_hash(&one, VI_TEXT("a")) != vi_hash(&two, VI_TEXT("a")));
}
