#include "transport/decoder.h"

#include "message/memory.h"

#include <limits.h>

/* What inflateReset2 is told: the largest window, and what stands around the compressed bytes. */
enum { WINDOW = 15, WITHIN_ZLIB = WINDOW, WITHIN_GZIP = WINDOW + 16, BARE = -WINDOW };

static const unsigned char GZIP_MAGIC = 0x1f;

static voidpf allocate(voidpf user, uInt count, uInt size) {
  (void)user;
  return vi_calloc((size_t)count * size);
}

static void release(voidpf user, voidpf block) {
  (void)user;
  vi_free(block);
}

vi_coding vi_decoder_coding_of(vi_text name) {
  if (vi_text_equal_nocase(name, VI_TEXT("gzip")) || vi_text_equal_nocase(name, VI_TEXT("x-gzip")))
    return VI_CODING_GZIP;
  return vi_text_equal_nocase(name, VI_TEXT("deflate")) ? VI_CODING_DEFLATE : VI_CODING_NONE;
}

void vi_decoder_stop(vi_decoder *decoder) {
  decoder->begun = decoder->ended = decoder->full = false;
  decoder->coding = VI_CODING_NONE;
}

bool vi_decoder_begin(vi_decoder *decoder, vi_coding coding) {
  vi_decoder_stop(decoder);
  decoder->coding = coding;
  if (!decoder->allocated) {
    decoder->stream = (z_stream){.zalloc = allocate, .zfree = release};
    decoder->allocated = inflateInit2(&decoder->stream, WITHIN_GZIP) == Z_OK;
  }
  return decoder->allocated && inflateReset2(&decoder->stream, WITHIN_GZIP) == Z_OK;
}

/* RFC 9110 8.4.1.2: "deflate" is the zlib format; many send its compressed bytes alone. The first
 * byte tells, since that format names its method, 8, there. */
static int deflate_format(unsigned char first) {
  return (first & 0x0f) == Z_DEFLATED && first >> 4 <= 7 ? WITHIN_ZLIB : BARE;
}

/* What follows the end of a gzip member must be another one (RFC 1952 2.2). */
static bool begin_part(vi_decoder *decoder, unsigned char first) {
  if (decoder->begun && (decoder->coding != VI_CODING_GZIP || first != GZIP_MAGIC))
    return false;
  int format = decoder->coding == VI_CODING_GZIP ? WITHIN_GZIP : deflate_format(first);
  decoder->begun = true;
  decoder->ended = false;
  return inflateReset2(&decoder->stream, format) == Z_OK;
}

/* One call of inflate, into as much new room of `out` as is allowed. */
static int inflate_some(z_stream *stream, vi_text *input, vi_buffer *out, size_t most) {
  enum { STEP = 16 * 1024 };
  size_t room = most < STEP ? most : STEP;
  if (!vi_buffer_reserve(out, room))
    return Z_MEM_ERROR;
  size_t spare = out->capacity - out->length;
  room = spare < most ? spare : most;
  stream->next_in = (z_const Bytef *)input->data;
  stream->avail_in = input->length < UINT_MAX ? (uInt)input->length : UINT_MAX;
  stream->next_out = (Bytef *)out->data + out->length;
  stream->avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
  const Bytef *start = stream->next_out;
  int result = inflate(stream, Z_NO_FLUSH);
  size_t used = (size_t)((const char *)stream->next_in - input->data);
  *input = (vi_text){input->data + used, input->length - used};
  out->length += (size_t)(stream->next_out - start);
  return result;
}

/* With no bytes of input or of room left inflate says so by an error that is none. */
static vi_decoding meaning_of(int result) {
  switch (result) {
  case Z_OK:
  case Z_STREAM_END:
  case Z_BUF_ERROR:
    return VI_DECODING_MORE;
  case Z_MEM_ERROR:
    return VI_DECODING_OUT_OF_MEMORY;
  default:
    return VI_DECODING_BAD;
  }
}

vi_decoding vi_decoder_run(vi_decoder *decoder, vi_text *input, vi_buffer *out, size_t most) {
  size_t start = out->length;
  while (input->length > 0 || decoder->full) {
    size_t left = most - (out->length - start);
    if (left == 0)
      return VI_DECODING_FULL;
    bool between = !decoder->begun || decoder->ended;
    if (between && !begin_part(decoder, (unsigned char)input->data[0]))
      return VI_DECODING_BAD;
    int result = inflate_some(&decoder->stream, input, out, left);
    if (meaning_of(result) != VI_DECODING_MORE)
      return meaning_of(result);
    decoder->ended = result == Z_STREAM_END;
    decoder->full = decoder->stream.avail_out == 0 && !decoder->ended;
  }
  return VI_DECODING_MORE;
}

bool vi_decoder_is_cut(const vi_decoder *decoder) {
  return decoder->coding != VI_CODING_NONE && decoder->begun && !decoder->ended;
}

void vi_decoder_free(vi_decoder *decoder) {
  if (decoder->allocated)
    inflateEnd(&decoder->stream);
  *decoder = (vi_decoder){0};
}
