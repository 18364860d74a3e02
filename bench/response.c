#include "response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_BYTES = 512, FIRST_FIELDS = 16 };

static bool append(bytes *to, const char *data, size_t length) {
  if (to->length + length > to->capacity) {
    size_t capacity = to->capacity ? to->capacity : FIRST_BYTES;
    while (capacity < to->length + length)
      capacity *= 2;
    char *grown = realloc(to->data, capacity);
    if (!grown)
      return false;
    to->data = grown;
    to->capacity = capacity;
  }
  memcpy(to->data + to->length, data, length);
  to->length += length;
  return true;
}

static field *next_field(response *in) {
  if (in->field_count == in->field_capacity) {
    size_t capacity = in->field_capacity ? in->field_capacity * 2 : FIRST_FIELDS;
    field *grown = realloc(in->fields, capacity * sizeof *grown);
    if (!grown)
      return NULL;
    in->fields = grown;
    in->field_capacity = capacity;
  }
  return &in->fields[in->field_count++];
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t collect_head(char *line, size_t size, size_t count, void *user) {
  response *in = user;
  size_t length = size * count, start = in->head.length;
  if (length > 5 && memcmp(line, "HTTP/", 5) == 0)
    start = in->head.length = in->field_count = 0; /* what came before was an interim head */
  if (!append(&in->head, line, length))
    return 0;
  const char *colon = memchr(line, ':', length);
  if (!colon || start == 0)
    return length;
  size_t name_length = (size_t)(colon - line), from = name_length + 1, to = length;
  while (to > from && is_blank(line[to - 1]))
    to--;
  while (from < to && is_blank(line[from]))
    from++;
  field *added = next_field(in);
  if (!added)
    return 0;
  *added = (field){start, name_length, start + from, to - from};
  return length;
}

static size_t collect_body(char *data, size_t size, size_t count, void *user) {
  response *in = user;
  return append(&in->body, data, size * count) ? size * count : 0;
}

void response_attach(response *to, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, collect_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, to);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, to);
}

void response_clear(response *of) {
  of->head.length = of->body.length = of->field_count = 0;
}

void response_free(response *of) {
  free(of->head.data);
  free(of->body.data);
  free(of->fields);
  *of = (response){0};
}

const char *response_find(const response *in, const char *name, size_t *length) {
  size_t name_length = strlen(name);
  for (size_t i = 0; i < in->field_count; i++) {
    const field *at = &in->fields[i];
    if (at->name_length == name_length &&
        strncasecmp(in->head.data + at->name, name, name_length) == 0) {
      *length = at->value_length;
      return in->head.data + at->value;
    }
  }
  return NULL;
}
