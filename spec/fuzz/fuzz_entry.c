/* A record of a store's: whatever decodes is sound, and encodes to the same bytes. The checksum is
 * put right first, as whoever means harm would. */
#include "fuzz.h"

#include "cache/codec.h"

#include <string.h>
#include <zlib.h>

static void use(vi_stored *stored) {
  vi_text value;
  vi_response *response = vi_stored_response(stored, VI_TEXT("https://example.org/"));
  PROMISE(response->headers.count == stored->field_count);
  for (size_t i = 0; i < response->headers.count; i++)
    PROMISE(vi_headers_value(&response->headers, i).length <= VI_HEADERS_MAX_BYTES);
  vi_response_release(response);
  vi_stored_field(stored, "ETag", &value);
  PROMISE(vi_stored_same_variant(stored, stored));
  PROMISE(vi_stored_age(stored, 0) >= 0);
  PROMISE(vi_stored_useful(stored, &(vi_policy){0}, 784111777) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  enum { CHECKSUM = 4 };
  if (length < CHECKSUM)
    return 0;
  uint8_t *record = malloc(length);
  PROMISE(record);
  memcpy(record, bytes, length);
  uLong sum = crc32(0, record, (uInt)(length - CHECKSUM));
  for (size_t i = 0; i < CHECKSUM; i++)
    record[length - CHECKSUM + i] = (uint8_t)(sum >> (8 * i));
  vi_text text = {(const char *)record, length};
  vi_stored *stored = vi_stored_decode(text);
  if (stored) {
    vi_buffer again = {0};
    use(stored);
    PROMISE(vi_stored_encode(stored, &again) && vi_text_equal(vi_buffer_text(&again), text));
    vi_buffer_free(&again);
    vi_stored_release(stored);
  }
  free(record);
  vi_stored_release(vi_stored_decode((vi_text){(const char *)bytes, length}));
  return 0;
}
