#include "cache/storing.h"

#include "cache/decide.h"
#include "cache/range.h"
#include "cache/vary.h"
#include "message/url.h"

/* 5.2.2.3: those that RFC 9110 15 defines, whose rules are kept here. */
static bool is_understood(int status) {
  return (status >= 200 && status <= 206) || (status >= 300 && status <= 308 && status != 306) ||
         (status >= 400 && status <= 417) || status == 421 || status == 422 || status == 426 ||
         (status >= 500 && status <= 505);
}

static bool is_storable_status(const vi_policy *policy, int status) {
  if (status >= 400)
    return policy->store_errors;
  return status >= 200 && status != 304;
}

/* 3: the server must have said something that allows it; for an error that is a lifetime. */
static bool is_allowed(const vi_policy *policy, int status, const vi_freshness *freshness,
                       bool is_explicit) {
  const vi_cache_control *control = &freshness->control;
  if (status >= 400)
    return is_explicit || freshness->lifetime > 0;
  return is_explicit || control->is_public || (!policy->shared && control->is_private) ||
         vi_status_is_heuristically_cacheable(status);
}

bool vi_is_for_others(const vi_policy *policy, const vi_request *request,
                      const vi_cache_control *control) {
  bool authorized = policy->authorizes ||
                    vi_headers_has(&request->headers, VI_TEXT("Authorization")) ||
                    vi_url_credentials(vi_buffer_text(&request->url)).length > 0;
  return !policy->shared || !authorized || control->is_public || control->must_revalidate ||
         control->s_maxage != VI_ABSENT;
}

/* A part says which it is, and is as long as it says: the bytes of a coding that was undone are
 * others than were counted. */
static bool is_whole_part(const vi_response *response) {
  vi_text value;
  vi_range range;
  int64_t length;
  return response->encoding.length == 0 &&
         vi_headers_get(&response->headers, VI_TEXT("Content-Range"), &value) &&
         vi_content_range_read(value, &range, &length) &&
         (int64_t)vi_response_body(response).length == range.last - range.first + 1;
}

/* 3.3: nobody knows whether a body is complete whose end was the connection's, and one that is not
 * as long as it says is not. */
static bool is_complete(const vi_response *response) {
  vi_text value;
  int64_t length;
  if (response->unbounded || (response->status == 206 && !is_whole_part(response)))
    return false;
  return response->encoding.length > 0 || response->apart ||
         !vi_headers_get(&response->headers, VI_TEXT("Content-Length"), &value) ||
         !vi_text_to_integer(value, &length) ||
         (int64_t)vi_response_body(response).length == length;
}

/* 5.2.2.3, 5.2.2.5 */
static bool is_forbidden(int status, const vi_cache_control *control) {
  return control->must_understand ? !is_understood(status) : control->no_store;
}

/* A session that keeps cookies sends others from now on than those that selected this response. */
static bool changes_its_selection(const vi_policy *policy, const vi_headers *headers) {
  return policy->sent_field && vi_headers_has(headers, VI_TEXT("Set-Cookie")) &&
         vi_vary_names(headers, VI_TEXT("Cookie"));
}

/* RFC 5861: some may be of use though they are never fresh. */
static bool may_be_served_stale(const vi_policy *policy, const vi_cache_control *control) {
  if (control->no_cache || vi_is_never_stale(policy, control))
    return false;
  return control->stale_while_revalidate > 0 || control->stale_if_error > 0 ||
         policy->stale_while_revalidate > 0 || policy->stale_if_error > 0 ||
         policy->stale_on_disconnect;
}

static bool is_useful(const vi_policy *policy, const vi_response *response,
                      const vi_freshness *freshness, const vi_choices *choices) {
  bool overruled = choices && choices->ttl >= 0;
  return (overruled ? choices->ttl > 0 : freshness->lifetime > 0) ||
         vi_headers_has(&response->headers, VI_TEXT("ETag")) ||
         vi_headers_has(&response->headers, VI_TEXT("Last-Modified")) ||
         may_be_served_stale(policy, &freshness->control);
}

static vi_refusal refusal_of_head(const vi_policy *policy, const vi_response *response,
                                  const vi_freshness *freshness, const vi_choices *choices) {
  const vi_cache_control *control = &freshness->control;
  bool overruled = choices && choices->ttl >= 0;
  bool is_explicit = freshness->is_explicit || overruled;
  if (!is_storable_status(policy, response->status))
    return VI_REFUSAL_STATUS;
  if (is_forbidden(response->status, control))
    return VI_REFUSAL_NO_STORE;
  if (policy->shared && control->is_private)
    return VI_REFUSAL_PRIVATE;                           /* 5.2.2.7 */
  if (vi_vary_names(&response->headers, VI_TEXT("*")) || /* 4.1: it would never match */
      changes_its_selection(policy, &response->headers))
    return VI_REFUSAL_VARY;
  if (policy->set_cookie == VI_SET_COOKIE_SKIP &&
      vi_headers_has(&response->headers, VI_TEXT("Set-Cookie")))
    return VI_REFUSAL_SET_COOKIE;
  if (choices && choices->refuses)
    return VI_REFUSAL_USER;
  if (!is_allowed(policy, response->status, freshness, is_explicit) ||
      !is_useful(policy, response, freshness, choices))
    return VI_REFUSAL_LIFETIME;
  return VI_REFUSAL_NONE;
}

vi_refusal vi_keeping_refusal(const vi_policy *policy, const vi_response *response,
                              const vi_freshness *freshness, const vi_choices *choices) {
  vi_refusal refusal = refusal_of_head(policy, response, freshness, choices);
  return refusal == VI_REFUSAL_NONE && !is_complete(response) ? VI_REFUSAL_INCOMPLETE : refusal;
}

vi_refusal vi_head_refusal(const vi_policy *policy, const vi_request *request,
                           const vi_response *response, const vi_freshness *freshness,
                           const vi_choices *choices) {
  if (!vi_is_stored_method(policy, vi_buffer_text(&request->method)))
    return VI_REFUSAL_METHOD;
  if (response->status == 206 && !vi_headers_has(&request->headers, VI_TEXT("Range")))
    return VI_REFUSAL_STATUS;
  vi_refusal refusal = refusal_of_head(policy, response, freshness, choices);
  if (refusal == VI_REFUSAL_NONE && !vi_is_for_others(policy, request, &freshness->control))
    return VI_REFUSAL_AUTHORIZATION;
  return refusal;
}

vi_refusal vi_storing_refusal(const vi_policy *policy, const vi_request *request,
                              const vi_response *response, const vi_freshness *freshness,
                              const vi_choices *choices) {
  vi_refusal refusal = vi_head_refusal(policy, request, response, freshness, choices);
  return refusal == VI_REFUSAL_NONE && !is_complete(response) ? VI_REFUSAL_INCOMPLETE : refusal;
}

bool vi_answers_get(const vi_policy *policy, const vi_request *request, const vi_response *response,
                    const vi_freshness *freshness) {
  vi_text value, url = vi_buffer_text(&request->url);
  vi_buffer location = {0};
  bool same =
      vi_request_has_method(request, "POST") && response->status == 200 && freshness->is_explicit &&
      freshness->lifetime > 0 && vi_is_for_others(policy, request, &freshness->control) &&
      vi_headers_get(&response->headers, VI_TEXT("Content-Location"), &value) &&
      vi_url_resolve(url, value, &location, NULL) && vi_text_equal(vi_buffer_text(&location), url);
  vi_buffer_free(&location);
  return same;
}

bool vi_invalidates(const vi_policy *policy, const vi_request *request,
                    const vi_response *response) {
  return !vi_request_is_safe(request) &&
         !vi_is_stored_method(policy, vi_buffer_text(&request->method)) &&
         response->status >= 200 && response->status < 400;
}
