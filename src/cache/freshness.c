#include "cache/freshness.h"

#include "cache/list.h"
#include "message/http_date.h"

#include <math.h>

enum { DAY = 86400 };

static double at_least_zero(double value) {
  return value > 0 ? value : 0;
}

static bool date_in(const vi_headers *headers, const char *name, double now, double *seconds) {
  vi_text value;
  int64_t date;
  if (!vi_headers_get(headers, vi_text_of(name), &value) ||
      !vi_http_date_parse(value, (int64_t)now, &date))
    return false;
  *seconds = (double)date;
  return true;
}

/* 4.2.3, corrected_initial_age. The first member of an Age list counts, an invalid one is ignored
 * (5.1). */
static double initial_age(const vi_headers *headers, double date, double request_time,
                          double response_time) {
  vi_text list, first = {NULL, 0};
  int64_t age = 0;
  if (vi_headers_get(headers, VI_TEXT("Age"), &list))
    vi_list_next(&list, &first);
  if (!vi_text_to_integer(first, &age))
    age = 0;
  /* Date has whole seconds: counting the fraction of ours would make every answer look older. */
  double apparent = at_least_zero(floor(response_time) - date);
  double corrected = (double)age + at_least_zero(response_time - request_time);
  return apparent > corrected ? apparent : corrected;
}

/* An invalid or repeated Expires is in the past (5.3). */
static double until_expires(const vi_headers *headers, double date, double response_time) {
  double expires;
  if (vi_headers_count_of(headers, VI_TEXT("Expires")) > 1 ||
      !date_in(headers, "Expires", response_time, &expires))
    return 0;
  return at_least_zero(expires - date);
}

bool vi_is_never_stale(const vi_policy *policy, const vi_cache_control *control) {
  return control->must_revalidate ||
         (policy->shared && (control->proxy_revalidate || control->s_maxage != VI_ABSENT));
}

bool vi_status_is_heuristically_cacheable(int status) {
  static const int statuses[] = {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    if (statuses[i] == status)
      return true;
  return false;
}

/* 4.2.2 */
static double guess(const vi_policy *policy, const vi_cache_control *control,
                    const vi_response *response, double date) {
  double modified;
  if (!(policy->heuristic > 0) ||
      !(control->is_public || vi_status_is_heuristically_cacheable(response->status)) ||
      !date_in(&response->headers, "Last-Modified", date, &modified))
    return 0;
  double lifetime = at_least_zero(date - modified) * policy->heuristic;
  return lifetime < DAY ? lifetime : DAY;
}

static void set_lifetime(const vi_policy *policy, const vi_response *response, bool targeted,
                         vi_freshness *out) {
  const vi_cache_control *control = &out->control;
  out->is_explicit = true;
  if (policy->shared && control->s_maxage != VI_ABSENT)
    out->lifetime = (double)control->s_maxage;
  else if (control->max_age != VI_ABSENT)
    out->lifetime = (double)control->max_age;
  else if (!targeted && vi_headers_count_of(&response->headers, VI_TEXT("Expires")) > 0)
    out->lifetime = until_expires(&response->headers, out->date, out->response_time);
  else {
    out->lifetime = guess(policy, control, response, out->date);
    out->is_explicit = false;
  }
}

vi_freshness vi_freshness_of(const vi_policy *policy, const vi_response *response,
                             double request_time, double response_time) {
  const vi_headers *headers = &response->headers;
  vi_freshness out = {.response_time = response_time, .date = response_time};
  bool targeted =
      vi_cache_control_read_targeted(headers, policy->targets, policy->target_count, &out.control);
  if (!targeted)
    vi_cache_control_read(headers, &out.control);
  date_in(headers, "Date", response_time, &out.date);
  out.initial_age = initial_age(headers, out.date, request_time, response_time);
  set_lifetime(policy, response, targeted, &out);
  return out;
}
