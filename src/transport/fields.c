#include "transport/fields.h"

#include "message/memory.h"

#include <string.h>

void vi_fields_free(vi_fields *fields) {
  vi_buffer_free(&fields->text);
  vi_buffer_free(&fields->cookies);
  vi_free(fields->lines);
  *fields = (vi_fields){0};
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
static bool reserve(vi_fields *fields, const vi_headers *headers, const vi_headers *omitted,
                    size_t others) {
  size_t own = headers->count + omitted->count, lines = own + others;
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
  size_t length = headers->bytes.length + omitted->bytes.length;
  return vi_buffer_reserve(&fields->text, length + own * SEPARATORS);
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

/* A line "name:" keeps libcurl from adding that field. */
static void suppress(vi_fields *fields, vi_text name) {
  size_t start = fields->text.length;
  vi_buffer_append_text(&fields->text, name);
  vi_buffer_append_text(&fields->text, VI_TEXT(":"));
  vi_buffer_append_char(&fields->text, '\0');
  link_line(fields, fields->text.data + start);
}

/* True if the request has a say on that field: its own value, or that there is to be none. */
static bool decides(const vi_headers *headers, const vi_headers *omitted, const char *line) {
  return vi_headers_has(headers, name_of(line)) || vi_headers_has(omitted, name_of(line));
}

static bool overrides(const vi_headers *headers, const vi_headers *omitted,
                      const vi_fields *common) {
  for (size_t i = 0; i < common->count; i++)
    if (decides(headers, omitted, common->lines[i].data))
      return true;
  return false;
}

/* Behind the request's own lines those of the session, in place where all of them are to go. */
static struct curl_slist *link_common(vi_fields *fields, const vi_headers *headers,
                                      const vi_headers *omitted, const vi_fields *common) {
  if (common && common->count > 0 && !overrides(headers, omitted, common)) {
    if (fields->count == 0)
      return common->lines;
    fields->lines[fields->count - 1].next = common->lines;
    return fields->lines;
  }
  for (size_t i = 0; common && i < common->count; i++)
    if (!decides(headers, omitted, common->lines[i].data))
      link_line(fields, common->lines[i].data);
  return fields->count ? fields->lines : NULL;
}

struct curl_slist *vi_fields_build(vi_fields *fields, const vi_headers *headers,
                                   const vi_headers *omitted, const char *const *suppressed,
                                   const vi_fields *common, bool *ok) {
  size_t suppressed_count = length_of(suppressed);
  size_t others = suppressed_count + (common ? common->count : 0);
  vi_buffer_clear(&fields->cookies);
  if (headers->count + omitted->count + suppressed_count == 0)
    return common && common->count ? common->lines : NULL;
  if (!reserve(fields, headers, omitted, others)) {
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
  for (size_t i = 0; i < omitted->count; i++)
    suppress(fields, vi_headers_name(omitted, i));
  for (size_t i = 0; i < suppressed_count; i++)
    if (!decides(headers, omitted, suppressed[i]))
      link_line(fields, (char *)suppressed[i]);
  return link_common(fields, headers, omitted, common);
}
