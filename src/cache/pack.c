#include "cache/pack.h"

enum { BITS = 7, MORE = 1 << BITS };

size_t vi_pack_length(size_t length, char out[VI_PACK_LENGTH_MAX]) {
  size_t count = 0;
  for (; length >= MORE; length >>= BITS)
    out[count++] = (char)(length | MORE);
  out[count++] = (char)length;
  return count;
}

bool vi_pack(vi_buffer *out, vi_text text) {
  char length[VI_PACK_LENGTH_MAX];
  return vi_buffer_append(out, length, vi_pack_length(text.length, length)) &&
         vi_buffer_append_text(out, text);
}

bool vi_unpack(vi_text *rest, vi_text *text) {
  size_t length = 0, i = 0;
  for (unsigned shift = 0; i < rest->length && shift < 8 * sizeof length; shift += BITS) {
    unsigned char byte = (unsigned char)rest->data[i++];
    length |= (size_t)(byte & (MORE - 1)) << shift;
    if (byte & MORE)
      continue;
    if (length > rest->length - i)
      return false;
    *text = (vi_text){rest->data + i, length};
    *rest = (vi_text){text->data + length, rest->length - i - length};
    return true;
  }
  return false;
}
