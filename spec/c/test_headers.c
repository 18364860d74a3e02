/* message/headers: ordered fields with case-insensitive names. */
#include "message/headers.h"

#include "messages.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_headers(void *headers) {
  vi_headers_free(headers);
  free(headers);
}

static vi_headers *headers_of(const char *lines) {
  vi_headers *headers = calloc(1, sizeof *headers);
  tap_defer(free_headers, headers);
  check(headers && add_fields(headers, lines));
  return headers;
}

IT("keeps fields in the order they came, repeated ones too") {
  vi_headers *headers = headers_of("B: 1\nA: 2\nB: 3");
  check_int(headers->count, 3);
  check_text(vi_headers_name(headers, 0), "B");
  check_text(vi_headers_value(headers, 0), "1");
  check_text(vi_headers_name(headers, 1), "A");
  check_text(vi_headers_value(headers, 1), "2");
  check_text(vi_headers_name(headers, 2), "B");
  check_text(vi_headers_value(headers, 2), "3");
}

IT("keeps a name's case as it came and ignores it when asked") {
  vi_headers *headers = headers_of("cache-CONTROL: no-store");
  check_text(vi_headers_name(headers, 0), "cache-CONTROL");
  check_text(field(headers, "Cache-Control"), "no-store");
}

IT("gives the first of several values, and says when there is none") {
  vi_headers *headers = headers_of("A: 1\nB: 2\nA: 3");
  vi_text value;
  check(vi_headers_get(headers, VI_TEXT("a"), &value));
  check_text(value, "1");
  check(!vi_headers_get(headers, VI_TEXT("C"), &value));
  check_int(value.length, 0);
  check(!vi_headers_get(headers, VI_TEXT("AA"), &value));
}

IT("tells an empty value from an absent field") {
  vi_headers *headers = headers_of("A:");
  vi_text value;
  check(vi_headers_get(headers, VI_TEXT("A"), &value));
  check_int(value.length, 0);
  check(vi_headers_has(headers, VI_TEXT("a")));
  check(!vi_headers_has(headers, VI_TEXT("B")));
}

IT("shows the fields of others, which keep what is taken out of the view") {
  vi_headers *headers = headers_of("A: 1\nB: 2\nC: 3"), *view = headers_of("");
  check(vi_headers_show(view, headers));
  vi_headers_remove(view, VI_TEXT("B"));
  check_int(view->count, 2);
  check_text(vi_headers_value(view, 0), "1");
  check_text(vi_headers_value(view, 1), "3");
  check(vi_headers_value(view, 1).data == vi_headers_value(headers, 2).data);
  check_int(headers->count, 3);
  check_text(field(headers, "B"), "2");
}

IT("shows nothing of no fields") {
  vi_headers *view = headers_of("");
  check(vi_headers_show(view, headers_of("")));
  check_int(view->count, 0);
}

IT("finds the next field of a name from any place on") {
  vi_headers *headers = headers_of("A: 1\nB: 2\na: 3");
  check_int(vi_headers_find(headers, VI_TEXT("A"), 0), 0);
  check_int(vi_headers_find(headers, VI_TEXT("A"), 1), 2);
  check_int(vi_headers_find(headers, VI_TEXT("A"), 3), 3);
  check_int(vi_headers_find(headers, VI_TEXT("C"), 0), 3);
  check_int(vi_headers_count_of(headers, VI_TEXT("A")), 2);
  check_int(vi_headers_count_of(headers, VI_TEXT("C")), 0);
}

IT("joins the values of a name by a comma and adds nothing for an absent one") {
  vi_headers *headers = headers_of("A: 1\nB: x\na: 2, 3\nA:");
  check_text(joined(headers, "A"), "1, 2, 3, ");
  check_text(joined(headers, "B"), "x");
  check_text(joined(headers, "C"), "");
}

IT("removes every field of a name and leaves the others in order") {
  vi_headers *headers = headers_of("A: 1\nB: 2\na: 3\nC: 4");
  vi_headers_remove(headers, VI_TEXT("A"));
  check_int(headers->count, 2);
  check_text(vi_headers_value(headers, 0), "2");
  check_text(vi_headers_value(headers, 1), "4");
  vi_headers_remove(headers, VI_TEXT("absent"));
  check_int(headers->count, 2);
}

IT("takes new fields after some were removed") {
  vi_headers *headers = headers_of("A: 1\nB: 2");
  vi_headers_remove(headers, VI_TEXT("B"));
  check(add_fields(headers, "C: 3"));
  check_text(field(headers, "A"), "1");
  check_text(field(headers, "C"), "3");
  check(!has_field(headers, "B"));
}

IT("continues the last value with a folded line after one space") {
  vi_headers *headers = headers_of("A: 1\nB: 2");
  check_int(vi_headers_fold(headers, VI_TEXT("more")), VI_HEADERS_OK);
  check_text(field(headers, "A"), "1");
  check_text(field(headers, "B"), "2 more");
  check(add_fields(headers, "C: 3"));
  check_text(field(headers, "B"), "2 more");
  check_text(field(headers, "C"), "3");
}

IT("begins a value with a folded line, and ends none with an empty one") {
  vi_headers *headers = headers_of("A:");
  check_int(vi_headers_fold(headers, VI_TEXT("1")), VI_HEADERS_OK);
  check_int(vi_headers_fold(headers, VI_TEXT("")), VI_HEADERS_OK);
  check_text(field(headers, "A"), "1");
}

IT("ignores a folded line before any field") {
  vi_headers *headers = headers_of("");
  check_int(vi_headers_fold(headers, VI_TEXT("more")), VI_HEADERS_OK);
  check_int(headers->count, 0);
}

IT("copies into memory of its own") {
  vi_headers *headers = headers_of("A: 1\nB:");
  vi_headers *copy = headers_of("");
  check_int(vi_headers_copy(copy, headers), VI_HEADERS_OK);
  vi_headers_clear(headers);
  check(add_fields(headers, "Z: 9"));
  check_int(copy->count, 2);
  check_text(field(copy, "A"), "1");
  check(has_field(copy, "B"));
}

IT("copies without what was removed, so that copies of copies do not grow") {
  vi_headers *headers = headers_of("A: 1\nRemoved: something long\nB: 22");
  vi_headers_remove(headers, VI_TEXT("Removed"));
  vi_headers *copy = headers_of("");
  check_int(vi_headers_copy(copy, headers), VI_HEADERS_OK);
  check_int(copy->bytes.capacity, 5);
  check_text(field(copy, "A"), "1");
  check_text(field(copy, "B"), "22");
}

IT("copies nothing without allocating, and a copy can grow") {
  vi_headers *copy = headers_of("");
  check_int(vi_headers_copy(copy, headers_of("")), VI_HEADERS_OK);
  check(!copy->fields && !copy->bytes.data);
  check_int(vi_headers_copy(copy, headers_of("A: 1")), VI_HEADERS_OK);
  check(add_fields(copy, "B: 2\nC: 3"));
  check_int(copy->count, 3);
}

/* Room for a few fields, as a part of a larger block is. */
typedef struct room {
  vi_field fields[2];
  char bytes[8];
} room;

static vi_headers *headers_within(room *block) {
  vi_headers *headers = headers_of("");
  headers->fields = block->fields;
  headers->capacity = sizeof block->fields / sizeof *block->fields;
  headers->within = true;
  vi_buffer_lay_within(&headers->bytes, block->bytes, sizeof block->bytes);
  return headers;
}

IT("lies within a larger block as long as there is room, and is not freed with it") {
  room block;
  vi_headers *headers = headers_within(&block);
  check(add_fields(headers, "A: 12\nB: 345"));
  check(headers->within && headers->bytes.within);
  check(headers->fields == block.fields);
  check(vi_headers_value(headers, 1).data == block.bytes + 4);
  vi_headers_free(headers);
  check(!headers->fields && !headers->bytes.data && !headers->within);
}

IT("takes its index out of the block when there are more fields than fit") {
  room block;
  vi_headers *headers = headers_within(&block);
  check(add_fields(headers, "A: 1\nB: 2\nC: 3"));
  check(!headers->within && headers->bytes.within);
  block.fields[0] = block.fields[1] = (vi_field){0};
  check_int(headers->count, 3);
  check_text(field(headers, "A"), "1");
  check_text(field(headers, "B"), "2");
  check_text(field(headers, "C"), "3");
}

IT("takes its bytes out of the block when they are more than fit") {
  room block;
  vi_headers *headers = headers_within(&block);
  check(add_fields(headers, "A: 1\nB: a longer value"));
  check(headers->within && !headers->bytes.within);
  memset(block.bytes, 'x', sizeof block.bytes);
  check_text(vi_headers_name(headers, 0), "A");
  check_text(field(headers, "A"), "1");
  check_text(field(headers, "B"), "a longer value");
}

IT("removes and folds within the block, and out of it") {
  room block;
  vi_headers *headers = headers_within(&block);
  check(add_fields(headers, "A: 1\nB: 2"));
  vi_headers_remove(headers, VI_TEXT("a"));
  check_int(headers->count, 1);
  check_int(vi_headers_fold(headers, VI_TEXT("34")), VI_HEADERS_OK);
  check(headers->bytes.within);
  check_text(field(headers, "B"), "2 34");
  check_int(vi_headers_fold(headers, VI_TEXT("more")), VI_HEADERS_OK);
  check(!headers->bytes.within && headers->within);
  check_text(field(headers, "B"), "2 34 more");
  check(add_fields(headers, "C: 3"));
  check(headers->within);
  check_text(field(headers, "C"), "3");
}

IT("is copied into the room there is, without what was removed") {
  room block;
  vi_headers *headers = headers_of("A: 1\nRemoved: something long\nB: 234");
  vi_headers_remove(headers, VI_TEXT("Removed"));
  vi_headers *copy = headers_within(&block);
  check_int(vi_headers_copy(copy, headers), VI_HEADERS_OK);
  check(copy->within && copy->bytes.within);
  check_int(copy->bytes.length, 6);
  check_text(field(copy, "A"), "1");
  check_text(field(copy, "B"), "234");
}

IT("is copied out of a block into memory of its own, and beyond the room there is") {
  room block, other;
  vi_headers *headers = headers_within(&block);
  check(add_fields(headers, "A: 1\nB: 2\nC: 345678"));
  vi_headers *alone = headers_of(""), *crowded = headers_within(&other);
  check_int(vi_headers_copy(alone, headers), VI_HEADERS_OK);
  check_int(vi_headers_copy(crowded, headers), VI_HEADERS_OK);
  vi_headers_clear(headers);
  check(add_fields(headers, "X: 9"));
  check(!alone->within && !alone->bytes.within && !crowded->within && !crowded->bytes.within);
  check_text(field(alone, "C"), "345678");
  check_text(field(crowded, "A"), "1");
  check_text(field(crowded, "C"), "345678");
}

IT("keeps the room of the block when cleared") {
  room block;
  vi_headers *headers = headers_within(&block);
  check(add_fields(headers, "A: 1\nB: 2"));
  vi_headers_clear(headers);
  check(add_fields(headers, "C: 3\nD: 4"));
  check(headers->within && headers->bytes.within);
  check_text(field(headers, "D"), "4");
}

IT("takes a thousand fields and not one more") {
  vi_headers *headers = headers_of("");
  char value[16];
  for (int i = 0; i < VI_HEADERS_MAX_FIELDS; i++) {
    snprintf(value, sizeof value, "%d", i);
    check_int(vi_headers_add(headers, VI_TEXT("N"), vi_text_of(value)), VI_HEADERS_OK);
  }
  check_int(vi_headers_add(headers, VI_TEXT("N"), VI_TEXT("x")), VI_HEADERS_TOO_LARGE);
  check_int(headers->count, VI_HEADERS_MAX_FIELDS);
  check_text(vi_headers_value(headers, 0), "0");
  check_text(vi_headers_value(headers, VI_HEADERS_MAX_FIELDS - 1), "999");
}

IT("takes as many bytes as its limit and not one more, folded ones counted") {
  vi_headers *headers = headers_of("");
  vi_buffer *filler = scratch();
  while (filler->length < VI_HEADERS_MAX_BYTES - 10)
    vi_buffer_append_char(filler, 'x');
  vi_text most = {filler->data, VI_HEADERS_MAX_BYTES - 10};
  check_int(vi_headers_add(headers, VI_TEXT("ABCDE"), most), VI_HEADERS_OK);
  check_int(vi_headers_fold(headers, VI_TEXT("12345")), VI_HEADERS_TOO_LARGE);
  check_int(vi_headers_add(headers, VI_TEXT("ABC"), VI_TEXT("456")), VI_HEADERS_TOO_LARGE);
  check_int(headers->count, 1);
  check_int(vi_headers_add(headers, VI_TEXT("ABC"), VI_TEXT("45")), VI_HEADERS_OK);
  check_int(vi_headers_fold(headers, VI_TEXT("1")), VI_HEADERS_TOO_LARGE);
}

IT("lets a caller send a token with a value without line ends") {
  check(!vi_headers_check(VI_TEXT("X-Good_1"), VI_TEXT("any \t\"text\" \xc3\xa4")));
  check(!vi_headers_check(VI_TEXT("X"), VI_TEXT("")));
}

IT("refuses names that are no tokens and values that would end the line") {
  check(vi_headers_check(VI_TEXT(""), VI_TEXT("v")));
  check(vi_headers_check(VI_TEXT("A B"), VI_TEXT("v")));
  check(vi_headers_check(VI_TEXT("A:"), VI_TEXT("v")));
  check(vi_headers_check(VI_TEXT("A\r\nB"), VI_TEXT("v")));
  check(vi_headers_check(VI_TEXT("A"), VI_TEXT("v\r\nB: w")));
  check(vi_headers_check(VI_TEXT("A"), VI_TEXT("v\n")));
  check(vi_headers_check(VI_TEXT("A"), VI_TEXT("v\0w")));
}

IT("refuses framing that a caller might get wrong") {
  check(vi_headers_check_framing(VI_TEXT("content-LENGTH")));
  check(vi_headers_check_framing(VI_TEXT("Transfer-Encoding")));
  check(!vi_headers_check(VI_TEXT("Content-Type"), VI_TEXT("text/plain")));
}
