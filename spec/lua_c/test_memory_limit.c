/* embed/runtime, message/account: a runtime's limit is one of Lua's memory and of the bodies that
 * it has received, for as long as somebody holds them. */
#include "host.h"

#include "message/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MIB = 1024 * 1024, LIMIT = 8 * MIB };

static const char SYNC[] = "return SyncSender { timeout = 5 }";
static const char ASYNC[] = "return AsyncSender { timeout = 5 }";

static void close_runtime(void *runtime) {
  viesti_close(runtime);
}

static viesti *open_limited(size_t limit, const char *source) {
  viesti_options options = {.size = sizeof options, .memory_limit = limit};
  viesti *runtime = NULL;
  check_int(viesti_open(&runtime, &options), VIESTI_OK);
  tap_defer(close_runtime, runtime);
  check_int(viesti_load(runtime, source, NULL), VIESTI_OK);
  return runtime;
}

/* Everything that is served is this and that many bytes. */
static char *page(const char *head, size_t length, size_t *total) {
  size_t start = strlen(head);
  char *bytes = malloc(start + length);
  memcpy(bytes, head, start);
  memset(bytes + start, 'x', length);
  *total = start + length;
  tap_defer(free, bytes);
  return bytes;
}

/* A server of one page of so many bytes, whose length is announced or not. */
static origin *serve(size_t length, bool announced) {
  origin_answer *answer = calloc(1, sizeof *answer);
  char head[200] = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\r\n";
  if (announced)
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %zu\r\n\r\n", length);
  tap_defer(free, answer);
  answer->then = announced ? ORIGIN_KEEP : ORIGIN_CLOSE;
  answer->bytes = page(head, length, &answer->length);
  return host_serve(answer, 1);
}

static viesti_status get(viesti *runtime, const char *url, viesti_response **response) {
  viesti_request request = {.size = sizeof request, .url = url};
  return viesti_send(runtime, &request, response);
}

/* Nothing of the failure is left. */
static void check_refused(viesti *runtime, const char *url) {
  viesti_response *response;
  check_int(get(runtime, url, &response), VIESTI_OUT_OF_MEMORY);
  check(!response);
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "out_of_memory");
  check(strstr(viesti_last_error(runtime), "memory limit"));
}

IT("takes no body that is larger than it leaves, announced or not, and goes on") {
  for (int announced = 0; announced < 2; announced++) {
    origin *large = serve(60 * MIB, announced), *small = host_serve_hello();
    viesti *runtime = open_limited(LIMIT, SYNC);
    require(large && small && runtime);
    check_refused(runtime, host_url(large));
    check_int(host_send(runtime, host_url(small)), 200);
    check_refused(runtime, host_url(large));
  }
}

IT("says so of what was submitted, too") {
  origin *large = serve(60 * MIB, true), *small = host_serve_hello();
  viesti *runtime = open_limited(LIMIT, ASYNC);
  told first = {0}, second = {0};
  require(large && small && runtime);
  host_get(runtime, host_url(large), &first);
  host_get(runtime, host_url(small), &second);
  host_finish(runtime);
  check(first.times == 1 && first.how == VIESTI_OUT_OF_MEMORY);
  check_text(vi_text_of(first.kind), "out_of_memory");
  check_int(second.status, 200);
}

IT("takes no body that is decoded to more than it leaves") {
  static char coded[200 * 1024];
  static origin_answer answer = {.then = ORIGIN_CLOSE};
  z_stream stream = {0};
  size_t length;
  char *zeros = page("", 60 * MIB, &length);
  int head = snprintf(coded, sizeof coded, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
  require(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = (unsigned char *)zeros;
  stream.avail_in = (unsigned)length;
  stream.next_out = (unsigned char *)coded + head;
  stream.avail_out = (unsigned)(sizeof coded - (size_t)head);
  check_int(deflate(&stream, Z_FINISH), Z_STREAM_END);
  answer.bytes = coded;
  answer.length = (size_t)head + stream.total_out;
  deflateEnd(&stream);
  origin *large = host_serve(&answer, 1), *small = host_serve_hello();
  viesti *runtime = open_limited(LIMIT, SYNC);
  require(large && small && runtime);
  check_refused(runtime, host_url(large));
  check_int(host_send(runtime, host_url(small)), 200);
}

IT("has what garbage held again, however many bodies come one after the other") {
  static const char heavy[] = "local S, held = ExtendingSender:extend('Heavy'), {}\n"
                              "for i = 1, 20 do held[i] = ('x'):rep(1 << 20) .. i end\n"
                              "function S:send(r) return held and self.sender:send(r) end\n"
                              "return S { sender = SyncSender {} }";
  origin *server = serve(MIB, true);
  viesti *runtime = open_limited(4 * LIMIT, heavy);
  require(server && runtime);
  for (int i = 0; i < 50; i++)
    check_int(host_send(runtime, host_url(server)), 200);
}

IT("counts what the host holds, until that is released, also after the runtime is closed") {
  origin *server = serve(2 * MIB, true);
  viesti_options options = {.size = sizeof options, .memory_limit = LIMIT};
  viesti_response *held[8] = {0}, *one;
  viesti *runtime = NULL;
  int count = 0;
  require(server && viesti_open(&runtime, &options) == VIESTI_OK);
  check_int(viesti_load(runtime, SYNC, NULL), VIESTI_OK);
  while (count < 8 && get(runtime, host_url(server), &held[count]) == VIESTI_OK)
    count++;
  check(count == 2 || count == 3);
  check_int(get(runtime, host_url(server), &one), VIESTI_OUT_OF_MEMORY);
  viesti_response_release(held[0]);
  check_int(get(runtime, host_url(server), &held[0]), VIESTI_OK);
  viesti_close(runtime);
  for (int i = 0; i < count; i++) {
    check_int(viesti_response_body(held[i]).length, 2 * MIB);
    viesti_response_release(held[i]);
  }
}

IT("leaves what a store keeps to the store's own bounds") {
  origin *server = serve(2 * MIB, true);
  viesti_store *store;
  require(viesti_store_open(&store, NULL) == VIESTI_OK);
  viesti_options options = {.size = sizeof options, .memory_limit = LIMIT, .store = store};
  viesti *runtime = NULL;
  char url[100];
  require(server && viesti_open(&runtime, &options) == VIESTI_OK);
  check_int(
      viesti_load(runtime, "return chain { CachingSender { store = store }, SyncSender {} }", NULL),
      VIESTI_OK);
  for (int i = 0; i < 10; i++) {
    snprintf(url, sizeof url, "%s%d", host_url(server), i);
    check_int(host_send(runtime, url), 200);
  }
  check_int(viesti_store_count(store), 10);
  check(viesti_store_bytes(store) > 20 * MIB);
  viesti_close(runtime);
  viesti_store_release(store);
}

static viesti *asking; /* whose sender is asked */
static viesti_status completed;

static void answer_large(void *context, const viesti_request *request,
                         viesti_completion *completion) {
  viesti_answer answer = {.size = sizeof answer, .status_code = 200, .body = context};
  (void)request;
  answer.body_length = 10 * MIB;
  completed = viesti_complete(completion, &answer);
  check_text(vi_text_of(viesti_last_error_kind(asking)),
             completed == VIESTI_OUT_OF_MEMORY ? "out_of_memory" : "");
  if (completed == VIESTI_OUT_OF_MEMORY)
    viesti_fail(completion, "out_of_memory", "the answer is too large", 0);
}

IT("counts what a sender in C answers") {
  size_t length;
  viesti_sender sender = {.size = sizeof sender, .start = answer_large};
  sender.context = page("", 10 * MIB, &length);
  for (size_t limit = LIMIT; limit <= 32 * MIB; limit *= 4) {
    viesti_response *response;
    viesti *runtime = open_limited(limit, SYNC);
    require(runtime && viesti_add_sender(runtime, "Own", &sender) == VIESTI_OK);
    check_int(viesti_load(runtime, "return Own()", NULL), VIESTI_OK);
    asking = runtime;
    viesti_status expected = limit == LIMIT ? VIESTI_OUT_OF_MEMORY : VIESTI_OK;
    check_int(get(runtime, "http://a.test/", &response), expected);
    check_int(completed, expected);
    viesti_response_release(response);
  }
}

IT("is one limit of both: Lua's memory has what bodies leave") {
  static const char greedy[] = "local S = ExtendingSender:extend('Greedy')\n"
                               "local kept = {}\n"
                               "function S:send(request)\n"
                               "  kept[#kept + 1] = self.sender:send(request)\n"
                               "  return kept[1] and ('x'):rep(3 << 20) and kept[1]\n"
                               "end\n"
                               "return S { sender = SyncSender {} }";
  origin *small = serve(MIB, true), *large = serve(5 * MIB, true);
  viesti_response *response;
  require(small && large);
  check_int(get(open_limited(LIMIT, greedy), host_url(small), &response), VIESTI_OK);
  viesti_response_release(response);
  check_int(get(open_limited(LIMIT, greedy), host_url(large), &response), VIESTI_OUT_OF_MEMORY);
}

IT("gives back all that was taken, and no more is left than the limit") {
  vi_account *account = vi_account_new(10);
  require(account);
  check(vi_account_take(account, 7));
  check(!vi_account_take(account, 4));
  check_int(vi_account_left(account), 3);
  vi_account_give(account, 7);
  check(vi_account_take(account, 10));
  check_int(vi_account_left(account), 0);
  check(vi_account_take(NULL, SIZE_MAX));
  vi_account_give(NULL, 1);
  vi_account_release(account);
}
