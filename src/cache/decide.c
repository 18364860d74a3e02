#include "cache/decide.h"

#include "cache/range.h"
#include "cache/validation.h"
#include "cache/vary.h"

static bool has_any(const vi_headers *headers, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (vi_headers_has(headers, vi_text_of(names[i])))
      return true;
  return false;
}

/* What the request itself asks of a cache. */
typedef struct wishes {
  vi_cache_control control;
  bool revalidates; /* 5.2.1.4, and 5.4: Pragma speaks only where Cache-Control is silent */
  bool head;
  bool conditional; /* the caller has conditions of its own and wants their answer */
  bool ranged;
  vi_range range;
} wishes;

static bool says_no_cache(const vi_request *request, const vi_cache_control *control) {
  vi_text pragma;
  return control->no_cache || control->qualified ||
         (!control->present && vi_headers_get(&request->headers, VI_TEXT("Pragma"), &pragma) &&
          vi_text_equal_nocase(pragma, VI_TEXT("no-cache")));
}

static wishes wishes_of(const vi_request *request) {
  static const char *const conditions[] = {"If-None-Match", "If-Modified-Since"};
  const vi_headers *headers = &request->headers;
  wishes out = {.head = vi_request_has_method(request, "HEAD")};
  vi_cache_control_read(headers, &out.control);
  if (headers->count == 0)
    return out;
  vi_text range;
  out.revalidates = says_no_cache(request, &out.control);
  out.conditional = has_any(headers, conditions, 2);
  out.ranged = !out.head && vi_headers_get(headers, VI_TEXT("Range"), &range) &&
               vi_range_read(range, &out.range);
  return out;
}

/* Conditions that are the origin's to judge, several ranges, who names a Host of his own, for he
 * asks for another resource than the URL, which is the key, says, and a body that no key can hold
 * or that a GET should not have. */
static bool is_beyond_caches(const vi_request *request, const wishes *wants) {
  static const char *const names[] = {"If-Match", "If-Unmodified-Since", "Host"};
  const vi_headers *headers = &request->headers;
  if (request->streams_body || request->multipart ||
      (request->has_body && vi_request_reads(request)))
    return true;
  return headers->count > 0 && (has_any(headers, names, sizeof names / sizeof *names) ||
                                (vi_headers_has(headers, VI_TEXT("Range")) && !wants->ranged));
}

bool vi_is_stored_method(const vi_policy *policy, vi_text method) {
  if (vi_text_equal(method, VI_TEXT("GET")))
    return true;
  for (size_t i = 0; i < policy->method_count; i++)
    if (vi_text_equal(method, policy->methods[i]))
      return true;
  return false;
}

static bool is_newer(const vi_stored *a, const vi_stored *b) {
  return a->date > b->date || (a->date == b->date && a->response_time >= b->response_time);
}

static bool holds_range(const vi_stored *entry, vi_range wanted) {
  vi_text value;
  vi_range part;
  int64_t length;
  if (!vi_stored_field(entry, "Content-Range", &value) ||
      !vi_content_range_read(value, &part, &length))
    return false;
  bool needs_length = wanted.first < 0 || wanted.last == INT64_MAX;
  if (length < 0 && needs_length)
    return false;
  return vi_range_resolve(&wanted, length < 0 ? INT64_MAX : length) && part.first <= wanted.first &&
         wanted.last <= part.last;
}

/* The language that the entry is in, where it is one that the policy asks for. */
static vi_text language_of(const vi_policy *policy, const vi_stored *entry) {
  vi_text rest = vi_stored_text_of(entry, VI_STORED_FIELDS), name, value, found = {NULL, 0};
  size_t count = 0;
  while (policy->select_language && vi_unpack(&rest, &name) && vi_unpack(&rest, &value))
    if (vi_text_equal_nocase(name, VI_TEXT("Content-Language"))) {
      found = value;
      count++;
    }
  return count == 1 ? found : (vi_text){NULL, 0};
}

/* Of the entries of its own kind of cache, since others may be for one user alone, and of those
 * that Vary lets through (4.1), the one with the latest Date; of several that were made in the same
 * second, the one that came last. A whole one is better than a part. */
typedef struct selection {
  const vi_stored *whole, *part;
  bool any; /* of its kind, whatever it varies by */
} selection;

static selection select_entries(const vi_policy *policy, const vi_request *request,
                                vi_stored *const *candidates, size_t count) {
  selection out = {0};
  for (size_t i = 0; i < count; i++) {
    const vi_stored *entry = candidates[i];
    if (((entry->flags & VI_STORED_SHARED) != 0) != policy->shared)
      continue;
    out.any = true;
    const vi_stored **best = entry->flags & VI_STORED_PARTIAL ? &out.part : &out.whole;
    if ((!*best || is_newer(entry, *best)) &&
        vi_vary_matches(policy, vi_stored_text_of(entry, VI_STORED_SELECTION),
                        language_of(policy, entry), request))
      *best = entry;
  }
  return out;
}

/* 5.2.1.1, where an immutable response is not to be asked about just because of a reload
 * (RFC 8246 2), and 5.2.1.3. */
static bool suits(const wishes *wants, const vi_stored *entry, double now) {
  double age = vi_stored_age(entry, now), ttl = vi_stored_ttl(entry, now);
  bool reload = wants->control.max_age == 0 && (entry->flags & VI_STORED_IMMUTABLE) && ttl > 0;
  if (wants->control.max_age != VI_ABSENT && age > (double)wants->control.max_age && !reload)
    return false;
  return wants->control.min_fresh == VI_ABSENT || ttl >= (double)wants->control.min_fresh;
}

/* 4.2 with the request's own wishes of 5.2.1. */
static bool is_usable(const wishes *wants, const vi_stored *entry, double now) {
  double ttl = vi_stored_ttl(entry, now);
  if (wants->revalidates || (entry->flags & VI_STORED_NO_CACHE) || !suits(wants, entry, now))
    return false;
  if (ttl > 0)
    return true;
  return wants->control.max_stale != VI_ABSENT &&
         !(entry->flags & (VI_STORED_NEVER_STALE | VI_STORED_OUTDATED)) &&
         -ttl <= (double)wants->control.max_stale;
}

/* RFC 5861 3 */
static bool is_usable_meanwhile(const wishes *wants, const vi_stored *entry, double now) {
  const unsigned never = VI_STORED_NO_CACHE | VI_STORED_NEVER_STALE | VI_STORED_OUTDATED;
  return !wants->revalidates && !wants->conditional && !(entry->flags & never) &&
         suits(wants, entry, now) &&
         -vi_stored_ttl(entry, now) < (double)entry->stale_while_revalidate;
}

static bool has_strong_etag(const vi_stored *entry) {
  vi_text etag;
  return vi_stored_field(entry, "ETag", &etag) && !vi_text_starts_nocase(etag, VI_TEXT("W/"));
}

/* 4.3.1: entries that other requests selected may turn out to be what this one gets, too. */
static bool any_has_etag(const vi_policy *policy, vi_stored *const *candidates, size_t count) {
  vi_text etag;
  for (size_t i = 0; i < count; i++)
    if (((candidates[i]->flags & VI_STORED_SHARED) != 0) == policy->shared &&
        !(candidates[i]->flags & VI_STORED_PARTIAL) &&
        vi_stored_field(candidates[i], "ETag", &etag))
      return true;
  return false;
}

static vi_decision forward(const wishes *wants, vi_action action, vi_forward why,
                           const vi_stored *selected) {
  if (wants->control.only_if_cached)
    action = VI_ACTION_TIMEOUT;
  return (vi_decision){action, why, selected};
}

/* The entry that matches may not be used as it is. */
static vi_decision about_stale(const wishes *wants, const vi_stored *entry, double now) {
  bool fresh = vi_stored_ttl(entry, now) > 0 && !(entry->flags & VI_STORED_NO_CACHE);
  bool validates = !wants->conditional && !wants->head && (entry->flags & VI_STORED_VALIDATOR) != 0;
  return forward(wants, validates ? VI_ACTION_VALIDATE : VI_ACTION_FETCH,
                 fresh ? VI_FORWARD_REQUEST : VI_FORWARD_STALE, entry);
}

/* There is nothing but a part. */
static vi_decision about_part(const wishes *wants, bool streams, const vi_stored *part) {
  vi_text value;
  vi_range range = {0};
  int64_t length;
  bool lacks_end = vi_stored_field(part, "Content-Range", &value) &&
                   vi_content_range_read(value, &range, &length) && range.first == 0 &&
                   range.last != length - 1;
  bool completes = lacks_end && !streams && !wants->ranged && !wants->head && !wants->conditional &&
                   !wants->revalidates && has_strong_etag(part);
  return forward(wants, completes ? VI_ACTION_COMPLETE : VI_ACTION_FETCH, VI_FORWARD_PARTIAL, part);
}

vi_decision vi_decide(const vi_policy *policy, const vi_request *request,
                      vi_stored *const *candidates, size_t count, double now) {
  wishes wants = wishes_of(request);
  if (!wants.head && !vi_is_stored_method(policy, vi_buffer_text(&request->method)))
    return (vi_decision){VI_ACTION_BYPASS, VI_FORWARD_METHOD, NULL};
  if (is_beyond_caches(request, &wants))
    return (vi_decision){VI_ACTION_BYPASS, VI_FORWARD_BYPASS, NULL};
  if (wants.control.no_store)
    return (vi_decision){VI_ACTION_BYPASS, VI_FORWARD_REQUEST, NULL}; /* 5.2.1.5 */
  selection found = select_entries(policy, request, candidates, count);
  if (found.whole && is_usable(&wants, found.whole, now))
    return (vi_decision){VI_ACTION_HIT, VI_FORWARD_NONE, found.whole};
  if (wants.ranged && found.part && holds_range(found.part, wants.range) &&
      vi_if_range_holds(request, found.part) && is_usable(&wants, found.part, now))
    return (vi_decision){VI_ACTION_HIT, VI_FORWARD_NONE, found.part};
  if (found.whole && is_usable_meanwhile(&wants, found.whole, now))
    return (vi_decision){VI_ACTION_REFRESH, VI_FORWARD_STALE, found.whole};
  if (found.whole)
    return about_stale(&wants, found.whole, now);
  if (found.part)
    return about_part(&wants, request->streams_response, found.part);
  vi_action action = found.any && !wants.conditional && !wants.head && !wants.ranged &&
                             any_has_etag(policy, candidates, count)
                         ? VI_ACTION_VALIDATE
                         : VI_ACTION_FETCH;
  return forward(&wants, action, found.any ? VI_FORWARD_VARY_MISS : VI_FORWARD_URI_MISS, NULL);
}

bool vi_may_serve_stale(const vi_policy *policy, const vi_request *request, const vi_stored *entry,
                        bool disconnected, double now) {
  const unsigned never = VI_STORED_NO_CACHE | VI_STORED_NEVER_STALE | VI_STORED_OUTDATED;
  wishes wants = wishes_of(request);
  if ((entry->flags & (never | VI_STORED_PARTIAL)) || wants.revalidates)
    return false;
  double allowed = (double)entry->stale_if_error;
  if ((double)wants.control.stale_if_error > allowed)
    allowed = (double)wants.control.stale_if_error;
  return (allowed > 0 && -vi_stored_ttl(entry, now) < allowed) ||
         (disconnected && policy->stale_on_disconnect);
}
