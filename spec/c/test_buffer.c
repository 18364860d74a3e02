/* message/buffer: growable bytes. */
#include "message/buffer.h"

#include "message/memory.h"
#include "messages.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* An allocator that refuses everything but freeing. */
static void *refuse(void *context, void *block, size_t size) {
  (void)context;
  if (size == 0)
    free(block);
  return NULL;
}

static void back_to_normal(void *context) {
  (void)context;
  vi_memory_set_allocator(NULL, NULL);
}

static void run_out_of_memory(void) {
  static int anything;
  vi_memory_set_allocator(refuse, NULL);
  tap_defer(back_to_normal, &anything);
}

IT("is empty when zeroed, and an empty one can be freed, viewed and cleared") {
  vi_buffer *buffer = scratch();
  check_int(vi_buffer_text(buffer).length, 0);
  vi_buffer_clear(buffer);
  vi_buffer_shrink(buffer);
  vi_buffer_free(buffer);
  check(!buffer->data);
}

IT("appends bytes, texts and characters in order, NULs included") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append(buffer, "a\0b", 3));
  check(vi_buffer_append_text(buffer, VI_TEXT("cd")));
  check(vi_buffer_append_char(buffer, 'e'));
  check(vi_text_equal(vi_buffer_text(buffer), VI_TEXT("a\0bcde")));
}

IT("appends nothing, from nowhere, to nothing") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append(buffer, NULL, 0));
  check(vi_buffer_append_text(buffer, vi_text_of(NULL)));
  check_int(buffer->length, 0);
}

IT("keeps a million bytes through all its growing, and grows by doubling") {
  vi_buffer *buffer = scratch();
  size_t growths = 0, capacity = 0;
  for (int i = 0; i < 1000000; i++) {
    check(vi_buffer_append_char(buffer, (char)(i % 251)));
    growths += buffer->capacity != capacity;
    capacity = buffer->capacity;
  }
  check_int(buffer->length, 1000000);
  check(growths < 20);
  size_t wrong = 0;
  for (int i = 0; i < 1000000; i++)
    wrong += buffer->data[i] != (char)(i % 251);
  check_int(wrong, 0);
}

IT("reserves room that later appends do not move") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("head")));
  check(vi_buffer_reserve(buffer, 1000));
  check(buffer->capacity - buffer->length >= 1000);
  const char *before = buffer->data;
  for (int i = 0; i < 1000; i++)
    vi_buffer_append_char(buffer, 'x');
  check(buffer->data == before);
  check(memcmp(buffer->data, "headx", 5) == 0);
}

IT("reserves exactly what it is told, and never less than it has") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_reserve_exactly(buffer, 1234));
  check_int(buffer->capacity, 1234);
  check(vi_buffer_reserve_exactly(buffer, 10));
  check_int(buffer->capacity, 1234);
}

IT("refuses a size that overflows and keeps its content") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("kept")));
  check(!vi_buffer_reserve(buffer, SIZE_MAX));
  check(!vi_buffer_reserve(buffer, SIZE_MAX / 2));
  check_text(vi_buffer_text(buffer), "kept");
}

IT("keeps its content when there is no memory to grow") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("kept")));
  run_out_of_memory();
  check(!vi_buffer_reserve(buffer, 1000));
  check(!vi_buffer_reserve_exactly(buffer, 1000));
  char more[1000] = {0};
  check(!vi_buffer_append(buffer, more, sizeof more));
  check_text(vi_buffer_text(buffer), "kept");
}

IT("terminates without counting the NUL") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_terminate(buffer));
  check_int(buffer->length, 0);
  check_int(strlen(buffer->data), 0);
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  check(vi_buffer_terminate(buffer));
  check_int(buffer->length, 3);
  check_int(strlen(buffer->data), 3);
}

IT("finds room for the NUL when it is full to the last byte") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_reserve_exactly(buffer, 3));
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  check(vi_buffer_terminate(buffer));
  check(strcmp(buffer->data, "abc") == 0);
}

IT("forgets its content but not its memory when cleared") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  size_t capacity = buffer->capacity;
  vi_buffer_clear(buffer);
  check_int(buffer->length, 0);
  check_int(buffer->capacity, capacity);
}

IT("gives back what it does not use when shrunk, and all of it when empty") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  vi_buffer_shrink(buffer);
  check_int(buffer->capacity, 3);
  check_text(vi_buffer_text(buffer), "abc");
  vi_buffer_clear(buffer);
  vi_buffer_shrink(buffer);
  check(!buffer->data);
  check_int(buffer->capacity, 0);
}

IT("survives a refused shrink as it was") {
  vi_buffer *buffer = scratch();
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  size_t capacity = buffer->capacity;
  run_out_of_memory();
  vi_buffer_shrink(buffer);
  check_int(buffer->capacity, capacity);
  check_text(vi_buffer_text(buffer), "abc");
}

IT("lies within a larger block as long as it has room there, and is not freed with it") {
  char room[8] = "";
  vi_buffer *buffer = scratch();
  vi_buffer_lay_within(buffer, room, sizeof room);
  check_int(buffer->length, 0);
  check(vi_buffer_append_text(buffer, VI_TEXT("1234567")));
  check(vi_buffer_terminate(buffer));
  check(buffer->within && buffer->data == room);
  check(strcmp(room, "1234567") == 0);
  vi_buffer_free(buffer);
  check(!buffer->data && !buffer->within);
  check(vi_buffer_append_text(buffer, VI_TEXT("memory of its own")));
  check(buffer->data != room);
  check(strcmp(room, "1234567") == 0);
}

IT("moves into memory of its own when it outgrows the block") {
  char room[4];
  vi_buffer *buffer = scratch();
  vi_buffer_lay_within(buffer, room, sizeof room);
  check(vi_buffer_append_text(buffer, VI_TEXT("abcd")));
  check(vi_buffer_append_char(buffer, 'e'));
  check(!buffer->within && buffer->data != room);
  memset(room, 'x', sizeof room);
  check_text(vi_buffer_text(buffer), "abcde");
}

IT("reserves exactly outside the block too, and keeps what it has") {
  char room[4];
  vi_buffer *buffer = scratch();
  vi_buffer_lay_within(buffer, room, sizeof room);
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  check(vi_buffer_reserve_exactly(buffer, 4));
  check(buffer->within);
  check(vi_buffer_reserve_exactly(buffer, 5));
  check(!buffer->within);
  check_int(buffer->capacity, 5);
  check_text(vi_buffer_text(buffer), "abc");
}

IT("can lie in no room at all") {
  vi_buffer *buffer = scratch();
  vi_buffer_lay_within(buffer, NULL, 0);
  check(vi_buffer_append(buffer, NULL, 0));
  check(buffer->within);
  check(vi_buffer_append_char(buffer, 'a'));
  check(!buffer->within);
  check_text(vi_buffer_text(buffer), "a");
}

IT("stays in the block, content and all, when there is no memory to leave it") {
  char room[4];
  vi_buffer *buffer = scratch();
  vi_buffer_lay_within(buffer, room, sizeof room);
  check(vi_buffer_append_text(buffer, VI_TEXT("abcd")));
  run_out_of_memory();
  check(!vi_buffer_append_char(buffer, 'e'));
  check(!vi_buffer_terminate(buffer));
  check(buffer->within && buffer->data == room);
  check_text(vi_buffer_text(buffer), "abcd");
}

IT("does not shrink what is not its own") {
  char room[8];
  vi_buffer *buffer = scratch();
  vi_buffer_lay_within(buffer, room, sizeof room);
  check(vi_buffer_append_text(buffer, VI_TEXT("abc")));
  vi_buffer_shrink(buffer);
  check(buffer->data == room);
  check_int(buffer->capacity, sizeof room);
  vi_buffer_clear(buffer);
  check(buffer->within);
  vi_buffer_shrink(buffer);
  check(!buffer->data);
}
