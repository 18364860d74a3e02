#include "coding.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char *room_for(size_t length) {
  char *room = malloc(length + 1);
  if (!room)
    abort();
  tap_defer(free, room);
  return room;
}

vi_text coded(vi_text bytes, int format) {
  enum { MEMORY_LEVEL = 8 };
  z_stream stream = {0};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, format, MEMORY_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    abort();
  uLong most = deflateBound(&stream, (uLong)bytes.length);
  char *room = room_for(most);
  stream.next_in = (z_const Bytef *)bytes.data;
  stream.avail_in = (uInt)bytes.length;
  stream.next_out = (Bytef *)room;
  stream.avail_out = (uInt)most;
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
    abort();
  vi_text result = {room, stream.total_out};
  deflateEnd(&stream);
  return result;
}

vi_text concatenated(vi_text a, vi_text b) {
  char *room = room_for(a.length + b.length);
  if (a.length > 0)
    memcpy(room, a.data, a.length);
  if (b.length > 0)
    memcpy(room + a.length, b.data, b.length);
  return (vi_text){room, a.length + b.length};
}

vi_text monotony(size_t length) {
  return (vi_text){memset(room_for(length), 'a', length), length};
}

vi_text noise(size_t length) {
  char *room = room_for(length);
  uint32_t state = 1;
  for (size_t i = 0; i < length; i++) {
    state = state * 1664525 + 1013904223;
    room[i] = (char)(state >> 24);
  }
  return (vi_text){room, length};
}
