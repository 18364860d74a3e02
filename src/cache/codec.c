#include "cache/codec.h"

#include "message/memory.h"

#include <string.h>
#include <zlib.h>

/* What a record starts with; another layout has another version. Numbers are little-endian:
 *   magic 3, http_version 1, status 2, flags 2, field_count 2,
 *   response_time, initial_age, lifetime, date 8 each, stale_while_revalidate, stale_if_error 4
 * each, the ends of the texts 4 each, length of the body 8; then the texts, the body, and the
 * CRC-32 of all before it, 4. */
static const char MAGIC[] = {'v', 'i', 1};
enum {
  HEAD = 3 + 1 + 3 * 2 + 4 * 8 + 2 * 4 + VI_STORED_TEXTS * 4 + 8,
  CHECKSUM = 4,
};

static bool put_integer(vi_buffer *out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; i++, value >>= 8)
    if (!vi_buffer_append_char(out, (char)(value & 0xff)))
      return false;
  return true;
}

static bool put_double(vi_buffer *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return put_integer(out, bits, sizeof bits);
}

static uint64_t take_integer(vi_text *rest, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i > 0; i--)
    value = value << 8 | (unsigned char)rest->data[i - 1];
  *rest = (vi_text){rest->data + size, rest->length - size};
  return value;
}

static double take_double(vi_text *rest) {
  uint64_t bits = take_integer(rest, sizeof bits);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* zlib counts in 32 bits. */
uint32_t vi_checksum(uint32_t before, vi_text bytes) {
  uLong crc = before;
  while (bytes.length > 0) {
    size_t step = bytes.length < 1u << 30 ? bytes.length : 1u << 30;
    crc = crc32(crc, (const Bytef *)bytes.data, (uInt)step);
    bytes = (vi_text){bytes.data + step, bytes.length - step};
  }
  return (uint32_t)crc;
}

static bool put_numbers(const vi_stored *stored, vi_buffer *out) {
  bool ok = vi_buffer_append(out, MAGIC, sizeof MAGIC) &&
            put_integer(out, stored->http_version, 1) && put_integer(out, stored->status, 2) &&
            put_integer(out, stored->flags, 2) && put_integer(out, stored->field_count, 2) &&
            put_double(out, stored->response_time) && put_double(out, stored->initial_age) &&
            put_double(out, stored->lifetime) && put_double(out, stored->date) &&
            put_integer(out, stored->stale_while_revalidate, 4) &&
            put_integer(out, stored->stale_if_error, 4);
  for (int i = 0; ok && i < VI_STORED_TEXTS; i++)
    ok = put_integer(out, stored->ends[i], 4);
  return ok && put_integer(out, vi_stored_body(stored).length, 8);
}

bool vi_stored_encode(const vi_stored *stored, vi_buffer *out) {
  size_t start = out->length;
  vi_text texts = {stored->bytes, stored->ends[VI_STORED_TEXTS - 1]};
  vi_text body = vi_stored_body(stored);
  if (!vi_buffer_reserve(out, HEAD + texts.length + body.length + CHECKSUM) ||
      !put_numbers(stored, out) || !vi_buffer_append_text(out, texts) ||
      !vi_buffer_append_text(out, body))
    return false;
  return put_integer(out, vi_checksum(0, (vi_text){out->data + start, out->length - start}),
                     CHECKSUM);
}

static void take_numbers(vi_text *rest, vi_stored *stored) {
  *rest = (vi_text){rest->data + sizeof MAGIC, rest->length - sizeof MAGIC};
  stored->http_version = (uint8_t)take_integer(rest, 1);
  stored->status = (uint16_t)take_integer(rest, 2);
  stored->flags = (uint16_t)take_integer(rest, 2);
  stored->field_count = (uint16_t)take_integer(rest, 2);
  stored->response_time = take_double(rest);
  stored->initial_age = take_double(rest);
  stored->lifetime = take_double(rest);
  stored->date = take_double(rest);
  stored->stale_while_revalidate = (uint32_t)take_integer(rest, 4);
  stored->stale_if_error = (uint32_t)take_integer(rest, 4);
  for (int i = 0; i < VI_STORED_TEXTS; i++)
    stored->ends[i] = (uint32_t)take_integer(rest, 4);
}

/* How many packed texts there are; SIZE_MAX if they are damaged. */
static size_t count_packed(vi_text packed) {
  vi_text text;
  size_t count = 0;
  while (vi_unpack(&packed, &text))
    count++;
  return packed.length == 0 ? count : SIZE_MAX;
}

/* Dates are compared with it as integers. */
static bool is_time(double seconds) {
  return seconds > -1e15 && seconds < 1e15;
}

/* A checksum is no proof: whoever may write to a store could have made one. */
static bool is_sound(const vi_stored *stored) {
  for (int i = 1; i < VI_STORED_TEXTS; i++)
    if (stored->ends[i - 1] > stored->ends[i])
      return false;
  const unsigned part_apart = VI_STORED_PARTIAL | VI_STORED_APART; /* parts lie within */
  size_t fields = count_packed(vi_stored_text_of(stored, VI_STORED_FIELDS));
  size_t selection = count_packed(vi_stored_text_of(stored, VI_STORED_SELECTION));
  return stored->status >= 100 && stored->status <= 999 &&
         (stored->flags & part_apart) != part_apart &&
         stored->field_count <= VI_HEADERS_MAX_FIELDS &&
         fields == 2 * (size_t)stored->field_count && selection % 2 == 0 &&
         count_packed(vi_stored_text_of(stored, VI_STORED_TAGS)) != SIZE_MAX &&
         is_time(stored->response_time) && is_time(stored->date) && stored->initial_age >= 0 &&
         stored->lifetime == stored->lifetime;
}

static bool is_record(vi_text bytes) {
  if (bytes.length < HEAD + CHECKSUM || memcmp(bytes.data, MAGIC, sizeof MAGIC) != 0)
    return false;
  vi_text covered = {bytes.data, bytes.length - CHECKSUM};
  vi_text end = {bytes.data + covered.length, CHECKSUM};
  return vi_checksum(0, covered) == take_integer(&end, CHECKSUM);
}

bool vi_stored_is_apart(vi_text bytes) {
  enum { FLAGS = sizeof MAGIC + 1 + 2 };
  if (bytes.length < HEAD + CHECKSUM)
    return false;
  vi_text rest = {bytes.data + FLAGS, 2};
  return (take_integer(&rest, 2) & VI_STORED_APART) != 0;
}

vi_stored *vi_stored_decode(vi_text bytes) {
  vi_stored head = {0};
  if (!is_record(bytes))
    return NULL;
  vi_text rest = {bytes.data, bytes.length - CHECKSUM};
  take_numbers(&rest, &head);
  uint64_t body_length = take_integer(&rest, 8);
  size_t texts = head.ends[VI_STORED_TEXTS - 1];
  if (texts > rest.length || rest.length - texts != body_length)
    return NULL;
  vi_text body = {rest.data + texts, (size_t)body_length};
  head.within = body.length <= VI_STORED_WITHIN ? (uint32_t)body.length : 0;
  vi_stored *stored = vi_malloc(sizeof *stored + texts + head.within);
  if (!stored)
    return NULL;
  memcpy(stored, &head, sizeof head);
  atomic_init(&stored->references, 1);
  memcpy(stored->bytes, rest.data, texts + head.within);
  if (body.length > VI_STORED_WITHIN)
    stored->body = vi_body_new(body);
  if (vi_stored_body(stored).length == body.length && is_sound(stored))
    return stored;
  vi_stored_release(stored);
  return NULL;
}
