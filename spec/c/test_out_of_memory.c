/* The core without memory, but for its transport: whatever allocation fails, a function says so or
 * does without it, and nothing is lost or left. */
#include "cache/cache.h"
#include "cache/memory_store.h"
#include "message/url.h"
#include "messages.h"
#include "scarcity.h"
#include "tap.h"

#include <stdio.h>

static const double NOW = 784111777;
static const vi_policy SHARED = {.shared = true};
static const vi_text NOTHING = {NULL, 0};

/* A request with a body and more fields than fit into the first block; NULL, with the error. */
static vi_request *make_request(const char *url, vi_error *error) {
  vi_text body = VI_TEXT("data");
  vi_request *request =
      vi_request_new(VI_TEXT("PUT"), vi_text_of(url), VI_TEXT("q=1"), &body, error);
  for (int i = 0; request && i < 40; i++) {
    char value[40];
    snprintf(value, sizeof value, "a value of some length, number %d", i);
    if (vi_headers_add(&request->headers, VI_TEXT("Name"), vi_text_of(value)) == VI_HEADERS_OK)
      continue;
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    vi_request_release(request);
    request = NULL;
  }
  return request;
}

static vi_error_kind build_request(void) {
  vi_error error = {0};
  vi_request *request = make_request("HTTP://Example.com:80/a/../b", &error);
  if (!request)
    return error.kind;
  vi_request *copy = vi_request_copy(request);
  bool whole = request->headers.count == 40 && request->body.length == 4;
  bool same = copy && copy->headers.count == 40 && copy->body.length == 4;
  vi_error_kind kind = copy ? VI_ERROR_NONE : VI_ERROR_OUT_OF_MEMORY;
  vi_request_release(copy);
  vi_request_release(request);
  return whole && (!copy || same) ? kind : VI_ERROR_SCRIPT;
}

IT("builds and copies a request whole or not at all") {
  fail_each_allocation_of(build_request);
}

static vi_error_kind parse_url(void) {
  vi_error error = {0};
  vi_buffer out = {0};
  vi_url_normalize(VI_TEXT("HTTP://Example.com:80/\xc3\xa4#f"), VI_TEXT("q=1"), &out, &error);
  vi_buffer_free(&out);
  return error.kind;
}

IT("parses a URL or says that there is no memory") {
  fail_each_allocation_of(parse_url);
}

static vi_response *make_response(int status, const char *fields, const char *body) {
  vi_response *response = vi_response_new();
  if (!response)
    return NULL;
  response->status = status;
  if (add_fields(&response->headers, fields) &&
      vi_buffer_append_text(&response->body->bytes, vi_text_of(body)))
    return response;
  vi_response_release(response);
  return NULL;
}

/* One request through the cache; NULL: no memory for the answer, or for what it takes. */
static vi_response *send_through(vi_store *store, const vi_request *request, double now, int status,
                                 const char *fields, const char *body) {
  vi_verdict verdict = {0};
  vi_response *result = NULL;
  vi_cache_lookup(store, &SHARED, request, &(vi_key_choices){0}, now, &verdict);
  if (verdict.response) {
    result = vi_response_retain(verdict.response);
  } else {
    vi_response *answer = make_response(status, fields, body);
    if (answer)
      result =
          vi_cache_update(store, &SHARED, request, &verdict, answer, false, NULL, now).response;
    vi_response_release(answer);
  }
  vi_verdict_clear(&verdict);
  return result;
}

/* Takes the response; true if its body is `body` and its status 200. */
static bool is_good(vi_response *response, const char *body) {
  bool good = response && response->status == 200 &&
              vi_text_equal(vi_response_body(response), vi_text_of(body));
  vi_response_release(response);
  return good;
}

/* Stores, serves, validates and replaces. Without memory for one of these the cache may do less,
 * but must not serve what is wrong. */
static vi_error_kind use_cache(void) {
  const char *fresh = "Cache-Control: max-age=60\nETag: \"1\"\nVary: Accept\nConnection: close, X";
  vi_error_kind kind = VI_ERROR_OUT_OF_MEMORY;
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = 10});
  vi_request *request = vi_request_new(VI_TEXT("GET"), VI_TEXT(URL), NOTHING, NULL, NULL);
  if (store && request && add_fields(&request->headers, "Accept: a")) {
    bool all = is_good(send_through(store, request, NOW, 200, fresh, "one"), "one");
    bool hit = is_good(send_through(store, request, NOW + 1, 200, fresh, "uncached"), "one");
    bool validated = is_good(send_through(store, request, NOW + 99, 304, "ETag: \"1\"", ""), "one");
    bool replaced = is_good(send_through(store, request, NOW + 999, 200, fresh, "two"), "two");
    if (all && hit && validated && replaced)
      kind = VI_ERROR_NONE;
    vi_response *last = send_through(store, request, NOW + 1000, 500, "", "");
    if (last && last->status == 200 && !vi_text_equal(vi_response_body(last), VI_TEXT("two")))
      kind = VI_ERROR_SCRIPT; /* stale, though a newer one was seen */
    vi_response_release(last);
  }
  vi_request_release(request);
  vi_store_release(store);
  return kind;
}

IT("stores, serves and validates in a cache, or does without it") {
  fail_each_allocation_of(use_cache);
}

static vi_error_kind grow_store(void) {
  vi_error_kind kind = VI_ERROR_OUT_OF_MEMORY;
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){0});
  vi_request *request = vi_request_new(VI_TEXT("GET"), VI_TEXT(URL), NOTHING, NULL, NULL);
  vi_response *response = vi_response_new();
  vi_stored *entry = request && response ? stored_of(request, response, NOW, true) : NULL;
  for (int i = 0; store && entry && i < 70; i++) {
    char key[8];
    snprintf(key, sizeof key, "%d", i);
    vi_store_put(store, vi_text_of(key), entry);
  }
  if (store && entry && vi_store_count(store) >= 69)
    kind = VI_ERROR_NONE; /* the one that failed is left out, or the table stays as it was */
  vi_store_release(store);
  vi_stored_release(entry);
  vi_response_release(response);
  vi_request_release(request);
  return kind;
}

IT("leaves out of a store what it has no memory for, and keeps the rest") {
  fail_each_allocation_of(grow_store);
}
