/* cache/codec: entries as bytes, for stores elsewhere. */
#include "cache/codec.h"

#include "entries.h"
#include "scarcity.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void release_stored(void *stored) {
  vi_stored_release(stored);
}

static vi_stored *decoded(vi_text bytes) {
  vi_stored *stored = vi_stored_decode(bytes);
  if (stored)
    tap_defer(release_stored, stored);
  return stored;
}

static vi_text encoded(const vi_stored *stored) {
  vi_buffer *bytes = scratch();
  check(vi_stored_encode(stored, bytes));
  return vi_buffer_text(bytes);
}

/* An entry of a response with a body of so many bytes. */
static vi_stored *entry_of_length(size_t length) {
  vi_response *response = response_with(
      203, "Cache-Control: max-age=60, stale-if-error=9\nAge: 5\nVary: A\nETag: \"1\"\nB: ", "");
  for (size_t i = 0; i < length; i++)
    check(vi_buffer_append_char(&response->body->bytes, (char)i));
  response->http_version = 20;
  return entry_of(&SHARED, request_with("GET", "A: 1"), response, NOW + 0.25);
}

IT("gives back what an entry holds, with a body within and one apart") {
  const size_t lengths[] = {0, 1, VI_STORED_WITHIN, VI_STORED_WITHIN + 1};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    vi_stored *entry = entry_of_length(lengths[i]);
    vi_stored *back = decoded(encoded(entry));
    require(back);
    check_int(back->status, 203);
    check_int(back->http_version, 20);
    check_int(back->flags, entry->flags);
    check_int(back->stale_if_error, 9);
    check_double(vi_stored_age(back, NOW + 10.25), vi_stored_age(entry, NOW + 10.25));
    check_double(vi_stored_ttl(back, NOW), vi_stored_ttl(entry, NOW));
    check(vi_text_equal(vi_stored_body(back), vi_stored_body(entry)));
    check((back->body == NULL) == (lengths[i] <= VI_STORED_WITHIN));
    check(vi_stored_same_variant(back, entry));
    check_text(kept(back, "ETag"), "\"1\"");
    check_text(kept(back, "B"), "");
  }
}

IT("tells from the bytes alone whether the body stands apart, and exchanges it for another") {
  const size_t lengths[] = {0, VI_STORED_WITHIN, VI_STORED_WITHIN + 1};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    vi_stored *entry = entry_of_length(lengths[i]);
    vi_stored *named = vi_stored_with_body(entry, VI_TEXT("12 name"), true);
    require(named);
    tap_defer(release_stored, named);
    check(!vi_stored_is_apart(encoded(entry)) && vi_stored_is_apart(encoded(named)));
    vi_stored *back = decoded(encoded(named));
    require(back);
    check_int(back->flags, entry->flags | VI_STORED_APART);
    check_text(vi_stored_body(back), "12 name");
    check_int(vi_stored_body_length(back), 12);
    check_int(vi_stored_body_length(entry), lengths[i]);
    back->flags |= VI_STORED_PARTIAL;
    check(!decoded(encoded(back)));
    back->flags &= (uint16_t)~VI_STORED_PARTIAL;
    check_text(kept(back, "ETag"), "\"1\"");
    vi_stored *whole = vi_stored_with_body(back, vi_stored_body(entry), false);
    require(whole);
    tap_defer(release_stored, whole);
    check(vi_text_equal(encoded(whole), encoded(entry)));
  }
  check(!vi_stored_is_apart(VI_TEXT("vi\1\0\0\0\0\1")));
}

IT("is the same on every machine") {
  vi_text bytes = encoded(entry_of_length(4));
  check(bytes.length > 12 && memcmp(bytes.data, "vi\x01\x14\xcb\x00", 6) == 0);
}

IT("takes no bytes that were cut off, added to or changed") {
  vi_text whole = encoded(entry_of_length(10));
  char *bytes = malloc(whole.length + 1);
  require(bytes);
  memcpy(bytes, whole.data, whole.length);
  bytes[whole.length] = 0;
  for (size_t length = 0; length < whole.length; length++)
    check(!decoded((vi_text){bytes, length}));
  check(!decoded((vi_text){bytes, whole.length + 1}));
  for (size_t i = 0; i < whole.length; i++) {
    bytes[i] ^= 0x10;
    check(!decoded((vi_text){bytes, whole.length}));
    bytes[i] ^= 0x10;
  }
  check(decoded((vi_text){bytes, whole.length}) != NULL);
  free(bytes);
}

static vi_stored *original;

static vi_error_kind goes_there_and_back(void) {
  vi_buffer bytes = {0};
  vi_stored *back = NULL;
  if (vi_stored_encode(original, &bytes))
    back = vi_stored_decode(vi_buffer_text(&bytes));
  vi_stored_release(back);
  vi_buffer_free(&bytes);
  return back ? VI_ERROR_NONE : VI_ERROR_OUT_OF_MEMORY;
}

IT("says so where there is no memory, and leaves none behind") {
  const size_t lengths[] = {1, VI_STORED_WITHIN + 1};
  for (size_t i = 0; i < 2; i++) {
    original = entry_of_length(lengths[i]);
    fail_each_allocation_of(goes_there_and_back);
  }
}
