#include "message/buffer.h"

#include "message/memory.h"

#include <string.h>

enum { SMALLEST = 64 };

void vi_buffer_lay_within(vi_buffer *buffer, char *room, size_t capacity) {
  *buffer = (vi_buffer){.data = room, .capacity = capacity, .within = true};
}

void vi_buffer_free(vi_buffer *buffer) {
  if (!buffer->within)
    vi_free(buffer->data);
  *buffer = (vi_buffer){0};
}

void vi_buffer_clear(vi_buffer *buffer) {
  buffer->length = 0;
}

bool vi_buffer_reserve_exactly(vi_buffer *buffer, size_t capacity) {
  if (capacity <= buffer->capacity)
    return true;
  char *data = vi_realloc(buffer->within ? NULL : buffer->data, capacity);
  if (!data)
    return false;
  if (buffer->within && buffer->length > 0)
    memcpy(data, buffer->data, buffer->length);
  *buffer = (vi_buffer){.data = data, .length = buffer->length, .capacity = capacity};
  return true;
}

bool vi_buffer_reserve(vi_buffer *buffer, size_t extra) {
  if (extra <= buffer->capacity - buffer->length)
    return true;
  if (extra > SIZE_MAX / 2 - buffer->length)
    return false;
  size_t capacity = buffer->capacity < SMALLEST ? SMALLEST : buffer->capacity;
  while (capacity < buffer->length + extra)
    capacity *= 2;
  return vi_buffer_reserve_exactly(buffer, capacity);
}

bool vi_buffer_append(vi_buffer *buffer, const void *bytes, size_t length) {
  if (!vi_buffer_reserve(buffer, length))
    return false;
  if (length > 0)
    memcpy(buffer->data + buffer->length, bytes, length);
  buffer->length += length;
  return true;
}

bool vi_buffer_append_text(vi_buffer *buffer, vi_text text) {
  return vi_buffer_append(buffer, text.data, text.length);
}

bool vi_buffer_append_char(vi_buffer *buffer, char c) {
  return vi_buffer_append(buffer, &c, 1);
}

bool vi_buffer_terminate(vi_buffer *buffer) {
  if (!vi_buffer_reserve(buffer, 1))
    return false;
  buffer->data[buffer->length] = '\0';
  return true;
}

void vi_buffer_shrink(vi_buffer *buffer) {
  if (buffer->length == 0) {
    vi_buffer_free(buffer);
  } else if (buffer->length < buffer->capacity && !buffer->within) {
    char *data = vi_realloc(buffer->data, buffer->length);
    if (data) {
      buffer->data = data;
      buffer->capacity = buffer->length;
    }
  }
}

vi_text vi_buffer_text(const vi_buffer *buffer) {
  return (vi_text){buffer->data, buffer->length};
}
