#include "messages.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void release_request(void *request) {
  vi_request_release(request);
}

static void release_response(void *response) {
  vi_response_release(response);
}

static void free_buffer(void *buffer) {
  vi_buffer_free(buffer);
  free(buffer);
}

static void *given(void *object) {
  if (!object)
    abort(); /* a test's own material is wrong */
  return object;
}

static bool add_line(vi_headers *headers, const char *line, size_t length) {
  const char *colon = memchr(line, ':', length);
  size_t name = colon ? (size_t)(colon - line) : length;
  size_t value = colon ? name + 1 : length;
  return vi_headers_add(headers, (vi_text){line, name},
                        vi_text_trim((vi_text){line + value, length - value})) == VI_HEADERS_OK;
}

bool add_fields(vi_headers *headers, const char *lines) {
  while (*lines) {
    size_t length = strcspn(lines, "\n");
    if (!add_line(headers, lines, length))
      return false;
    lines += length + (lines[length] == '\n');
  }
  return true;
}

vi_request *request_to(const char *method, const char *url, const char *lines) {
  vi_request *request =
      given(vi_request_new(vi_text_of(method), vi_text_of(url), (vi_text){NULL, 0}, NULL, NULL));
  tap_defer(release_request, request);
  check(add_fields(&request->headers, lines));
  return request;
}

vi_request *request_with(const char *method, const char *lines) {
  return request_to(method, URL, lines);
}

vi_response *response_with(int status, const char *lines, const char *body) {
  vi_response *response = given(vi_response_new());
  tap_defer(release_response, response);
  response->status = status;
  check(vi_buffer_append_text(&response->url, VI_TEXT(URL)));
  check(vi_buffer_append_text(&response->body->bytes, vi_text_of(body)));
  check(add_fields(&response->headers, lines));
  return response;
}

vi_text field(const vi_headers *headers, const char *name) {
  vi_text value;
  vi_headers_get(headers, vi_text_of(name), &value);
  return value;
}

bool has_field(const vi_headers *headers, const char *name) {
  return vi_headers_find(headers, vi_text_of(name), 0) < headers->count;
}

vi_text joined(const vi_headers *headers, const char *name) {
  vi_buffer *out = scratch();
  check(vi_headers_join(headers, vi_text_of(name), out));
  return vi_buffer_text(out);
}

vi_stored *stored_of(const vi_request *request, const vi_response *response, double time,
                     bool shared) {
  const vi_policy policy = {.shared = shared};
  vi_freshness freshness = vi_freshness_of(&policy, response, time, time);
  return vi_stored_new(&policy, request, response, &freshness, NULL);
}

vi_buffer *scratch(void) {
  vi_buffer *buffer = given(calloc(1, sizeof *buffer));
  tap_defer(free_buffer, buffer);
  return buffer;
}
