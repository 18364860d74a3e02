#include "cache/validation.h"

#include "cache/list.h"
#include "message/http_date.h"

#include <stdio.h>
#include <string.h>

static bool add(vi_request *request, const char *name, vi_text value) {
  return vi_headers_add(&request->headers, vi_text_of(name), value) == VI_HEADERS_OK;
}

static bool is_own_kind(const vi_policy *policy, const vi_stored *entry) {
  return ((entry->flags & VI_STORED_SHARED) != 0) == policy->shared &&
         !(entry->flags & VI_STORED_PARTIAL);
}

/* Bytes of ETags that a request may have: servers refuse long fields. */
enum { LONGEST_LIST = 2048 };

/* The ETags of the candidates as one list, as many as have room; empty if none has any. */
static bool list_etags(const vi_policy *policy, vi_stored *const *candidates, size_t count,
                       vi_buffer *out) {
  vi_text etag;
  for (size_t i = 0; i < count; i++)
    if (is_own_kind(policy, candidates[i]) && vi_stored_field(candidates[i], "ETag", &etag) &&
        out->length + etag.length <= LONGEST_LIST)
      if ((out->length > 0 && !vi_buffer_append_text(out, VI_TEXT(", "))) ||
          !vi_buffer_append_text(out, etag))
        return false;
  return true;
}

static bool add_validators(vi_request *request, const vi_policy *policy, const vi_stored *selected,
                           vi_stored *const *candidates, size_t count) {
  vi_text value;
  if (selected)
    return (!vi_stored_field(selected, "ETag", &value) || add(request, "If-None-Match", value)) &&
           (!vi_stored_field(selected, "Last-Modified", &value) ||
            add(request, "If-Modified-Since", value));
  vi_buffer etags = {0};
  bool ok = list_etags(policy, candidates, count, &etags) &&
            (etags.length == 0 || add(request, "If-None-Match", vi_buffer_text(&etags)));
  vi_buffer_free(&etags);
  return ok;
}

vi_request *vi_validation_request(const vi_policy *policy, const vi_request *request,
                                  const vi_stored *selected, vi_stored *const *candidates,
                                  size_t count) {
  vi_request *conditional = vi_request_copy(request);
  if (conditional && add_validators(conditional, policy, selected, candidates, count))
    return conditional;
  vi_request_release(conditional);
  return NULL;
}

vi_request *vi_completion_request(const vi_request *request, const vi_stored *part) {
  char rest[48];
  vi_text etag;
  vi_request *outgoing = vi_request_copy(request);
  snprintf(rest, sizeof rest, "bytes=%zu-", vi_stored_body(part).length);
  if (outgoing && vi_stored_field(part, "ETag", &etag) &&
      add(outgoing, "Range", vi_text_of(rest)) && add(outgoing, "If-Range", etag))
    return outgoing;
  vi_request_release(outgoing);
  return NULL;
}

static bool is_weak(vi_text etag) {
  return etag.length > 2 && memcmp(etag.data, "W/", 2) == 0;
}

/* RFC 9110 8.8.3.2, weak comparison: the mark of weakness does not count. */
static bool same_etag(vi_text a, vi_text b) {
  vi_text *tags[] = {&a, &b};
  for (size_t i = 0; i < 2; i++)
    if (is_weak(*tags[i]))
      *tags[i] = (vi_text){tags[i]->data + 2, tags[i]->length - 2};
  return vi_text_equal(a, b);
}

/* A validator that the response does not repeat contradicts nothing. */
static bool agrees(const vi_response *response, const vi_stored *entry) {
  vi_text received, stored;
  if (vi_headers_get(&response->headers, VI_TEXT("ETag"), &received))
    return vi_stored_field(entry, "ETag", &stored) && same_etag(received, stored);
  return !vi_headers_get(&response->headers, VI_TEXT("Last-Modified"), &received) ||
         !vi_stored_field(entry, "Last-Modified", &stored) || vi_text_equal(received, stored);
}

const vi_stored *vi_validated(const vi_policy *policy, const vi_response *response,
                              const vi_stored *selected, vi_stored *const *candidates,
                              size_t count) {
  vi_text etag, stored;
  if (selected)
    return agrees(response, selected) ? selected : NULL;
  bool named = vi_headers_get(&response->headers, VI_TEXT("ETag"), &etag);
  for (size_t i = 0; i < count; i++)
    if (is_own_kind(policy, candidates[i]) && vi_stored_field(candidates[i], "ETag", &stored) &&
        (named ? same_etag(etag, stored) : count == 1))
      return candidates[i];
  return NULL;
}

/* 3.2: fields that speak of the 304's own (absent) body, or of a coding already undone. */
static bool is_kept_on_update(vi_text name) {
  static const char *const names[] = {"Content-Length", "Content-Encoding", "Content-Range"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (vi_text_equal_nocase(name, vi_text_of(names[i])))
      return true;
  return false;
}

/* 3.2. The age and the date of the old answer say nothing about the new one (4.2.3). */
static bool replace_fields(vi_headers *to, const vi_headers *from) {
  vi_headers_remove(to, VI_TEXT("Age"));
  vi_headers_remove(to, VI_TEXT("Date"));
  for (size_t i = 0; i < from->count; i++)
    if (!is_kept_on_update(vi_headers_name(from, i)))
      vi_headers_remove(to, vi_headers_name(from, i));
  for (size_t i = 0; i < from->count; i++)
    if (!is_kept_on_update(vi_headers_name(from, i)) &&
        vi_headers_add(to, vi_headers_name(from, i), vi_headers_value(from, i)) != VI_HEADERS_OK)
      return false;
  return true;
}

vi_response *vi_freshened(const vi_stored *entry, vi_text url, const vi_response *response) {
  vi_response *updated = vi_stored_response(entry, url);
  vi_headers fields = {0};
  bool ok = updated && vi_headers_show(&fields, &response->headers) &&
            vi_drop_connection_fields(&fields) && replace_fields(&updated->headers, &fields);
  vi_headers_free(&fields);
  if (!ok) {
    vi_response_release(updated);
    return NULL;
  }
  updated->timings = response->timings;
  updated->reused = response->reused;
  return updated;
}

bool vi_head_confirms(const vi_response *response, const vi_stored *entry) {
  vi_text value;
  int64_t length;
  if (response->status != entry->status || !agrees(response, entry))
    return false;
  return response->encoding.length > 0 || vi_stored_text_of(entry, VI_STORED_ENCODING).length > 0 ||
         vi_headers_has(&response->headers, VI_TEXT("Content-Encoding")) ||
         !vi_headers_get(&response->headers, VI_TEXT("Content-Length"), &value) ||
         (vi_text_to_integer(value, &length) && vi_stored_body_length(entry) == length);
}

static bool lists_etag(const vi_headers *headers, vi_text etag) {
  for (size_t i = vi_headers_find(headers, VI_TEXT("If-None-Match"), 0); i < headers->count;
       i = vi_headers_find(headers, VI_TEXT("If-None-Match"), i + 1)) {
    vi_text rest = vi_headers_value(headers, i), member;
    while (vi_list_next(&rest, &member))
      if (vi_text_equal(member, VI_TEXT("*")) || (etag.length > 0 && same_etag(member, etag)))
        return true;
  }
  return false;
}

static bool read_date(vi_text value, double now, double *seconds) {
  int64_t date;
  if (!vi_http_date_parse(value, (int64_t)now, &date))
    return false;
  *seconds = (double)date;
  return true;
}

bool vi_not_modified(const vi_request *request, const vi_stored *entry) {
  const vi_headers *headers = &request->headers;
  vi_text value, stored;
  if (entry->status != 200 || headers->count == 0)
    return false;
  vi_stored_field(entry, "ETag", &stored);
  if (vi_headers_has(headers, VI_TEXT("If-None-Match")))
    return lists_etag(headers, stored);
  double since, modified = entry->date;
  if (!vi_headers_get(headers, VI_TEXT("If-Modified-Since"), &value) ||
      !read_date(value, entry->response_time, &since))
    return false;
  if (vi_stored_field(entry, "Last-Modified", &stored))
    read_date(stored, entry->response_time, &modified);
  return modified <= since;
}

/* RFC 9110 8.8.2.2: what was changed in the second of its Date may have changed in it once more. */
static bool has_strong_date(const vi_stored *entry, vi_text modified) {
  double changed, sent;
  vi_text date;
  return vi_stored_field(entry, "Date", &date) &&
         read_date(modified, entry->response_time, &changed) &&
         read_date(date, entry->response_time, &sent) && changed < sent;
}

bool vi_if_range_holds(const vi_request *request, const vi_stored *entry) {
  vi_text condition, stored;
  if (!vi_headers_get(&request->headers, VI_TEXT("If-Range"), &condition))
    return true;
  condition = vi_text_trim(condition);
  if (condition.length > 0 && condition.data[condition.length - 1] == '"')
    return !is_weak(condition) && vi_stored_field(entry, "ETag", &stored) &&
           vi_text_equal(condition, stored);
  return vi_stored_field(entry, "Last-Modified", &stored) && vi_text_equal(condition, stored) &&
         has_strong_date(entry, stored);
}
