#include "message/headers.h"

#include "message/memory.h"

#include <string.h>

enum { FIRST_FIELDS = 16, FIRST_BYTES = 512 };

void vi_headers_free(vi_headers *headers) {
  vi_buffer_free(&headers->bytes);
  if (!headers->within)
    vi_free(headers->fields);
  *headers = (vi_headers){0};
}

void vi_headers_clear(vi_headers *headers) {
  vi_buffer_clear(&headers->bytes);
  headers->count = 0;
}

static bool reserve_fields(vi_headers *headers, size_t capacity) {
  if (capacity <= headers->capacity)
    return true;
  vi_field *fields =
      vi_realloc(headers->within ? NULL : headers->fields, capacity * sizeof *fields);
  if (!fields)
    return false;
  if (headers->within && headers->count > 0)
    memcpy(fields, headers->fields, headers->count * sizeof *fields);
  headers->within = false;
  headers->fields = fields;
  headers->capacity = capacity;
  return true;
}

vi_headers_result vi_headers_add(vi_headers *headers, vi_text name, vi_text value) {
  size_t used = headers->bytes.length;
  if (headers->count == VI_HEADERS_MAX_FIELDS || name.length > VI_HEADERS_MAX_BYTES ||
      value.length > VI_HEADERS_MAX_BYTES ||
      used + name.length + value.length > VI_HEADERS_MAX_BYTES)
    return VI_HEADERS_TOO_LARGE;
  if (headers->count == headers->capacity &&
      !reserve_fields(headers, headers->capacity ? headers->capacity * 2 : FIRST_FIELDS))
    return VI_HEADERS_OUT_OF_MEMORY;
  if (headers->bytes.capacity == 0 && !vi_buffer_reserve(&headers->bytes, FIRST_BYTES))
    return VI_HEADERS_OUT_OF_MEMORY;
  if (!vi_buffer_reserve(&headers->bytes, name.length + value.length))
    return VI_HEADERS_OUT_OF_MEMORY;
  char *end = headers->bytes.data + used;
  memcpy(end, name.data, name.length);
  if (value.length > 0)
    memcpy(end + name.length, value.data, value.length);
  headers->bytes.length += name.length + value.length;
  headers->fields[headers->count++] =
      (vi_field){(uint32_t)used, (uint32_t)name.length, (uint32_t)(used + name.length),
                 (uint32_t)value.length};
  return VI_HEADERS_OK;
}

vi_headers_result vi_headers_fold(vi_headers *headers, vi_text more) {
  if (headers->count == 0 || more.length == 0)
    return VI_HEADERS_OK;
  vi_field *last = &headers->fields[headers->count - 1];
  size_t blank = last->value_length > 0;
  if (more.length > VI_HEADERS_MAX_BYTES ||
      headers->bytes.length + blank + more.length > VI_HEADERS_MAX_BYTES)
    return VI_HEADERS_TOO_LARGE;
  if (!vi_buffer_reserve(&headers->bytes, blank + more.length))
    return VI_HEADERS_OUT_OF_MEMORY;
  if (blank)
    vi_buffer_append_char(&headers->bytes, ' ');
  vi_buffer_append_text(&headers->bytes, more);
  last->value_length += (uint32_t)(blank + more.length);
  return VI_HEADERS_OK;
}

size_t vi_headers_length(const vi_headers *headers) {
  size_t length = 0;
  for (size_t i = 0; i < headers->count; i++)
    length += headers->fields[i].name_length + headers->fields[i].value_length;
  return length;
}

vi_headers_result vi_headers_copy(vi_headers *to, const vi_headers *from) {
  if (from->count == 0)
    return VI_HEADERS_OK;
  size_t length = vi_headers_length(from);
  bool ok = reserve_fields(to, from->count) && vi_buffer_reserve_exactly(&to->bytes, length);
  if (ok && length == from->bytes.length) { /* nothing was removed */
    memcpy(to->fields, from->fields, from->count * sizeof *from->fields);
    to->count = from->count;
    vi_buffer_append_text(&to->bytes, vi_buffer_text(&from->bytes));
    return VI_HEADERS_OK;
  }
  for (size_t i = 0; ok && i < from->count; i++)
    ok = vi_headers_add(to, vi_headers_name(from, i), vi_headers_value(from, i)) == VI_HEADERS_OK;
  if (ok)
    return VI_HEADERS_OK;
  vi_headers_free(to);
  return VI_HEADERS_OUT_OF_MEMORY;
}

bool vi_headers_show(vi_headers *to, const vi_headers *from) {
  if (from->count == 0)
    return true;
  if (!reserve_fields(to, from->count))
    return false;
  memcpy(to->fields, from->fields, from->count * sizeof *from->fields);
  to->count = from->count;
  vi_buffer_lay_within(&to->bytes, from->bytes.data, from->bytes.length);
  to->bytes.length = from->bytes.length;
  return true;
}

vi_text vi_headers_name(const vi_headers *headers, size_t index) {
  const vi_field *field = &headers->fields[index];
  return (vi_text){headers->bytes.data + field->name, field->name_length};
}

vi_text vi_headers_value(const vi_headers *headers, size_t index) {
  const vi_field *field = &headers->fields[index];
  return (vi_text){headers->bytes.data + field->value, field->value_length};
}

static bool is_named(const vi_headers *headers, size_t index, vi_text name) {
  return headers->fields[index].name_length == name.length &&
         vi_text_equal_nocase(vi_headers_name(headers, index), name);
}

static bool is_one_of(const vi_headers *headers, size_t index, const vi_text *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (is_named(headers, index, names[i]))
      return true;
  return false;
}

void vi_headers_remove_any(vi_headers *headers, const vi_text *names, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < headers->count; i++)
    if (!is_one_of(headers, i, names, count))
      headers->fields[kept++] = headers->fields[i];
  headers->count = kept;
}

void vi_headers_remove(vi_headers *headers, vi_text name) {
  vi_headers_remove_any(headers, &name, 1);
}

size_t vi_headers_find(const vi_headers *headers, vi_text name, size_t from) {
  size_t i = from;
  while (i < headers->count && !is_named(headers, i, name))
    i++;
  return i;
}

bool vi_headers_has(const vi_headers *headers, vi_text name) {
  return vi_headers_find(headers, name, 0) < headers->count;
}

bool vi_headers_get(const vi_headers *headers, vi_text name, vi_text *value) {
  size_t index = vi_headers_find(headers, name, 0);
  bool found = index < headers->count;
  *value = found ? vi_headers_value(headers, index) : (vi_text){NULL, 0};
  return found;
}

size_t vi_headers_count_of(const vi_headers *headers, vi_text name) {
  size_t total = 0;
  for (size_t i = vi_headers_find(headers, name, 0); i < headers->count;
       i = vi_headers_find(headers, name, i + 1))
    total++;
  return total;
}

bool vi_headers_join(const vi_headers *headers, vi_text name, vi_buffer *out) {
  bool first = true;
  for (size_t i = vi_headers_find(headers, name, 0); i < headers->count;
       i = vi_headers_find(headers, name, i + 1)) {
    if (!first && !vi_buffer_append_text(out, VI_TEXT(", ")))
      return false;
    if (!vi_buffer_append_text(out, vi_headers_value(headers, i)))
      return false;
    first = false;
  }
  return true;
}

const char *vi_headers_check(vi_text name, vi_text value) {
  if (!vi_text_is_token(name))
    return "may have letters, digits and !#$%&'*+-.^_`|~ only";
  if (!vi_text_is_field_value(value))
    return "must not have CR, LF or NUL in its value";
  return NULL;
}

const char *vi_headers_check_framing(vi_text name) {
  /* A length or framing that differs from the body's is request smuggling (RFC 9112 11.2). */
  if (vi_text_equal_nocase(name, VI_TEXT("Content-Length")) ||
      vi_text_equal_nocase(name, VI_TEXT("Transfer-Encoding")))
    return "is derived from the body and cannot be given";
  return NULL;
}
