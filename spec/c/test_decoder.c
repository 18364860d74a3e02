/* transport/decoder: content codings undone piece by piece. */
#include "transport/decoder.h"

#include "coding.h"
#include "messages.h"
#include "tap.h"

#include <stdlib.h>

static const vi_text HELLO = {"hello, hello, hello", 19};

typedef struct format {
  const char *name;
  vi_coding coding;
  int written; /* as zlib numbers it */
} format;

static const format FORMATS[] = {{"gzip", VI_CODING_GZIP, CODING_GZIP},
                                 {"deflate", VI_CODING_DEFLATE, CODING_ZLIB},
                                 {"bare deflate", VI_CODING_DEFLATE, CODING_RAW}};
enum { FORMAT_COUNT = sizeof FORMATS / sizeof *FORMATS };

static void free_decoder(void *decoder) {
  vi_decoder_free(decoder);
  free(decoder);
}

static vi_decoder *decoder_of(vi_coding coding) {
  vi_decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder)
    abort();
  tap_defer(free_decoder, decoder);
  check(vi_decoder_begin(decoder, coding));
  return decoder;
}

/* Gives the decoder the input in pieces of `step` bytes and takes what comes in pieces of `most`;
 * the first result that is neither MORE nor FULL, or MORE when all is used up. */
static vi_decoding run_in_pieces(vi_decoder *decoder, vi_text input, vi_buffer *out, size_t step,
                                 size_t most) {
  while (input.length > 0) {
    vi_text piece = {input.data, input.length < step ? input.length : step};
    input = (vi_text){input.data + piece.length, input.length - piece.length};
    vi_decoding result;
    do {
      size_t before = out->length;
      result = vi_decoder_run(decoder, &piece, out, most);
      check(out->length - before <= most);
      if (result == VI_DECODING_FULL && !check_int(out->length - before, most))
        return VI_DECODING_BAD;
    } while (result == VI_DECODING_FULL);
    if (result != VI_DECODING_MORE)
      return result;
    check_int(piece.length, 0);
  }
  return VI_DECODING_MORE;
}

/* What comes of the whole input at once. */
static vi_decoding run(vi_decoder *decoder, vi_text input, vi_buffer *out) {
  return run_in_pieces(decoder, input, out, SIZE_MAX, SIZE_MAX);
}

static vi_text decoded(vi_coding coding, vi_text input) {
  vi_buffer *out = scratch();
  vi_decoder *decoder = decoder_of(coding);
  check_int(run(decoder, input, out), VI_DECODING_MORE);
  check(!vi_decoder_is_cut(decoder));
  return vi_buffer_text(out);
}

IT("knows codings by their names in any case, and none that it cannot undo") {
  check_int(vi_decoder_coding_of(VI_TEXT("GZip")), VI_CODING_GZIP);
  check_int(vi_decoder_coding_of(VI_TEXT("x-gzip")), VI_CODING_GZIP);
  check_int(vi_decoder_coding_of(VI_TEXT("deflate")), VI_CODING_DEFLATE);
  check_int(vi_decoder_coding_of(VI_TEXT("identity")), VI_CODING_NONE);
  check_int(vi_decoder_coding_of(VI_TEXT("br")), VI_CODING_NONE);
  check_int(vi_decoder_coding_of(VI_TEXT("gzip, gzip")), VI_CODING_NONE);
  check_int(vi_decoder_coding_of((vi_text){NULL, 0}), VI_CODING_NONE);
}

IT("undoes gzip, and deflate in its wrapper and bare as many send it") {
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    tap_at("%s", FORMATS[i].name);
    check_text(decoded(FORMATS[i].coding, coded(HELLO, FORMATS[i].written)), HELLO.data);
    check_int(decoded(FORMATS[i].coding, coded(VI_TEXT(""), FORMATS[i].written)).length, 0);
    vi_text noisy = noise(100000), dull = monotony(5000000);
    check(vi_text_equal(decoded(FORMATS[i].coding, coded(noisy, FORMATS[i].written)), noisy));
    check(vi_text_equal(decoded(FORMATS[i].coding, coded(dull, FORMATS[i].written)), dull));
  }
}

IT("gives the same bytes whatever pieces they come in and go out in") {
  const size_t sizes[] = {1, 2, 3, 7, 100, 16384, 16385, SIZE_MAX};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  const vi_text bodies[] = {monotony(20000), concatenated(noise(3000), HELLO)};
  for (size_t i = 0; i < 2 * FORMAT_COUNT; i++) {
    const format *chosen = &FORMATS[i / 2];
    vi_text plain = bodies[i % 2], input = coded(plain, chosen->written);
    vi_decoder *decoder = decoder_of(chosen->coding);
    for (size_t j = 0; j < SIZES * SIZES; j++) {
      size_t step = sizes[j / SIZES], most = sizes[j % SIZES];
      vi_buffer out = {0};
      tap_at("%s in pieces of %zu and %zu", chosen->name, step, most);
      check(vi_decoder_begin(decoder, chosen->coding));
      check_int(run_in_pieces(decoder, input, &out, step, most), VI_DECODING_MORE);
      check(!vi_decoder_is_cut(decoder));
      check(vi_text_equal(vi_buffer_text(&out), plain));
      vi_buffer_free(&out);
    }
  }
}

IT("says that it is full while there is no room, and goes on without further input") {
  vi_decoder *decoder = decoder_of(VI_CODING_GZIP);
  vi_buffer *out = scratch();
  vi_text input = coded(monotony(1000), CODING_GZIP);
  check_int(vi_decoder_run(decoder, &input, out, 999), VI_DECODING_FULL);
  check_int(out->length, 999);
  check(vi_decoder_is_cut(decoder));
  check_int(vi_decoder_run(decoder, &input, out, 0), VI_DECODING_FULL);
  check_int(vi_decoder_run(decoder, &input, out, 2), VI_DECODING_MORE);
  check_int(out->length, 1000);
  check_int(input.length, 0);
  check(!vi_decoder_is_cut(decoder));
  check_int(vi_decoder_run(decoder, &input, out, 10), VI_DECODING_MORE);
  check_int(out->length, 1000);
}

IT("appends to what is there, and never looks at it") {
  vi_decoder *decoder = decoder_of(VI_CODING_GZIP);
  vi_buffer *out = scratch();
  check(vi_buffer_append_text(out, VI_TEXT("before ")));
  check_int(run(decoder, coded(VI_TEXT("after"), CODING_GZIP), out), VI_DECODING_MORE);
  check_text(vi_buffer_text(out), "before after");
}

IT("finds each body that is cut at any place to be cut, and no whole one") {
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    vi_text whole = coded(HELLO, FORMATS[i].written);
    for (size_t length = 0; length <= whole.length; length++) {
      vi_decoder *decoder = decoder_of(FORMATS[i].coding);
      tap_at("%s, %zu of %zu bytes", FORMATS[i].name, length, whole.length);
      check_int(run(decoder, (vi_text){whole.data, length}, scratch()), VI_DECODING_MORE);
      check_int(vi_decoder_is_cut(decoder), length > 0 && length < whole.length);
    }
  }
}

IT("takes several members of gzip for one body, cut where the last one is (RFC 1952 2.2)") {
  vi_text one = coded(VI_TEXT("one "), CODING_GZIP), two = coded(VI_TEXT("two"), CODING_GZIP);
  vi_text empty = coded(VI_TEXT(""), CODING_GZIP);
  vi_text both = concatenated(concatenated(one, empty), two);
  check_text(decoded(VI_CODING_GZIP, both), "one two");
  for (size_t length = 1; length < both.length; length++) {
    bool between = length == one.length || length == one.length + empty.length;
    for (size_t step = 1; step <= both.length; step += both.length - 1) {
      vi_decoder *decoder = decoder_of(VI_CODING_GZIP);
      tap_at("%zu bytes in pieces of %zu", length, step);
      check_int(run_in_pieces(decoder, (vi_text){both.data, length}, scratch(), step, SIZE_MAX),
                VI_DECODING_MORE);
      check_int(vi_decoder_is_cut(decoder), !between);
    }
  }
}

IT("refuses whatever else follows the end of a body") {
  const char *const trailers[] = {"x", "\x1e", "\x1f\x8c", "\x1f\x8b\x07 "};
  for (size_t i = 0; i < FORMAT_COUNT; i++)
    for (size_t j = 0; j < sizeof trailers / sizeof *trailers; j++) {
      vi_text body = coded(HELLO, FORMATS[i].written);
      vi_text input = concatenated(body, vi_text_of(trailers[j]));
      tap_at("%s, trailer %zu", FORMATS[i].name, j);
      check_int(run(decoder_of(FORMATS[i].coding), input, scratch()), VI_DECODING_BAD);
      check_int(run_in_pieces(decoder_of(FORMATS[i].coding), input, scratch(), 1, SIZE_MAX),
                VI_DECODING_BAD);
    }
  vi_text two = coded(HELLO, CODING_ZLIB);
  check_int(run(decoder_of(VI_CODING_DEFLATE), concatenated(two, two), scratch()), VI_DECODING_BAD);
}

IT("refuses what is no such coding") {
  const vi_text inputs[] = {VI_TEXT("hello"), VI_TEXT("\x1f\x8b\x09 no such method"),
                            VI_TEXT("\0\0\0\0"), VI_TEXT("\x1f\x8b\x08\xff reserved flags")};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    tap_at("input %zu", i);
    check_int(run(decoder_of(VI_CODING_GZIP), inputs[i], scratch()), VI_DECODING_BAD);
  }
  check_int(run(decoder_of(VI_CODING_GZIP), coded(HELLO, CODING_ZLIB), scratch()), VI_DECODING_BAD);
  check_int(run(decoder_of(VI_CODING_DEFLATE), coded(HELLO, CODING_GZIP), scratch()),
            VI_DECODING_BAD);
  check_int(run(decoder_of(VI_CODING_DEFLATE), VI_TEXT("\x78\x9d wrong check"), scratch()),
            VI_DECODING_BAD);
  check_int(run(decoder_of(VI_CODING_DEFLATE), VI_TEXT("\x78\xbb\1\2\3\4 a dictionary"), scratch()),
            VI_DECODING_BAD);
}

IT("refuses a body whose checksum or length is not that of its bytes") {
  for (size_t i = 0; i < 2; i++) /* a bare one has no checksum */
    for (size_t from_end = 1; from_end <= (i ? 4 : 8); from_end++) {
      vi_text whole = concatenated(coded(HELLO, FORMATS[i].written), VI_TEXT(""));
      ((char *)whole.data)[whole.length - from_end] ^= 1;
      tap_at("%s, %zu bytes from the end", FORMATS[i].name, from_end);
      check_int(run(decoder_of(FORMATS[i].coding), whole, scratch()), VI_DECODING_BAD);
    }
}

IT("finds a body of no bytes to be neither bad nor cut") {
  vi_decoder *decoder = decoder_of(VI_CODING_GZIP);
  vi_text nothing = {NULL, 0};
  check_int(vi_decoder_run(decoder, &nothing, scratch(), 10), VI_DECODING_MORE);
  check(!vi_decoder_is_cut(decoder));
}

IT("is cut in no body that is not coded") {
  vi_decoder *decoder = decoder_of(VI_CODING_GZIP);
  check_int(run(decoder, VI_TEXT("\x1f\x8b"), scratch()), VI_DECODING_MORE);
  check(vi_decoder_is_cut(decoder));
  vi_decoder_stop(decoder);
  check(!vi_decoder_is_cut(decoder));
}

IT("starts each body anew, whatever became of the one before, in the same memory") {
  const vi_text before[] = {VI_TEXT("bad"), VI_TEXT("\x1f\x8b\x08"), coded(HELLO, CODING_GZIP),
                            coded(noise(50000), CODING_GZIP)};
  vi_decoder *decoder = decoder_of(VI_CODING_GZIP);
  for (size_t i = 0; i < sizeof before / sizeof *before; i++)
    for (size_t j = 0; j < FORMAT_COUNT; j++) {
      vi_buffer *out = scratch();
      vi_text input = before[i];
      tap_at("input %zu, then %s", i, FORMATS[j].name);
      check(vi_decoder_begin(decoder, VI_CODING_GZIP));
      vi_decoder_run(decoder, &input, out, 100);
      vi_buffer_clear(out);
      check(vi_decoder_begin(decoder, FORMATS[j].coding));
      check(!decoder->full && !vi_decoder_is_cut(decoder));
      check_int(run(decoder, coded(HELLO, FORMATS[j].written), out), VI_DECODING_MORE);
      check_text(vi_buffer_text(out), HELLO.data);
    }
}
