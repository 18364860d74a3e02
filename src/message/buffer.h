/* Growable bytes.
 *
 * A zeroed struct is an empty buffer. Whoever holds the struct owns `data` and gives it back with
 * vi_buffer_free. Growth doubles; a failed growth leaves the content as it was.
 *
 * A buffer may also lie within a larger block, whose owner frees it; when it outgrows the room it
 * has there, it moves into memory of its own. */
#ifndef VI_MESSAGE_BUFFER_H
#define VI_MESSAGE_BUFFER_H

#include "message/text.h"

typedef struct vi_buffer {
  char *data;
  size_t length;
  size_t capacity;
  bool within; /* a larger block: `data` is not to be freed */
} vi_buffer;

/* Makes an empty buffer of the `capacity` bytes at `room`, which belong to a block that outlives
 * it. */
void vi_buffer_lay_within(vi_buffer *buffer, char *room, size_t capacity);

/* Frees the bytes and leaves an empty buffer. */
void vi_buffer_free(vi_buffer *buffer);

/* Forgets the content, keeps the memory. */
void vi_buffer_clear(vi_buffer *buffer);

/* Makes room for `extra` further bytes. False: out of memory or the size overflows. */
bool vi_buffer_reserve(vi_buffer *buffer, size_t extra);

/* Makes room for exactly `capacity` bytes in all, where more is known of the size than growth by
 * doubling would guess. False: out of memory. */
bool vi_buffer_reserve_exactly(vi_buffer *buffer, size_t capacity);

/* Appends bytes. False: out of memory. */
bool vi_buffer_append(vi_buffer *buffer, const void *bytes, size_t length);
bool vi_buffer_append_text(vi_buffer *buffer, vi_text text);
bool vi_buffer_append_char(vi_buffer *buffer, char c);

/* Puts a NUL behind the content without counting it, so that `data` can be
 * used as a C string until the next change. False: out of memory. */
bool vi_buffer_terminate(vi_buffer *buffer);

/* Gives unused memory back; never fails (a refused shrink keeps the block). */
void vi_buffer_shrink(vi_buffer *buffer);

/* A view of the content, valid until the next change. */
vi_text vi_buffer_text(const vi_buffer *buffer);

#endif
