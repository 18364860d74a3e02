/* A conversation through a cache: no answer of a shared one is private or not to be stored, none
 * has a part for a whole, and nothing is lost.
 *
 * The input: a byte of options; then blocks, each ended by a NUL: by turns a request (a letter for
 * its method, then fields, one a line) and what is answered if it is sent on (three digits, then
 * fields, an empty line, and the body). The first byte of a request's block is the seconds that
 * have passed. */
#include "fuzz.h"

#include "cache/cache.h"
#include "cache/memory_store.h"

#include <string.h>

static vi_text take_until(vi_text *rest, char stop) {
  const char *end = memchr(rest->data, stop, rest->length);
  vi_text taken = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
  size_t step = end ? taken.length + 1 : taken.length;
  *rest = (vi_text){rest->data + step, rest->length - step};
  return taken;
}

static void add_fields(vi_headers *headers, vi_text *rest) {
  while (rest->length > 0) {
    vi_text line = take_until(rest, '\n');
    if (line.length == 0)
      return;
    vi_text name = take_until(&line, ':');
    if (vi_text_is_token(name))
      vi_headers_add(headers, name, vi_text_trim(line));
  }
}

static vi_request *request_of(vi_text block) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE", "QUERY"};
  const char *method = methods[(block.length > 0 ? (uint8_t)block.data[0] : 0) % 5];
  vi_request *request =
      vi_request_new(vi_text_of(method), VI_TEXT("https://example.org/"), VI_TEXT(""), NULL, NULL);
  PROMISE(request);
  take_until(&block, '\n');
  add_fields(&request->headers, &block);
  return request;
}

static vi_response *response_of(vi_text block) {
  vi_response *response = vi_response_new();
  PROMISE(response);
  response->status = 200;
  for (size_t i = 0; i < 3 && i < block.length; i++)
    if (block.data[i] >= '0' && block.data[i] <= '9')
      response->status = response->status * 10 % 1000 + (block.data[i] - '0');
  if (response->status < 200)
    response->status = 200;
  take_until(&block, '\n');
  add_fields(&response->headers, &block);
  vi_buffer_append_text(&response->url, VI_TEXT("https://example.org/"));
  vi_buffer_append_text(&response->body->bytes, block);
  return response;
}

static void check_stored(const vi_policy *policy, const vi_response *response) {
  vi_cache_control control;
  vi_cache_control_read(&response->headers, &control);
  PROMISE(!policy->shared || !control.is_private);
  PROMISE(!control.no_store || control.must_understand);
  PROMISE(vi_headers_count_of(&response->headers, VI_TEXT("Age")) == 1);
  PROMISE(response->status != 304 || response->body->bytes.length == 0);
}

static void exchange(vi_store *store, const vi_policy *policy, const vi_request *request,
                     vi_response *answer, double now) {
  vi_verdict verdict = {0};
  vi_cache_lookup(store, policy, request, &(vi_key_choices){0}, now, &verdict);
  if (verdict.action == VI_ACTION_HIT || verdict.action == VI_ACTION_REFRESH)
    check_stored(policy, verdict.response);
  if (!verdict.response || verdict.outgoing) {
    vi_response_release(vi_cache_rescue(store, policy, request, &verdict, now));
    vi_outcome outcome =
        vi_cache_update(store, policy, request, &verdict, answer, false, NULL, now + 1);
    PROMISE(!outcome.stored || vi_store_count(store) > 0);
    vi_response_release(outcome.response);
  }
  vi_verdict_clear(&verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  vi_text rest = {(const char *)bytes, length};
  unsigned options = length > 0 ? bytes[0] : 0;
  const vi_text methods[] = {VI_TEXT("QUERY")};
  const vi_policy policy = {.shared = options & 1,
                            .store_errors = options & 2,
                            .heuristic = options & 4 ? 0.1 : 0,
                            .stale_if_error = options & 8 ? 100 : 0,
                            .stale_while_revalidate = options & 16 ? 100 : 0,
                            .select_language = options & 32,
                            .stale_on_disconnect = options & 64,
                            .methods = methods,
                            .method_count = options & 128 ? 1 : 0};
  vi_store *store = vi_memory_store_new(&(vi_memory_limits){.max_size = 8});
  double now = 784111777;
  PROMISE(store);
  take_until(&rest, '\0');
  while (rest.length > 0) {
    vi_text asked = take_until(&rest, '\0'), answered = take_until(&rest, '\0');
    now += asked.length > 0 ? (uint8_t)asked.data[0] : 0;
    vi_request *request = request_of(asked);
    vi_response *answer = response_of(answered);
    exchange(store, &policy, request, answer, now);
    vi_request_release(request);
    vi_response_release(answer);
  }
  vi_store_release(store);
  return 0;
}
