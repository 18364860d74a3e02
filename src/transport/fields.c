#include "transport/fields.h"

#include "message/memory.h"

#include <string.h>

void vi_fields_free(vi_fields *fields) {
  vi_buffer_free(&fields->text);
  vi_buffer_free(&fields->cookies);
  vi_free(fields->lines);
  *fields = (vi_fields){0};
}

static bool has_name(const vi_headers *headers, vi_text name) {
  return vi_headers_find(headers, name, 0) < headers->count;
}

/* The name in "name: value", "name:" and "name;". */
static vi_text name_of(const char *line) {
  return (vi_text){line, strcspn(line, ":;")};
}

static size_t length_of(const char *const *strings) {
  size_t count = 0;
  while (strings && strings[count])
    count++;
  return count;
}

/* Room for all that could come, so that no line moves once it is linked. */
static bool reserve(vi_fields *fields, const vi_headers *headers, size_t others) {
  size_t lines = headers->count + others;
  vi_buffer_clear(&fields->text);
  fields->count = 0;
  if (lines > fields->capacity) {
    struct curl_slist *array = vi_realloc(fields->lines, lines * sizeof *array);
    if (!array)
      return false;
    fields->lines = array;
    fields->capacity = lines;
  }
  enum { SEPARATORS = 3 }; /* ": " and NUL */
  return vi_buffer_reserve(&fields->text, headers->bytes.length + headers->count * SEPARATORS);
}

static void link_line(vi_fields *fields, char *data) {
  fields->lines[fields->count].data = data;
  fields->lines[fields->count].next = NULL;
  if (fields->count > 0)
    fields->lines[fields->count - 1].next = &fields->lines[fields->count];
  fields->count++;
}

/* "name: value" in libcurl's notation, in which an empty value is written "name;". */
static void add_field(vi_fields *fields, vi_text name, vi_text value) {
  value = vi_text_trim(value);
  size_t start = fields->text.length;
  vi_buffer_append_text(&fields->text, name);
  vi_buffer_append_text(&fields->text, value.length ? VI_TEXT(": ") : VI_TEXT(";"));
  vi_buffer_append_text(&fields->text, value);
  vi_buffer_append_char(&fields->text, '\0');
  link_line(fields, fields->text.data + start);
}

/* A request has one Cookie field at most, with all cookies in it (RFC 6265 5.4). */
static bool add_cookies(vi_fields *fields, vi_text value) {
  vi_buffer *all = &fields->cookies;
  value = vi_text_trim(value);
  return value.length == 0 || ((all->length == 0 || vi_buffer_append_text(all, VI_TEXT("; "))) &&
                               vi_buffer_append_text(all, value) && vi_buffer_terminate(all));
}

static bool overrides(const vi_headers *headers, const vi_fields *common) {
  for (size_t i = 0; i < common->count; i++)
    if (has_name(headers, name_of(common->lines[i].data)))
      return true;
  return false;
}

struct curl_slist *vi_fields_build(vi_fields *fields, const vi_headers *headers,
                                   const char *const *suppressed, const vi_fields *common,
                                   bool *ok) {
  struct curl_slist *tail = common && common->count ? common->lines : NULL;
  size_t suppressed_count = length_of(suppressed);
  vi_buffer_clear(&fields->cookies);
  if (headers->count == 0 && suppressed_count == 0)
    return tail;
  size_t others = suppressed_count + (common ? common->count : 0);
  if (!reserve(fields, headers, others)) {
    *ok = false;
    return NULL;
  }
  for (size_t i = 0; i < headers->count; i++) {
    vi_text name = vi_headers_name(headers, i), value = vi_headers_value(headers, i);
    if (vi_text_equal_nocase(name, VI_TEXT("Cookie")))
      *ok = add_cookies(fields, value) && *ok;
    else
      add_field(fields, name, value);
  }
  for (size_t i = 0; i < suppressed_count; i++)
    if (!has_name(headers, name_of(suppressed[i])))
      link_line(fields, (char *)suppressed[i]);
  if (tail && !overrides(headers, common)) {
    if (fields->count == 0)
      return tail;
    fields->lines[fields->count - 1].next = tail;
  } else if (tail) {
    for (size_t i = 0; i < common->count; i++)
      if (!has_name(headers, name_of(common->lines[i].data)))
        link_line(fields, common->lines[i].data);
  }
  return fields->count ? fields->lines : NULL;
}
