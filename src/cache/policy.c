#include "cache/policy.h"

#include <string.h>

static bool has_field(const vi_headers *headers, const char *name) {
  return vi_headers_find(headers, vi_text_of(name), 0) < headers->count;
}

static bool is_get(const vi_request *request) {
  return strcmp(request->method.data, "GET") == 0;
}

/* A caller who sends conditions of his own wants their answer, one who asks for a part wants the
 * part, and one who reads piece by piece may stop anywhere; one who names a Host of his own asks
 * for another resource than the URL, which is the key, says. All go past the cache. */
static bool asks_for_itself(const vi_request *request) {
  static const char *const names[] = {
      "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range",
      "Host"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (has_field(&request->headers, names[i]))
      return true;
  return request->streams_response;
}

static bool is_newer(const vi_stored *a, const vi_stored *b) {
  return a->date > b->date || (a->date == b->date && a->response_time >= b->response_time);
}

/* Of the entries of its own kind of cache, since others may be for one user alone; 4.1: of those
 * that Vary lets through, the one with the latest Date; of several that were
 * made in the same second, the one that came last. */
static bool select_entry(const vi_policy *policy, const vi_request *request,
                         vi_stored *const *candidates, size_t count, size_t *selected) {
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    if (candidates[i]->shared != policy->shared || !vi_stored_matches(candidates[i], request))
      continue;
    if (!found || is_newer(candidates[i], candidates[*selected]))
      *selected = i;
    found = true;
  }
  return found;
}

/* 5.4: Pragma speaks only where Cache-Control is silent. */
static bool demands_validation(const vi_request *request, const vi_cache_control *wants) {
  vi_text pragma;
  return wants->no_cache ||
         (!wants->present && vi_headers_get(&request->headers, VI_TEXT("Pragma"), &pragma) &&
          vi_text_equal_nocase(pragma, VI_TEXT("no-cache")));
}

/* 5.2.2.2, 5.2.2.8, 5.2.2.10: the server forbids to use it stale, whatever the client allows. */
static bool never_stale(const vi_policy *policy, const vi_cache_control *control) {
  return control->must_revalidate ||
         (policy->shared && (control->proxy_revalidate || control->s_maxage != VI_ABSENT));
}

/* 4.2 with the request's own wishes of 5.2.1. */
static bool is_usable(const vi_policy *policy, const vi_cache_control *wants,
                      const vi_stored *entry, double now) {
  double age = vi_stored_age(entry, now);
  double staleness = age - entry->lifetime;
  if (wants->max_age != VI_ABSENT && age > (double)wants->max_age)
    return false;
  if (wants->min_fresh != VI_ABSENT && -staleness < (double)wants->min_fresh)
    return false;
  if (staleness < 0)
    return true;
  return wants->max_stale != VI_ABSENT && !never_stale(policy, &entry->control) &&
         staleness <= (double)wants->max_stale;
}

vi_action vi_policy_decide(const vi_policy *policy, const vi_request *request,
                           vi_stored *const *candidates, size_t count, double now,
                           size_t *selected) {
  vi_cache_control wants;
  if (!is_get(request) || asks_for_itself(request))
    return VI_ACTION_BYPASS;
  vi_cache_control_read(&request->headers, &wants);
  if (wants.no_store)
    return VI_ACTION_BYPASS; /* 5.2.1.5 */
  if (select_entry(policy, request, candidates, count, selected)) {
    const vi_stored *entry = candidates[*selected];
    if (!entry->control.no_cache && !demands_validation(request, &wants) &&
        is_usable(policy, &wants, entry, now))
      return VI_ACTION_HIT;
    if (!wants.only_if_cached && vi_stored_has_validator(entry))
      return VI_ACTION_VALIDATE;
  }
  return wants.only_if_cached ? VI_ACTION_TIMEOUT : VI_ACTION_FETCH;
}

/* 3.5: an answer to an authorized request is for that user unless the server says otherwise. */
static bool is_allowed_with_authorization(const vi_cache_control *control) {
  return control->is_public || control->must_revalidate || control->s_maxage != VI_ABSENT;
}

static bool varies_on_everything(const vi_stored *entry) {
  const vi_buffer *vary = &entry->vary;
  return vary->length > 0 && memchr(vary->data, '*', vary->length) != NULL;
}

bool vi_policy_may_store(const vi_policy *policy, const vi_request *request,
                         const vi_stored *entry) {
  const vi_cache_control *control = &entry->control;
  int status = entry->response->status;
  bool understood = status == 200 || status == 203 || status == 204;
  if (!is_get(request) || !understood)
    return false;
  if (entry->response->unbounded)
    return false; /* 3.3: nobody knows whether it is complete */
  if (control->no_store && !control->must_understand)
    return false; /* 5.2.2.3, 5.2.2.5 */
  if (policy->shared && control->is_private)
    return false; /* 5.2.2.7 */
  if (policy->shared && has_field(&request->headers, "Authorization") &&
      !is_allowed_with_authorization(control))
    return false;
  if (varies_on_everything(entry))
    return false; /* 4.1: it would never match */
  return entry->lifetime > 0 || vi_stored_has_validator(entry);
}

vi_request *vi_policy_validation(const vi_request *request, const vi_stored *entry) {
  const vi_headers *stored = &entry->response->headers;
  vi_request *conditional = vi_request_copy(request);
  vi_text value;
  bool ok = conditional != NULL;
  if (ok && vi_headers_get(stored, VI_TEXT("ETag"), &value))
    ok = vi_headers_add(&conditional->headers, VI_TEXT("If-None-Match"), value) == VI_HEADERS_OK;
  if (ok && vi_headers_get(stored, VI_TEXT("Last-Modified"), &value))
    ok =
        vi_headers_add(&conditional->headers, VI_TEXT("If-Modified-Since"), value) == VI_HEADERS_OK;
  if (ok)
    return conditional;
  vi_request_release(conditional);
  return NULL;
}

/* RFC 9110 8.8.3.2, weak comparison: the mark of weakness does not count. */
static bool same_etag(vi_text a, vi_text b) {
  vi_text *tags[] = {&a, &b};
  for (size_t i = 0; i < 2; i++)
    if (tags[i]->length > 2 && memcmp(tags[i]->data, "W/", 2) == 0)
      *tags[i] = (vi_text){tags[i]->data + 2, tags[i]->length - 2};
  return vi_text_equal(a, b);
}

bool vi_policy_selects(const vi_response *response, const vi_stored *entry) {
  const vi_headers *fields = &entry->response->headers;
  vi_text received, stored;
  if (vi_headers_get(&response->headers, VI_TEXT("ETag"), &received))
    return vi_headers_get(fields, VI_TEXT("ETag"), &stored) && same_etag(received, stored);
  return !vi_headers_get(&response->headers, VI_TEXT("Last-Modified"), &received) ||
         !vi_headers_get(fields, VI_TEXT("Last-Modified"), &stored) ||
         vi_text_equal(received, stored);
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

vi_response *vi_policy_freshen(const vi_stored *entry, const vi_response *response) {
  vi_response *updated = vi_response_copy(entry->response);
  vi_headers fields = {0};
  bool ok = updated && vi_headers_copy(&fields, &response->headers) == VI_HEADERS_OK &&
            vi_stored_drop_connection_fields(&fields) && replace_fields(&updated->headers, &fields);
  vi_headers_free(&fields);
  if (!ok) {
    vi_response_release(updated);
    return NULL;
  }
  updated->timings = response->timings;
  updated->reused = response->reused;
  return updated;
}

bool vi_policy_invalidates(const vi_request *request, const vi_response *response) {
  return !vi_request_is_safe(request) && response->status >= 200 && response->status < 400;
}
