/* transport/decoder: no memory, and whatever a server may send. */
#include "coding.h"
#include "scarcity.h"
#include "tap.h"
#include "transport/decoder.h"

#include <stdlib.h>
#include <string.h>

static vi_decoding decode(vi_decoder *decoder, vi_text input, vi_buffer *out) {
  if (!vi_decoder_begin(decoder, VI_CODING_GZIP))
    return VI_DECODING_OUT_OF_MEMORY;
  vi_decoding result = VI_DECODING_MORE;
  while (result == VI_DECODING_MORE && input.length > 0) {
    vi_text piece = {input.data, input.length < 1000 ? input.length : 1000};
    input = (vi_text){input.data + piece.length, input.length - piece.length};
    result = vi_decoder_run(decoder, &piece, out, SIZE_MAX);
  }
  return result;
}

static vi_text original, packed;

/* The same body twice, the second one on a decoder that may have run out of memory in the first. */
static vi_error_kind decode_twice(void) {
  vi_decoder decoder = {0};
  vi_error_kind kind = VI_ERROR_NONE;
  for (int i = 0; i < 2; i++) {
    vi_buffer out = {0};
    bool was_over = scarcity_is_over();
    vi_decoding result = decode(&decoder, packed, &out);
    bool good = result == VI_DECODING_MORE && vi_text_equal(vi_buffer_text(&out), original);
    if (result == VI_DECODING_OUT_OF_MEMORY && !was_over)
      kind = VI_ERROR_OUT_OF_MEMORY;
    else if (!good)
      kind = VI_ERROR_SCRIPT;
    vi_buffer_free(&out);
  }
  vi_decoder_free(&decoder);
  return kind;
}

IT("says that there is no memory, whichever allocation fails, and works once there is some") {
  original = noise(60000);
  packed = coded(original, CODING_GZIP);
  fail_each_allocation_of(decode_twice);
}

typedef struct dice {
  uint32_t state;
} dice;

static uint32_t pick(dice *self, size_t below) {
  self->state = self->state * 1664525 + 1013904223;
  return (uint32_t)((self->state >> 8) % below);
}

/* Changes, cuts, doubles and swaps bytes here and there. */
static size_t mutate(dice *self, char *bytes, size_t length) {
  for (uint32_t left = pick(self, 4); left > 0 && length > 1; left--) {
    size_t at = pick(self, length), span = pick(self, length - at) + 1;
    switch (pick(self, 5)) {
    case 0:
      bytes[at] = (char)pick(self, 256);
      break;
    case 1:
      bytes[at] = (char)(bytes[at] ^ (1 << pick(self, 8)));
      break;
    case 2:
      length = at;
      break;
    case 3:
      memmove(bytes, bytes + at, span);
      break;
    default:
      memset(bytes + at, bytes[0], span);
    }
  }
  return length;
}

/* Decodes to the end or the first fault, a few bytes at a time, in a bounded number of steps. True
 * if no promise was broken. */
static bool survives(dice *self, vi_decoder *decoder, vi_text input) {
  enum { MOST_STEPS = 20000 };
  vi_buffer out = {0};
  vi_decoding result = VI_DECODING_MORE;
  bool sound = true;
  for (int step = 0; result <= VI_DECODING_FULL && sound; step++) {
    size_t most = pick(self, 2000), length = pick(self, 300) + 1, before = out.length;
    vi_text piece = {input.data, input.length < length ? input.length : length};
    vi_text rest = piece;
    result = vi_decoder_run(decoder, &rest, &out, most);
    size_t used = piece.length - rest.length;
    sound = used <= piece.length && rest.data == piece.data + used && out.length - before <= most &&
            step < MOST_STEPS && (result != VI_DECODING_MORE || rest.length == 0) &&
            result != VI_DECODING_OUT_OF_MEMORY;
    input = (vi_text){input.data + used, input.length - used};
    if (out.length > 100000)
      vi_buffer_clear(&out);
    if (result == VI_DECODING_MORE && input.length == 0)
      break;
  }
  vi_buffer_free(&out);
  return sound;
}

IT("gets through any bytes without a crash, a loop or more than was asked for") {
  static const int written[] = {CODING_GZIP, CODING_ZLIB, CODING_RAW};
  static const vi_coding codings[] = {VI_CODING_GZIP, VI_CODING_DEFLATE, VI_CODING_DEFLATE};
  dice seeded = {1};
  vi_decoder decoder = {0};
  vi_text plain = concatenated(monotony(3000), noise(500));
  for (size_t format = 0; format < 3; format++) {
    vi_text whole = coded(plain, written[format]);
    whole = format ? whole : concatenated(whole, whole);
    char *bytes = malloc(whole.length);
    require(bytes);
    tap_defer(free, bytes);
    for (int round = 0; round < 5000; round++) {
      memcpy(bytes, whole.data, whole.length);
      size_t length = mutate(&seeded, bytes, whole.length);
      tap_at("format %zu, round %d", format, round);
      check(vi_decoder_begin(&decoder, codings[format]));
      check(survives(&seeded, &decoder, (vi_text){bytes, length}));
    }
  }
  vi_decoder_free(&decoder);
}

IT("expands no more of a bomb than it is asked for") {
  vi_text bomb = coded(monotony(50000000), CODING_GZIP);
  vi_decoder decoder = {0};
  vi_buffer out = {0};
  vi_text input = bomb;
  check(vi_decoder_begin(&decoder, VI_CODING_GZIP));
  check_int(vi_decoder_run(&decoder, &input, &out, 100001), VI_DECODING_FULL);
  check_int(out.length, 100001);
  check(out.capacity < 400000);
  check(input.length > bomb.length / 2);
  vi_buffer_free(&out);
  vi_decoder_free(&decoder);
}
