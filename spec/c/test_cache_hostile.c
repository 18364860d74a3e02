/* The cache before a server that says anything, and a caller that asks anything: nothing crashes,
 * hangs or leaks, and what is served from the store is what was stored. */
#include "caching.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const char *const ANSWERED[] = {
    "Cache-Control",    "CDN-Cache-Control", "Vary",           "ETag",
    "Last-Modified",    "Expires",           "Date",           "Age",
    "Connection",       "Content-Range",     "Content-Length", "Location",
    "Content-Location", "Set-Cookie",        "Cache-Control"};

static const char *const ASKED[] = {"Cache-Control",
                                    "Range",
                                    "If-Range",
                                    "If-None-Match",
                                    "If-Modified-Since",
                                    "Accept-Language",
                                    "Pragma",
                                    "Authorization",
                                    "A"};

/* What values are made of: what means something, what nearly does, and what is no text. */
static const char *const PIECES[] = {"max-age=60",
                                     "s-maxage=5",
                                     "no-cache",
                                     "no-store",
                                     "private",
                                     "public",
                                     "immutable",
                                     "must-revalidate",
                                     "max-stale",
                                     "min-fresh=1",
                                     "only-if-cached",
                                     "stale-while-revalidate=60",
                                     "stale-if-error=9",
                                     "=\"Vary, A\"",
                                     "=\"ETag\"",
                                     "\"",
                                     "\\",
                                     ",",
                                     ", ",
                                     ";",
                                     "=",
                                     "*",
                                     "?0",
                                     "?1",
                                     "(",
                                     ")",
                                     ":",
                                     "%",
                                     "@",
                                     " ",
                                     "\t",
                                     "\"1\"",
                                     "W/\"1\"",
                                     "W/",
                                     "bytes ",
                                     "bytes=",
                                     "0-3",
                                     "0-6/7",
                                     "4-6/7",
                                     "*/7",
                                     "-",
                                     "/",
                                     "-1",
                                     "99999999999999999999",
                                     "9223372036854775807",
                                     AT_NOW,
                                     EARLIER,
                                     LATER,
                                     "A",
                                     "Accept-Language",
                                     "de, en;q=0.5",
                                     "\xff\xfe",
                                     "\x01",
                                     "0",
                                     "7"};

/* Answers that mean something, to which the rest is added. */
static const struct {
  int status;
  const char *fields, *body;
} TEMPLATES[] = {
    {200, "Cache-Control: max-age=60\nETag: \"1\"", "content"},
    {200, "Cache-Control: max-age=60\nVary: A\nETag: \"1\"", "content"},
    {200, "Cache-Control: max-age=9, stale-while-revalidate=99", "content"},
    {206, "Cache-Control: max-age=99\nETag: \"1\"\nContent-Range: bytes 0-3/7", "cont"},
    {206, "Cache-Control: max-age=99\nETag: \"1\"\nContent-Range: bytes 4-6/7", "ent"},
    {206, "Cache-Control: max-age=99\nETag: \"1\"\nContent-Range: bytes 4-6/*", "ent"},
    {206, "Cache-Control: max-age=9\nETag: \"1\"\nContent-Range: bytes 0-9223372036854775807/*",
     ""},
    {206, "", "cont"},
    {304, "ETag: \"1\"", ""},
    {304, "", ""},
    {301, "Cache-Control: max-age=60", ""},
    {404, "Cache-Control: max-age=60", ""},
    {416, "Content-Range: bytes */7", ""},
    {503, "", ""},
    {100, "", ""},
    {0, "", ""},
};

static const char *const QUESTIONS[] = {"",
                                        "",
                                        "",
                                        "A: 1",
                                        "Range: bytes=0-3",
                                        "Range: bytes=4-",
                                        "Range: bytes=5-5",
                                        "Range: bytes=-2",
                                        "Range: bytes=99-",
                                        "Range: bytes=0-1\nIf-Range: \"1\"",
                                        "If-None-Match: \"1\"",
                                        "Cache-Control: max-stale"};

static const char *const METHODS[] = {"GET", "GET", "GET", "GET", "HEAD", "POST", "QUERY"};

static unsigned state;

static size_t pick(size_t below) {
  state = state * 1103515245u + 12345u;
  return (state >> 16) % below;
}

#define PICK(list) (list)[pick(sizeof(list) / sizeof *(list))]

/* Adds, often, some of these fields with values of a few pieces, some with a NUL at the end. */
static void add_any(vi_headers *headers, const char *const *names, size_t count) {
  vi_buffer value = {0};
  for (size_t i = pick(2) * pick(6); i > 0; i--) {
    vi_buffer_clear(&value);
    for (size_t piece = pick(5); piece > 0; piece--)
      check(vi_buffer_append_text(&value, vi_text_of(PICK(PIECES))));
    if (pick(50) == 0)
      check(vi_buffer_append_char(&value, '\0'));
    check(vi_headers_add(headers, vi_text_of(names[pick(count)]), vi_buffer_text(&value)) ==
          VI_HEADERS_OK);
  }
  vi_buffer_free(&value);
}

static vi_response *any_answer(void) {
  size_t which = pick(sizeof TEMPLATES / sizeof *TEMPLATES);
  vi_response *response = vi_response_new();
  if (!response || !vi_buffer_append_text(&response->url, VI_TEXT(URL)) ||
      !vi_buffer_append_text(&response->body->bytes, vi_text_of(TEMPLATES[which].body)) ||
      !add_fields(&response->headers, TEMPLATES[which].fields))
    abort();
  response->status = TEMPLATES[which].status;
  add_any(&response->headers, ANSWERED, sizeof ANSWERED / sizeof *ANSWERED);
  return response;
}

static vi_request *any_request(void) {
  vi_request *request =
      vi_request_new(vi_text_of(PICK(METHODS)), VI_TEXT(URL), VI_TEXT(""), NULL, NULL);
  if (!request || !add_fields(&request->headers, PICK(QUESTIONS)))
    abort();
  add_any(&request->headers, ASKED, sizeof ASKED / sizeof *ASKED);
  return request;
}

/* True if it is a piece of what all these servers speak of. */
static bool is_piece(vi_text body) {
  const char *all = "content";
  for (size_t i = 0; i + body.length <= strlen(all); i++)
    if (memcmp(all + i, body.data ? body.data : all, body.length) == 0)
      return true;
  return false;
}

/* One request of anything, answered by anything, at any time. */
static void exchange(vi_store *store, const vi_policy *policy) {
  vi_verdict verdict = {0};
  vi_request *request = any_request();
  vi_response *answer = any_answer(), *got;
  double now = NOW + (double)pick(200);
  vi_cache_lookup(store, policy, request, &(vi_key_choices){0}, now, &verdict);
  if (verdict.response)
    check(is_piece(vi_response_body(verdict.response)));
  if (pick(8) == 0)
    got = vi_cache_rescue(store, policy, request, &verdict, now);
  else
    got =
        vi_cache_update(store, policy, request, &verdict, answer, pick(9) == 0, NULL, now).response;
  if (got && vi_response_body(got).length <= 7)
    check(is_piece(vi_response_body(got)));
  vi_response_release(got);
  vi_response_release(answer);
  vi_request_release(request);
  vi_verdict_clear(&verdict);
}

IT("survives any server and any caller, and serves no bytes that nobody sent") {
  enum { ROUNDS = 5000 };
  const vi_text targets[] = {VI_TEXT("CDN-Cache-Control")}, methods[] = {VI_TEXT("QUERY")};
  const vi_policy policies[] = {
      {.shared = true, .heuristic = 0.1, .targets = targets, .target_count = 1},
      {.store_errors = true, .stale_on_disconnect = true, .methods = methods, .method_count = 1},
  };
  vi_store *store = new_store();
  for (state = 0; state < 2; state++)
    for (int i = 0; i < ROUNDS; i++)
      exchange(store, &policies[i % 2]);
}

/* Has the cache read a field of a quarter of a megabyte, made of `unit` again and again. */
static void check_long(const char *name, const char *unit) {
  enum { MOST = VI_HEADERS_MAX_BYTES - 1000 };
  const vi_text target = VI_TEXT("CDN-Cache-Control");
  const vi_policy policy = {.shared = true, .targets = &target, .target_count = 1};
  vi_store *store = new_store();
  vi_buffer *value = scratch();
  while (value->length + strlen(unit) < MOST)
    check(vi_buffer_append_text(value, vi_text_of(unit)));
  vi_response *answer = response_with(200, "Expires: " LATER "\nETag: \"1\"", "content");
  tap_at("%s: %s", name, unit);
  check(vi_headers_add(&answer->headers, vi_text_of(name), vi_buffer_text(value)) == VI_HEADERS_OK);
  vi_request *request = request_with("GET", "");
  for (int i = 0; i < 2; i++)
    check(send_by(&policy, store, i, request, answer).response);
  check(send_by(&policy, store, 2, request_with("PUT", ""), answer).response);
}

IT("gets to the end of fields of a quarter of a megabyte") {
  const char *units[] = {"a,", "no-cache=\"a\",", "a=\"", "(", "\"", "\\", ",", "=", "9", "W/"};
  for (size_t i = 0; i < sizeof ANSWERED / sizeof *ANSWERED; i++)
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
      check_long(ANSWERED[i], units[u]);
}

IT("gets to the end of a thousand fields that name one another") {
  const char *line =
      "Cache-Control: no-cache=\"A, B, C, D, E, F, G, H, I, J, K, L, Expires, Age\"\n"
      "Connection: A, B, C, D\nVary: A, B, C, D\nA: 1\n";
  vi_response *answer = response_with(200, "Cache-Control: max-age=60", "content");
  while (answer->headers.count + 4 <= VI_HEADERS_MAX_FIELDS)
    check(add_fields(&answer->headers, line));
  vi_store *store = new_store();
  check(send_by(&SHARED, store, 0, request_with("GET", "A: 1"), answer).stored);
  check_text(hit_at(store, 1, "A: 1"), "content");
}
