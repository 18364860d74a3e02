#include "cache/stored.h"

#include "message/http_date.h"
#include "message/memory.h"

#include <math.h>

static double clamp_positive(double value) {
  return value > 0 ? value : 0;
}

/* The next name in a comma-separated list, taken off `rest`; false at its end. */
static bool take_name(vi_text *rest, vi_text *name) {
  while (rest->length > 0) {
    size_t length = 0;
    while (length < rest->length && rest->data[length] != ',')
      length++;
    *name = vi_text_trim((vi_text){rest->data, length});
    size_t step = length < rest->length ? length + 1 : length;
    *rest = (vi_text){rest->data + step, rest->length - step};
    if (name->length > 0)
      return true;
  }
  return false;
}

/* RFC 9111 3.1: fields of one connection only; Connection may name further ones. */
bool vi_stored_drop_connection_fields(vi_headers *headers) {
  static const char *const names[] = {"Connection",
                                      "Keep-Alive",
                                      "Proxy-Connection",
                                      "Proxy-Authenticate",
                                      "Proxy-Authorization",
                                      "Proxy-Authentication-Info",
                                      "TE",
                                      "Trailer",
                                      "Transfer-Encoding",
                                      "Upgrade"};
  vi_buffer listed = {0};
  bool ok = vi_headers_join(headers, VI_TEXT("Connection"), &listed);
  vi_text rest = vi_buffer_text(&listed), name;
  while (ok && take_name(&rest, &name))
    vi_headers_remove(headers, name);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    vi_headers_remove(headers, vi_text_of(names[i]));
  vi_buffer_free(&listed);
  return ok;
}

/* RFC 9111 4.2.1. An invalid or repeated Expires is in the past. */
static double lifetime_of(const vi_stored *stored, bool shared) {
  const vi_cache_control *control = &stored->control;
  const vi_headers *headers = &stored->response->headers;
  vi_text value;
  if (shared && control->s_maxage != VI_ABSENT)
    return (double)control->s_maxage;
  if (control->max_age != VI_ABSENT)
    return (double)control->max_age;
  if (!vi_headers_get(headers, VI_TEXT("Expires"), &value) ||
      vi_headers_count_of(headers, VI_TEXT("Expires")) > 1)
    return 0;
  int64_t expires;
  if (!vi_http_date_parse(value, (int64_t)stored->response_time, &expires))
    return 0;
  return clamp_positive((double)expires - stored->date);
}

/* RFC 9111 4.2.3, corrected_initial_age. The first member of an Age list counts, an invalid one is
 * ignored (5.1). */
static double initial_age_of(const vi_stored *stored, double request_time) {
  vi_text age_list, age_text = {NULL, 0};
  int64_t age = 0;
  if (vi_headers_get(&stored->response->headers, VI_TEXT("Age"), &age_list))
    take_name(&age_list, &age_text);
  if (!vi_text_to_integer(age_text, &age))
    age = 0;
  double delay = clamp_positive(stored->response_time - request_time);
  /* Date has whole seconds: counting the fraction of ours would make every answer look older. */
  double apparent = clamp_positive(floor(stored->response_time) - stored->date);
  double corrected = (double)age + delay;
  return apparent > corrected ? apparent : corrected;
}

static double date_of(const vi_stored *stored) {
  vi_text value;
  int64_t date;
  if (vi_headers_get(&stored->response->headers, VI_TEXT("Date"), &value) &&
      vi_http_date_parse(value, (int64_t)stored->response_time, &date))
    return (double)date;
  return stored->response_time;
}

static bool remember_selecting(vi_stored *stored, const vi_request *request) {
  if (!vi_headers_join(&stored->response->headers, VI_TEXT("Vary"), &stored->vary))
    return false;
  vi_buffer value = {0};
  vi_text rest = vi_buffer_text(&stored->vary), name;
  bool ok = true;
  while (ok && take_name(&rest, &name)) {
    vi_buffer_clear(&value);
    if (vi_headers_find(&request->headers, name, 0) < request->headers.count)
      ok = vi_headers_join(&request->headers, name, &value) &&
           vi_headers_add(&stored->selecting, name, vi_buffer_text(&value)) == VI_HEADERS_OK;
  }
  vi_buffer_free(&value);
  return ok;
}

vi_stored *vi_stored_new(const vi_request *request, const vi_response *response,
                         double request_time, double response_time, bool shared) {
  vi_stored *stored = vi_calloc(sizeof *stored);
  if (!stored)
    return NULL;
  atomic_init(&stored->references, 1);
  stored->response = vi_response_copy(response);
  if (!stored->response || !vi_stored_drop_connection_fields(&stored->response->headers) ||
      !remember_selecting(stored, request)) {
    vi_stored_release(stored);
    return NULL;
  }
  vi_cache_control_read(&stored->response->headers, &stored->control);
  stored->shared = shared;
  stored->response_time = response_time;
  stored->date = date_of(stored);
  stored->initial_age = initial_age_of(stored, request_time);
  stored->lifetime = lifetime_of(stored, shared);
  return stored;
}

vi_stored *vi_stored_retain(vi_stored *stored) {
  atomic_fetch_add_explicit(&stored->references, 1, memory_order_relaxed);
  return stored;
}

void vi_stored_release(vi_stored *stored) {
  if (!stored || atomic_fetch_sub_explicit(&stored->references, 1, memory_order_acq_rel) > 1)
    return;
  vi_response_release(stored->response);
  vi_headers_free(&stored->selecting);
  vi_buffer_free(&stored->vary);
  vi_free(stored);
}

size_t vi_stored_size(const vi_stored *stored) {
  const vi_headers *selecting = &stored->selecting;
  return sizeof *stored + vi_response_size(stored->response) + stored->vary.capacity +
         selecting->bytes.capacity + selecting->capacity * sizeof *selecting->fields;
}

/* Compares the joined values of `name` without building the joined strings. */
static bool same_field(const vi_headers *joined, const vi_request *request, vi_text name) {
  vi_text stored_value;
  bool stored_has = vi_headers_get(joined, name, &stored_value);
  size_t count = vi_headers_count_of(&request->headers, name);
  if (!stored_has || count == 0)
    return !stored_has && count == 0; /* absent is not the same as empty */
  vi_buffer value = {0};
  bool same = vi_headers_join(&request->headers, name, &value) &&
              vi_text_equal(vi_buffer_text(&value), stored_value);
  vi_buffer_free(&value);
  return same;
}

bool vi_stored_matches(const vi_stored *stored, const vi_request *request) {
  vi_text rest = vi_buffer_text(&stored->vary), name;
  while (take_name(&rest, &name))
    if (vi_text_equal(name, VI_TEXT("*")) || !same_field(&stored->selecting, request, name))
      return false;
  return true;
}

bool vi_stored_same_variant(const vi_stored *a, const vi_stored *b) {
  if (a->shared != b->shared ||
      !vi_text_equal_nocase(vi_buffer_text(&a->vary), vi_buffer_text(&b->vary)) ||
      a->selecting.count != b->selecting.count)
    return false;
  for (size_t i = 0; i < a->selecting.count; i++)
    if (!vi_text_equal_nocase(vi_headers_name(&a->selecting, i),
                              vi_headers_name(&b->selecting, i)) ||
        !vi_text_equal(vi_headers_value(&a->selecting, i), vi_headers_value(&b->selecting, i)))
      return false;
  return true;
}

double vi_stored_age(const vi_stored *stored, double now) {
  return stored->initial_age + clamp_positive(now - stored->response_time);
}

bool vi_stored_has_validator(const vi_stored *stored) {
  vi_text value;
  return vi_headers_get(&stored->response->headers, VI_TEXT("ETag"), &value) ||
         vi_headers_get(&stored->response->headers, VI_TEXT("Last-Modified"), &value);
}
