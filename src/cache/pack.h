/* Texts one behind the other in a block of bytes, each behind its length: the form in which a
 * stored response keeps its fields. */
#ifndef VI_CACHE_PACK_H
#define VI_CACHE_PACK_H

#include "message/buffer.h"

/* Writes what stands before a text of that length to `out`; returns how many bytes that is. */
enum { VI_PACK_LENGTH_MAX = 10 };
size_t vi_pack_length(size_t length, char out[VI_PACK_LENGTH_MAX]);

/* Appends a text. False: out of memory. */
bool vi_pack(vi_buffer *out, vi_text text);

/* Takes the next text off `rest`; false at its end, and where the bytes are none that vi_pack
 * wrote. */
bool vi_unpack(vi_text *rest, vi_text *text);

#endif
