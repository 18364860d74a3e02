/* A body in a content coding: what comes out does not depend on how it came in, nor on the room
 * that there was, and never is more than that.
 *
 * The input: a byte for the coding and the size of the pieces, and the body. */
#include "fuzz.h"

#include "transport/decoder.h"

enum { MOST = 256 * 1024 };

static vi_decoding decode(vi_coding coding, vi_text body, size_t piece, size_t room, vi_buffer *out,
                          bool *is_cut) {
  vi_decoder decoder = {0};
  vi_decoding result = VI_DECODING_MORE;
  PROMISE(vi_decoder_begin(&decoder, coding));
  while ((body.length > 0 || decoder.full) && out->length < MOST &&
         (result == VI_DECODING_MORE || result == VI_DECODING_FULL)) {
    vi_text input = {body.data, body.length < piece ? body.length : piece};
    size_t before = out->length, left = MOST - before, given = input.length;
    result = vi_decoder_run(&decoder, &input, out, room < left ? room : left);
    PROMISE(out->length - before <= room && out->length <= MOST);
    PROMISE(result != VI_DECODING_MORE || input.length == 0);
    body = (vi_text){body.data + (given - input.length), body.length - (given - input.length)};
  }
  *is_cut = vi_decoder_is_cut(&decoder);
  vi_decoder_free(&decoder);
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length == 0)
    return 0;
  vi_coding coding = bytes[0] & 1 ? VI_CODING_GZIP : VI_CODING_DEFLATE;
  size_t piece = 1U + bytes[0] / 2U % 16U, room = 1U + bytes[0] / 32U * 100U;
  vi_text body = {(const char *)bytes + 1, length - 1};
  vi_buffer whole = {0}, pieces = {0};
  bool whole_is_cut, pieces_are_cut;
  vi_decoding all = decode(coding, body, length, MOST, &whole, &whole_is_cut);
  vi_decoding some = decode(coding, body, piece, room, &pieces, &pieces_are_cut);
  PROMISE(all != VI_DECODING_OUT_OF_MEMORY && some != VI_DECODING_OUT_OF_MEMORY);
  if (whole.length < MOST) {
    PROMISE((all == VI_DECODING_BAD) == (some == VI_DECODING_BAD));
    PROMISE(vi_text_equal(vi_buffer_text(&whole), vi_buffer_text(&pieces)));
    PROMISE(whole_is_cut == pieces_are_cut);
  }
  vi_buffer_free(&whole);
  vi_buffer_free(&pieces);
  return 0;
}
