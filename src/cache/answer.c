#include "cache/answer.h"

#include "cache/range.h"
#include "cache/validation.h"

#include <stdio.h>

static bool set_field(vi_response *response, const char *name, vi_text value) {
  vi_headers_remove(&response->headers, vi_text_of(name));
  return vi_headers_add(&response->headers, vi_text_of(name), value) == VI_HEADERS_OK;
}

/* Replaces the reason, which lies in a room of its own size, by one that may be longer. */
static bool set_status(vi_response *response, int status, const char *reason) {
  response->status = status;
  vi_buffer_clear(&response->reason);
  return vi_buffer_append_text(&response->reason, vi_text_of(reason));
}

static bool set_body(vi_response *response, vi_text bytes) {
  vi_body *body = vi_body_new(bytes);
  if (!body)
    return false;
  vi_body_release(response->body);
  response->body = body;
  response->apart = false;
  return true;
}

/* RFC 9111 5.1: whole seconds, in place of what the origin said. */
static bool set_age(vi_response *response, double age) {
  char digits[24];
  size_t at = sizeof digits;
  uint32_t left = age < 2147483648.0 ? (uint32_t)age : 2147483648u;
  do
    digits[--at] = (char)('0' + left % 10);
  while (left /= 10);
  return set_field(response, "Age", (vi_text){digits + at, sizeof digits - at});
}

static bool set_length(vi_response *response, size_t length) {
  char digits[24];
  if (!vi_headers_has(&response->headers, VI_TEXT("Content-Length")))
    return true;
  snprintf(digits, sizeof digits, "%zu", length);
  return set_field(response, "Content-Length", vi_text_of(digits));
}

/* Where the body of an entry stands in its whole, and how long that is, -1 if nobody knows. */
static int64_t place_of(const vi_stored *entry, int64_t *first) {
  vi_text value;
  vi_range part;
  int64_t length;
  *first = 0;
  if (!(entry->flags & VI_STORED_PARTIAL) || !vi_stored_field(entry, "Content-Range", &value) ||
      !vi_content_range_read(value, &part, &length))
    return (int64_t)vi_stored_body(entry).length;
  *first = part.first;
  return length;
}

static bool make_unsatisfiable(vi_response *response, int64_t length) {
  char text[64];
  snprintf(text, sizeof text, "bytes */%lld", (long long)length);
  return set_status(response, 416, "Range Not Satisfiable") &&
         set_field(response, "Content-Range", vi_text_of(text)) &&
         set_body(response, VI_TEXT("")) && set_length(response, 0);
}

static bool make_part(vi_response *response, const vi_stored *entry, vi_range range) {
  char text[96], whole[24] = "*";
  int64_t start, length = place_of(entry, &start);
  if (!vi_range_resolve(&range, length < 0 ? INT64_MAX : length))
    return make_unsatisfiable(response, length);
  vi_text bytes = vi_stored_body(entry);
  if (range.first < start || range.last - start >= (int64_t)bytes.length)
    return false;
  size_t count = (size_t)(range.last - range.first + 1);
  if (length >= 0)
    snprintf(whole, sizeof whole, "%lld", (long long)length);
  snprintf(text, sizeof text, "bytes %lld-%lld/%s", (long long)range.first, (long long)range.last,
           whole);
  return set_status(response, 206, "Partial Content") &&
         set_field(response, "Content-Range", vi_text_of(text)) &&
         set_body(response, (vi_text){bytes.data + (range.first - start), count}) &&
         set_length(response, count);
}

static bool shape(vi_response *response, const vi_stored *entry, const vi_request *request) {
  vi_text value;
  vi_range range;
  if (vi_not_modified(request, entry))
    return set_status(response, 304, "Not Modified") && set_body(response, VI_TEXT(""));
  if (vi_request_has_method(request, "HEAD"))
    return set_body(response, VI_TEXT(""));
  bool part = (entry->status == 200 || entry->status == 206) && !response->apart &&
              vi_headers_get(&request->headers, VI_TEXT("Range"), &value) &&
              vi_range_read(value, &range) && vi_if_range_holds(request, entry);
  return !part || make_part(response, entry, range);
}

static vi_response *with_age(const vi_stored *entry, vi_text url, double now) {
  vi_response *response = vi_stored_response(entry, url);
  if (response && set_age(response, vi_stored_age(entry, now)))
    return response;
  vi_response_release(response);
  return NULL;
}

vi_response *vi_answer(const vi_stored *entry, const vi_request *request, double now) {
  vi_response *response = with_age(entry, vi_buffer_text(&request->url), now);
  if (!response || shape(response, entry, request))
    return response;
  vi_response_release(response);
  return NULL;
}

vi_response *vi_answer_whole(const vi_stored *entry, double now) {
  return with_age(entry, vi_stored_text_of(entry, VI_STORED_URL), now);
}

vi_response *vi_answer_timeout(const vi_request *request) {
  vi_response *response =
      vi_response_make(vi_buffer_text(&request->url), VI_TEXT("Gateway Timeout"), VI_TEXT(""),
                       &(vi_headers){0}, NULL);
  if (response)
    response->status = 504;
  return response;
}

/* RFC 9111 3.4: both under the same strong validator, and nothing lacks between them. */
static bool fits(const vi_stored *part, const vi_response *rest) {
  vi_text stored, received, value;
  vi_range range;
  int64_t start, length, whole = place_of(part, &start);
  return rest->encoding.length == 0 && vi_stored_field(part, "ETag", &stored) &&
         vi_headers_get(&rest->headers, VI_TEXT("ETag"), &received) &&
         vi_text_equal(stored, received) &&
         vi_headers_get(&rest->headers, VI_TEXT("Content-Range"), &value) &&
         vi_content_range_read(value, &range, &length) &&
         range.first == (int64_t)vi_stored_body(part).length && range.last == length - 1 &&
         (whole < 0 || whole == length) &&
         (int64_t)vi_response_body(rest).length == range.last - range.first + 1;
}

vi_response *vi_combine(const vi_stored *part, const vi_response *rest, vi_text url) {
  if (!fits(part, rest))
    return NULL;
  vi_buffer bytes = {0};
  vi_response *whole = vi_freshened(part, url, rest);
  vi_body *body = NULL;
  if (whole && vi_buffer_append_text(&bytes, vi_stored_body(part)) &&
      vi_buffer_append_text(&bytes, vi_response_body(rest)))
    body = vi_body_take(&bytes);
  vi_buffer_free(&bytes);
  if (body) {
    vi_headers_remove(&whole->headers, VI_TEXT("Content-Range"));
    vi_body_release(whole->body);
    whole->body = body;
    if (set_status(whole, 200, "OK") && set_length(whole, body->bytes.length))
      return whole;
  }
  vi_response_release(whole);
  return NULL;
}
