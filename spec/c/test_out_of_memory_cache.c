/* The cache without memory: whatever allocation fails, it does less, but serves nothing that is
 * wrong, and nothing is left. */
#include "cache/cache.h"
#include "cache/cache_status.h"
#include "cache/memory_store.h"
#include "entries.h"
#include "scarcity.h"
#include "tap.h"

/* One request through the cache, and what the caller is to get. */
typedef struct step {
  double at;
  const char *method, *asked;
  int status; /* of the server's answer; 0: there is none, the request fails */
  const char *fields, *body;
  int wanted_status;
  const char *wanted_body;
} step;

static vi_request *make_request(const step *of) {
  vi_text body = VI_TEXT("query");
  bool has_body = vi_text_equal(vi_text_of(of->method), VI_TEXT("QUERY"));
  vi_request *request = vi_request_new(vi_text_of(of->method), VI_TEXT(URL), VI_TEXT(""),
                                       has_body ? &body : NULL, NULL);
  if (request && add_fields(&request->headers, of->asked))
    return request;
  vi_request_release(request);
  return NULL;
}

static vi_response *make_answer(const step *of) {
  vi_response *response = vi_response_new();
  if (!response)
    return NULL;
  response->status = of->status;
  if (vi_buffer_append_text(&response->url, VI_TEXT(URL)) &&
      add_fields(&response->headers, of->fields) &&
      vi_buffer_append_text(&response->body->bytes, vi_text_of(of->body)))
    return response;
  vi_response_release(response);
  return NULL;
}

static vi_outcome update(vi_store *store, const vi_policy *policy, const vi_request *request,
                         const vi_verdict *verdict, vi_response *answer, double now) {
  const vi_choices choices = {.ttl = -1, .tags = VI_TEXT("\x03tag")};
  return vi_cache_update(store, policy, request, verdict, answer, false, &choices, now);
}

/* What comes of sending that; `answer` is the server's, NULL for none. */
static vi_response *send(vi_store *store, const vi_policy *policy, const vi_key_choices *key,
                         const vi_request *request, vi_response *answer, double now) {
  vi_verdict verdict = {0};
  vi_response *result;
  vi_cache_lookup(store, policy, request, key, now, &verdict);
  if (verdict.response)
    result = vi_response_retain(verdict.response);
  else if (answer)
    result = update(store, policy, request, &verdict, answer, now).response;
  else
    result = vi_cache_rescue(store, policy, request, &verdict, now);
  vi_verdict_clear(&verdict);
  return result;
}

static bool has_body(const vi_response *response, const char *body) {
  return vi_text_equal(vi_response_body(response), vi_text_of(body));
}

/* SCRIPT: what the caller gets is neither the server's word nor what it stands for. */
static vi_error_kind judge(const step *of, const vi_response *response) {
  if (!response)
    return VI_ERROR_OUT_OF_MEMORY;
  if (response->status == of->wanted_status && has_body(response, of->wanted_body))
    return VI_ERROR_NONE;
  bool honest = response->status == of->status && has_body(response, of->body);
  return honest ? VI_ERROR_OUT_OF_MEMORY : VI_ERROR_SCRIPT;
}

/* Takes one step. `*sent`: there was memory for the messages themselves. */
static vi_error_kind take(vi_store *store, const vi_policy *policy, const vi_key_choices *key,
                          const step *of, bool *sent) {
  vi_error_kind kind = VI_ERROR_OUT_OF_MEMORY;
  vi_request *request = make_request(of);
  vi_response *answer = of->status ? make_answer(of) : NULL;
  *sent = request && (answer || !of->status);
  if (*sent) {
    vi_response *response = send(store, policy, key, request, answer, NOW + of->at);
    kind = judge(of, response);
    vi_response_release(response);
  }
  vi_response_release(answer);
  vi_request_release(request);
  return kind;
}

/* Plays the steps in one store. */
static vi_error_kind play(const vi_policy *policy, vi_key_choices key, const step *steps,
                          size_t count) {
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = 10});
  vi_error_kind worst = store ? VI_ERROR_NONE : VI_ERROR_OUT_OF_MEMORY;
  bool sent = true;
  for (size_t i = 0; store && sent && worst != VI_ERROR_SCRIPT && i < count; i++) {
    vi_error_kind kind = take(store, policy, &key, &steps[i], &sent);
    if (kind != VI_ERROR_NONE)
      worst = kind;
  }
  vi_store_release(store);
  return worst;
}

#define PLAY(policy, key, steps) play(policy, key, steps, sizeof(steps) / sizeof *(steps))

static const vi_key_choices BY_URL = {.partition = {NULL, 0}};

IT_STARVED("stores, serves, validates and replaces") {
  const char *fields = "Cache-Control: max-age=60\nETag: \"1\"\nVary: Accept\nConnection: close, X";
  const step steps[] = {
      {0, "GET", "Accept: a", 200, fields, "one", 200, "one"},
      {1, "GET", "Accept: a", 500, "", "", 200, "one"},
      {99, "GET", "Accept: a", 304, "ETag: \"1\"", "", 200, "one"},
      {999, "GET", "Accept: a", 200, fields, "two", 200, "two"},
      {1000, "GET", "Accept: a", 500, "", "", 200, "two"},
  };
  return PLAY(&SHARED, BY_URL, steps);
}

IT_STARVED("selects variants and asks about them") {
  const char *fields = "Cache-Control: max-age=60, no-cache=\"A, B\"\nVary: Accept-Language, X\n"
                       "ETag: \"1\"\nA: 1\nB: 2\nConnection: close, Hop\nHop: 1";
  const step steps[] = {
      {0, "GET", "Accept-Language: en, de, fr\nX: 1", 200, fields, "one", 200, "one"},
      {1, "GET", "X: 1\nAccept-Language: FR,DE,EN", 500, "", "", 200, "one"},
      {2, "GET", "X: 2", 304, "ETag: \"1\"\nC: new", "", 200, "one"},
      {3, "GET", "X: 2", 500, "", "", 200, "one"},
  };
  return PLAY(&SHARED, BY_URL, steps);
}

IT_STARVED("heeds targeted fields") {
  const vi_text names[] = {VI_TEXT("Mine"), VI_TEXT("CDN-Cache-Control")};
  const vi_policy policy = {.shared = true, .targets = names, .target_count = 2};
  const char *fields = "Cache-Control: max-age=1\nMine: x,\nCDN-Cache-Control: max-age=60\n"
                       "CDN-Cache-Control: public";
  const step steps[] = {
      {0, "GET", "", 200, fields, "one", 200, "one"},
      {30, "GET", "", 500, "", "", 200, "one"},
  };
  return PLAY(&policy, BY_URL, steps);
}

IT_STARVED("stores nothing that a targeted field forbids which it has no memory to read") {
  const vi_text name = VI_TEXT("CDN-Cache-Control");
  const vi_policy policy = {.shared = true, .targets = &name, .target_count = 1};
  const char *fields = "Cache-Control: max-age=60\nCDN-Cache-Control: no-store\nETag: \"1\"";
  const step steps[] = {
      {0, "GET", "", 200, fields, "secret", 200, "secret"},
      {1, "GET", "Cache-Control: max-stale", 200, "", "two", 200, "two"},
  };
  return PLAY(&policy, BY_URL, steps);
}

#define PART "Cache-Control: max-age=60\nETag: \"1\"\nContent-Length: 4\nContent-Range: bytes "

IT_STARVED("cuts parts out, and completes them") {
  const step steps[] = {
      {0, "GET", "Range: bytes=0-3", 206, PART "0-3/8", "0123", 206, "0123"},
      {1, "GET", "Range: bytes=1-2", 500, "", "", 206, "12"},
      {2, "GET", "", 206, PART "4-7/8", "4567", 200, "01234567"},
      {3, "GET", "", 500, "", "", 200, "01234567"},
      {4, "GET", "Range: bytes=-2", 500, "", "", 206, "67"},
      {5, "GET", "Range: bytes=9-", 500, "", "", 416, ""},
  };
  return PLAY(&SHARED, BY_URL, steps);
}

IT_STARVED("answers conditions and HEAD, and learns from their answers") {
  const char *fields = "Cache-Control: max-age=60\nETag: \"1\"\nLast-Modified: " EARLIER;
  const step steps[] = {
      {0, "GET", "", 200, fields, "one", 200, "one"},
      {1, "GET", "If-None-Match: \"1\"", 500, "", "", 304, ""},
      {2, "HEAD", "", 500, "", "", 200, ""},
      {70, "HEAD", "", 200, "ETag: \"1\"", "", 200, ""},
      {71, "GET", "", 500, "", "", 200, "one"},
      {140, "GET", "If-None-Match: \"1\"", 304, "ETag: \"1\"", "", 304, ""},
      {141, "GET", "", 500, "", "", 200, "one"},
      {210, "GET", "", 304, "Vary: A", "", 200, "one"},
      {211, "HEAD", "Cache-Control: no-cache", 200, "ETag: \"2\"", "", 200, ""},
      {212, "GET", "Cache-Control: no-cache", 200, fields, "two", 200, "two"},
      {213, "GET", "Cache-Control: only-if-cached", 504, "", "", 200, "two"},
      {999, "GET", "Cache-Control: only-if-cached", 504, "", "", 504, ""},
  };
  return PLAY(&SHARED, BY_URL, steps);
}

IT_STARVED("serves stale where that is better than nothing") {
  const vi_policy policy = {.shared = true, .stale_on_disconnect = true};
  const char *fields = "Cache-Control: max-age=60, stale-while-revalidate=9, stale-if-error=60";
  const step steps[] = {
      {0, "GET", "", 200, fields, "one", 200, "one"},
      {61, "GET", "", 500, "", "", 200, "one"},
      {90, "GET", "", 503, "", "busy", 200, "one"},
      {999, "GET", "", 0, "", "", 200, "one"},
  };
  return PLAY(&policy, BY_URL, steps);
}

IT_STARVED("forgets what was written to, and keeps what a POST answers") {
  const char *fields = "Cache-Control: max-age=60\nContent-Location: /\nLocation: /other";
  const step steps[] = {
      {0, "GET", "", 200, "Cache-Control: max-age=60", "old", 200, "old"},
      {1, "POST", "", 200, fields, "new", 200, "new"},
      {2, "GET", "", 500, "", "", 200, "new"},
      {3, "DELETE", "", 204, "", "", 204, ""},
      {4, "GET", "", 200, "", "last", 200, "last"},
  };
  return PLAY(&SHARED, BY_URL, steps);
}

static bool send_cookie(void *context, const vi_request *request, vi_text name, vi_buffer *out) {
  (void)context, (void)request, (void)name;
  return vi_buffer_append_text(out, VI_TEXT("a=1"));
}

IT_STARVED("keys by partition, by what it is given and by bodies") {
  const vi_text method = VI_TEXT("QUERY");
  const vi_policy policy = {.methods = &method, .method_count = 1, .sent_field = send_cookie};
  const vi_key_choices key = {.partition = VI_TEXT("user"), .custom = VI_TEXT("mine")};
  const step steps[] = {
      {0, "QUERY", "Content-Type: a/b", 200, "Cache-Control: max-age=60\nVary: Cookie", "one", 200,
       "one"},
      {1, "QUERY", "Content-Type: a/b", 500, "", "", 200, "one"},
  };
  return PLAY(&policy, key, steps);
}

IT_STARVED("says what it did") {
  vi_headers headers = {0};
  const vi_cache_facts facts = {.hit = true, .ttl = 1};
  bool ok = vi_cache_status_add(&facts, &headers);
  vi_headers_free(&headers);
  return ok ? VI_ERROR_NONE : VI_ERROR_OUT_OF_MEMORY;
}
