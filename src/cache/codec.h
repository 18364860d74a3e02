/* Entries as bytes, for stores outside of this process's memory: versioned, with a checksum, the
 * same on every machine. */
#ifndef VI_CACHE_CODEC_H
#define VI_CACHE_CODEC_H

#include "cache/stored.h"

/* Appends the entry. False: out of memory. */
bool vi_stored_encode(const vi_stored *stored, vi_buffer *out);

/* An entry of bytes that vi_stored_encode wrote, one reference. NULL: they are not such, of another
 * version, or damaged; or out of memory. */
vi_stored *vi_stored_decode(vi_text bytes);

/* True if the body of the entry that these bytes are, if they are one, stands apart. */
bool vi_stored_is_apart(vi_text bytes);

/* The CRC-32 of what stands behind bytes of that one, 0 for none. */
uint32_t vi_checksum(uint32_t before, vi_text bytes);

#endif
