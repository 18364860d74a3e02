#include "cache/stored.h"

#include "cache/list.h"
#include "cache/vary.h"
#include "message/memory.h"

#include <math.h>
#include <string.h>

/* RFC 9111 3.1: fields of one connection only; Connection may name further ones. */
bool vi_drop_connection_fields(vi_headers *headers) {
  const vi_text names[] = {VI_TEXT("Connection"),
                           VI_TEXT("Keep-Alive"),
                           VI_TEXT("Proxy-Connection"),
                           VI_TEXT("Proxy-Authenticate"),
                           VI_TEXT("Proxy-Authorization"),
                           VI_TEXT("Proxy-Authentication-Info"),
                           VI_TEXT("TE"),
                           VI_TEXT("Trailer"),
                           VI_TEXT("Transfer-Encoding"),
                           VI_TEXT("Upgrade")};
  vi_buffer listed = {0};
  bool ok = vi_headers_join(headers, VI_TEXT("Connection"), &listed);
  vi_text rest = vi_buffer_text(&listed), name;
  while (ok && vi_list_next(&rest, &name))
    if (!vi_text_equal_nocase(name, VI_TEXT("Vary"))) /* without which all would be served this */
      vi_headers_remove(headers, name);
  vi_headers_remove_any(headers, names, sizeof names / sizeof *names);
  vi_buffer_free(&listed);
  return ok;
}

static double at_least_zero(double value) {
  return value > 0 ? value : 0;
}

/* The fields that are stored, in `out`, a view. Where a targeted field may have spoken instead,
 * nobody has read yet what Cache-Control says. */
static bool keep_fields(const vi_policy *policy, const vi_freshness *freshness,
                        const vi_headers *received, vi_headers *out) {
  if (!vi_headers_show(out, received) || !vi_drop_connection_fields(out))
    return false;
  if (freshness->control.qualified || policy->target_count > 0)
    vi_cache_control_strip_qualified(out);
  if (policy->set_cookie == VI_SET_COOKIE_STRIP)
    vi_headers_remove(out, VI_TEXT("Set-Cookie"));
  return true;
}

static bool pack_fields(const vi_headers *fields, vi_buffer *out) {
  for (size_t i = 0; i < fields->count; i++)
    if (!vi_pack(out, vi_headers_name(fields, i)) || !vi_pack(out, vi_headers_value(fields, i)))
      return false;
  return true;
}

/* All texts of an entry, one behind the other, and where each ends. */
typedef struct layout {
  vi_buffer bytes;
  uint32_t ends[VI_STORED_TEXTS];
} layout;

static bool lay_out(const vi_policy *policy, const vi_request *request, const vi_response *response,
                    const vi_choices *choices, const vi_headers *fields, layout *out) {
  vi_text url = vi_buffer_text(&response->url);
  vi_buffer *bytes = &out->bytes;
  /* Nearly all of it; the length of a field's name or value takes a byte or two. */
  bool ok = vi_buffer_reserve(bytes, url.length + vi_headers_length(fields) + 4 * fields->count);
  for (int i = 0; ok && i < VI_STORED_TEXTS; i++) {
    switch ((vi_stored_text)i) {
    case VI_STORED_URL:
      ok = vi_buffer_append_text(bytes, url);
      break;
    case VI_STORED_REASON:
      ok = vi_buffer_append_text(bytes, vi_buffer_text(&response->reason));
      break;
    case VI_STORED_ENCODING:
      ok = vi_buffer_append_text(bytes, vi_buffer_text(&response->encoding));
      break;
    case VI_STORED_SELECTION:
      ok = vi_vary_select(policy, fields, request, bytes);
      break;
    case VI_STORED_TAGS:
      ok = !choices || vi_buffer_append_text(bytes, choices->tags);
      break;
    default:
      ok = pack_fields(fields, bytes);
    }
    out->ends[i] = (uint32_t)bytes->length;
  }
  return ok && bytes->length <= UINT32_MAX;
}

static vi_stored *allocate(const layout *laid, vi_body *body) {
  vi_text texts = vi_buffer_text(&laid->bytes), content = vi_buffer_text(&body->bytes);
  bool small = content.length <= VI_STORED_WITHIN;
  vi_stored *stored = vi_malloc(sizeof *stored + texts.length + (small ? content.length : 0));
  if (!stored)
    return NULL;
  *stored = (vi_stored){.body = small ? NULL : vi_body_retain(body)};
  atomic_init(&stored->references, 1);
  if (stored->body)
    vi_body_discharge(body); /* the store bounds what it keeps */
  memcpy(stored->ends, laid->ends, sizeof laid->ends);
  if (texts.length > 0)
    memcpy(stored->bytes, texts.data, texts.length);
  if (small) {
    stored->within = (uint32_t)content.length;
    if (content.length > 0)
      memcpy(stored->bytes + texts.length, content.data, content.length);
  }
  return stored;
}

static uint32_t seconds(int64_t said, double otherwise) {
  if (said != VI_ABSENT)
    return said < UINT32_MAX ? (uint32_t)said : UINT32_MAX;
  return otherwise < UINT32_MAX ? (uint32_t)otherwise : UINT32_MAX;
}

static uint16_t flags_of(const vi_policy *policy, const vi_cache_control *control, int status,
                         const vi_headers *kept, bool overruled) {
  unsigned flags = policy->shared ? VI_STORED_SHARED : 0;
  if (control->no_cache && !overruled)
    flags |= VI_STORED_NO_CACHE;
  if (vi_is_never_stale(policy, control) && !overruled)
    flags |= VI_STORED_NEVER_STALE;
  if (control->immutable)
    flags |= VI_STORED_IMMUTABLE;
  if (status == 206)
    flags |= VI_STORED_PARTIAL;
  if (vi_headers_has(kept, VI_TEXT("ETag")) || vi_headers_has(kept, VI_TEXT("Last-Modified")))
    flags |= VI_STORED_VALIDATOR;
  return (uint16_t)flags;
}

/* The numbers of an entry, from what the server and the user say. */
static void judge(const vi_policy *policy, const vi_response *response, const vi_headers *kept,
                  const vi_freshness *freshness, const vi_choices *choices, vi_stored *stored) {
  const vi_cache_control *control = &freshness->control;
  bool overruled = choices && choices->ttl >= 0;
  stored->status = (uint16_t)response->status;
  stored->http_version = (uint8_t)response->http_version;
  stored->flags = flags_of(policy, control, response->status, kept, overruled);
  stored->response_time = freshness->response_time;
  stored->initial_age = freshness->initial_age;
  stored->date = freshness->date;
  stored->lifetime = overruled ? freshness->initial_age + choices->ttl : freshness->lifetime;
  stored->stale_while_revalidate =
      seconds(control->stale_while_revalidate, policy->stale_while_revalidate);
  stored->stale_if_error = seconds(control->stale_if_error, policy->stale_if_error);
}

vi_stored *vi_stored_new(const vi_policy *policy, const vi_request *request,
                         const vi_response *response, const vi_freshness *freshness,
                         const vi_choices *choices) {
  vi_headers fields = {0};
  layout laid = {0};
  vi_stored *stored = NULL;
  if (keep_fields(policy, freshness, &response->headers, &fields) &&
      lay_out(policy, request, response, choices, &fields, &laid))
    stored = allocate(&laid, response->body);
  if (stored) {
    stored->field_count = (uint16_t)fields.count;
    judge(policy, response, &fields, freshness, choices, stored);
    if (!vi_text_equal(vi_buffer_text(&response->url), vi_buffer_text(&request->url)))
      stored->flags |= VI_STORED_OTHER_URL;
    if (response->apart)
      stored->flags |= VI_STORED_APART;
  }
  vi_headers_free(&fields);
  vi_buffer_free(&laid.bytes);
  return stored;
}

static size_t length_of(const vi_stored *stored) {
  return stored->ends[VI_STORED_TEXTS - 1] + stored->within;
}

vi_stored *vi_stored_outdated(const vi_stored *stored) {
  size_t length = length_of(stored);
  vi_stored *copy = vi_malloc(sizeof *copy + length);
  if (!copy)
    return NULL;
  memcpy(copy, stored, sizeof *copy + length);
  atomic_init(&copy->references, 1);
  copy->body = stored->body ? vi_body_retain(stored->body) : NULL;
  copy->flags |= VI_STORED_OUTDATED;
  return copy;
}

vi_stored *vi_stored_with_body(const vi_stored *stored, vi_text bytes, bool apart) {
  size_t texts = stored->ends[VI_STORED_TEXTS - 1];
  size_t within = bytes.length <= VI_STORED_WITHIN ? bytes.length : 0;
  vi_stored *copy = vi_malloc(sizeof *copy + texts + within);
  if (!copy)
    return NULL;
  memcpy(copy, stored, sizeof *copy + texts);
  atomic_init(&copy->references, 1);
  copy->within = (uint32_t)within;
  copy->flags = (uint16_t)((stored->flags & ~VI_STORED_APART) | (apart ? VI_STORED_APART : 0));
  if (within > 0)
    memcpy(copy->bytes + texts, bytes.data, within);
  copy->body = within == bytes.length ? NULL : vi_body_new(bytes);
  if (copy->body || within == bytes.length)
    return copy;
  vi_stored_release(copy);
  return NULL;
}

vi_stored *vi_stored_retain(vi_stored *stored) {
  atomic_fetch_add_explicit(&stored->references, 1, memory_order_relaxed);
  return stored;
}

void vi_stored_release(vi_stored *stored) {
  if (!stored || atomic_fetch_sub_explicit(&stored->references, 1, memory_order_acq_rel) > 1)
    return;
  vi_body_release(stored->body);
  vi_free(stored);
}

size_t vi_stored_size(const vi_stored *stored) {
  return sizeof *stored + length_of(stored) + (stored->body ? vi_body_size(stored->body) : 0);
}

vi_text vi_stored_body(const vi_stored *stored) {
  if (stored->body)
    return vi_buffer_text(&stored->body->bytes);
  return (vi_text){stored->bytes + stored->ends[VI_STORED_TEXTS - 1], stored->within};
}

int64_t vi_stored_body_length(const vi_stored *stored) {
  vi_text body = vi_stored_body(stored);
  if (!(stored->flags & VI_STORED_APART))
    return (int64_t)body.length;
  int64_t length;
  const char *end = memchr(body.data, ' ', body.length);
  bool said = end && vi_text_to_integer((vi_text){body.data, (size_t)(end - body.data)}, &length);
  return said ? length : -1;
}

vi_text vi_stored_text_of(const vi_stored *stored, vi_stored_text which) {
  size_t start = which == 0 ? 0 : stored->ends[which - 1];
  return (vi_text){stored->bytes + start, stored->ends[which] - start};
}

bool vi_stored_field(const vi_stored *stored, const char *name, vi_text *value) {
  vi_text rest = vi_stored_text_of(stored, VI_STORED_FIELDS), wanted = vi_text_of(name), found;
  while (vi_unpack(&rest, &found) && vi_unpack(&rest, value))
    if (found.length == wanted.length && vi_text_equal_nocase(found, wanted))
      return true;
  *value = (vi_text){NULL, 0};
  return false;
}

vi_response *vi_stored_response(const vi_stored *stored, vi_text url) {
  vi_text rest = vi_stored_text_of(stored, VI_STORED_FIELDS), name, value;
  vi_body *body = stored->body ? vi_body_retain(stored->body) : vi_body_new(vi_stored_body(stored));
  if (!body)
    return NULL;
  if (stored->flags & VI_STORED_OTHER_URL)
    url = vi_stored_text_of(stored, VI_STORED_URL);
  vi_response *response = vi_response_prepare(url, vi_stored_text_of(stored, VI_STORED_REASON),
                                              vi_stored_text_of(stored, VI_STORED_ENCODING),
                                              stored->field_count, rest.length, body);
  if (!response)
    return NULL;
  response->status = stored->status;
  response->http_version = stored->http_version;
  response->apart = (stored->flags & VI_STORED_APART) != 0;
  while (vi_unpack(&rest, &name) && vi_unpack(&rest, &value))
    vi_headers_add(&response->headers, name, value); /* there is room */
  return response;
}

enum { KIND = VI_STORED_SHARED | VI_STORED_PARTIAL };

bool vi_stored_variant(const vi_stored *stored, vi_buffer *out) {
  return vi_buffer_append_text(out, stored->flags & VI_STORED_SHARED ? VI_TEXT("shared")
                                                                     : VI_TEXT("private")) &&
         (!(stored->flags & VI_STORED_PARTIAL) || vi_buffer_append_text(out, VI_TEXT(" part"))) &&
         vi_buffer_append_char(out, ' ') &&
         vi_buffer_append_text(out, vi_stored_text_of(stored, VI_STORED_SELECTION));
}

double vi_stored_useful(const vi_stored *stored, const vi_policy *policy, double now) {
  enum { DAY = 86400, WEEK = 7 * DAY };
  double stale = stored->stale_if_error > stored->stale_while_revalidate
                     ? stored->stale_if_error
                     : stored->stale_while_revalidate;
  if (policy->stale_on_disconnect && stale < WEEK)
    stale = WEEK;
  double useful = at_least_zero(vi_stored_ttl(stored, now)) + stale;
  return useful + (stored->flags & VI_STORED_VALIDATOR ? DAY : 0);
}

bool vi_stored_same_variant(const vi_stored *a, const vi_stored *b) {
  return (a->flags & KIND) == (b->flags & KIND) &&
         vi_text_equal(vi_stored_text_of(a, VI_STORED_SELECTION),
                       vi_stored_text_of(b, VI_STORED_SELECTION));
}

double vi_stored_age(const vi_stored *stored, double now) {
  return stored->initial_age + fabs(now - stored->response_time);
}

double vi_stored_ttl(const vi_stored *stored, double now) {
  double ttl = stored->lifetime - vi_stored_age(stored, now);
  return ttl > 0 && (stored->flags & VI_STORED_OUTDATED) ? 0 : ttl;
}
