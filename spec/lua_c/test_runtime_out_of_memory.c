/* embed/runtime without memory, Lua's or the core's: whatever allocation fails, a call of viesti.h
 * says so, and the runtime goes on when there is memory again. */
#include "../c/origin.h"
#include "../c/tap.h"
#include "memory.h"
#include "viesti.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int luaopen_viesti_core(lua_State *L);

static bool says_memory(viesti_status status, const char *words) {
  bool fits = status == VIESTI_OUT_OF_MEMORY || status == VIESTI_FAILED;
  bool said = fits && strstr(words, "memory");
  if (!said)
    printf("# status %d, '%s'\n", (int)status, words);
  return said;
}

IT("opens its core, or says so and opens it the next time") {
  bool refused = true;
  for (long granted = 0; refused; granted++) {
    lua_State *L = luaL_newstate();
    require(L);
    tap_at("allocation %ld", granted + 1);
    lua_pushcfunction(L, luaopen_viesti_core);
    memory_limit(LUA_HEAP, granted, FOR_GOOD);
    int status = lua_pcall(L, 0, 1, 0);
    refused = memory_unlimit(LUA_HEAP);
    check_int(status, refused ? LUA_ERRMEM : LUA_OK);
    lua_pushcfunction(L, luaopen_viesti_core);
    check_int(lua_pcall(L, 0, 1, 0), LUA_OK);
    lua_close(L);
    check_int(memory_live(LUA_HEAP), 0);
  }
}

static origin *server;
static const char *source; /* of the chain */

static char words[200]; /* about the last call, or what it came to */

/* Keeps what is said now; returns `status`. */
static viesti_status saying(viesti_status status, const char *said) {
  snprintf(words, sizeof words, "%s", said);
  return status;
}

/* With an allocator of the host's, as the core's is one. */
static viesti_status open_runtime(viesti **runtime) {
  viesti_options options = {.size = sizeof options, .allocate = memory_allocate};
  return viesti_open(runtime, &options);
}

static viesti_status load(viesti *runtime) {
  viesti_status status = viesti_load(runtime, source, NULL);
  return saying(status, viesti_last_error(runtime));
}

static viesti_status send(viesti *runtime) {
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", origin_port(server));
  viesti_header headers[] = {{"A", "b"}, {"Content-Type", "text/plain"}};
  viesti_request request = {.size = sizeof request,
                            .method = "POST",
                            .url = url,
                            .headers = headers,
                            .header_count = 2,
                            .body = "data",
                            .body_length = 4};
  viesti_response *response;
  viesti_status status = viesti_send(runtime, &request, &response);
  saying(status, viesti_last_error(runtime));
  if (!check((status == VIESTI_OK) == (response != NULL)) || !response)
    return status;
  viesti_bytes body = viesti_response_body(response);
  check(body.length == 5 && memcmp(body.data, "hello", 5) == 0);
  viesti_response_release(response);
  return status;
}

static viesti_status get(viesti *runtime, bool *from_cache) {
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", origin_port(server));
  viesti_request request = {.size = sizeof request, .url = url};
  viesti_response *response;
  viesti_status status = viesti_send(runtime, &request, &response);
  *from_cache = response && viesti_response_from_cache(response);
  viesti_response_release(response);
  return saying(status, viesti_last_error(runtime));
}

/* A cache that there is memory for has the second answer itself. */
static viesti_status hit(viesti *runtime) {
  bool from_cache;
  viesti_status status = get(runtime, &from_cache);
  return status == VIESTI_OK ? get(runtime, &from_cache) : status;
}

static char path[] = "/tmp/viesti.XXXXXX"; /* of a chain */

static void write_file(int edition) {
  FILE *file = fopen(path, "w");
  if (!check(file != NULL))
    return;
  fprintf(file, "return chain { CachingSender { store = Store {} }, OwnSender {} } -- %d", edition);
  fclose(file);
}

/* What could not be read for want of memory is read the next time. */
static viesti_status reload(viesti *runtime) {
  static int edits;
  write_file(edits++ % 2);
  viesti_status status = viesti_load_file(runtime, path);
  if (status != VIESTI_OK)
    return saying(status, viesti_last_error(runtime));
  write_file(edits++ % 2);
  status = viesti_reload(runtime);
  saying(status, viesti_last_error(runtime));
  return status == VIESTI_OK ? send(runtime) : status;
}

typedef struct outcome {
  viesti_status status;
  int times;
} outcome;

static void note(void *context, const viesti_outcome *told) {
  outcome *one = context;
  one->status = saying(told->status, told->error);
  one->times++;
}

/* What was submitted is told once, whatever fails; and no step gets stuck. */
static viesti_status submit(viesti *runtime) {
  char url[100];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", origin_port(server));
  viesti_request request = {.size = sizeof request, .url = url, .timeout = 5};
  outcome one = {VIESTI_OK, 0};
  viesti_status status = viesti_submit(runtime, &request, note, &one, NULL);
  if (status != VIESTI_OK)
    return saying(status, viesti_last_error(runtime));
  for (int i = 0; i < 500 && one.times == 0; i++)
    viesti_step(runtime, 100);
  check_int(one.times, 1);
  return one.status;
}

static viesti_status cancel(viesti *runtime) {
  viesti_request request = {.size = sizeof request, .url = "http://127.0.0.1:1/"};
  outcome one = {VIESTI_OK, 0};
  viesti_ticket ticket;
  viesti_status status = viesti_submit(runtime, &request, note, &one, &ticket);
  if (status != VIESTI_OK)
    return saying(status, viesti_last_error(runtime));
  viesti_cancel(runtime, ticket);
  for (int i = 0; i < 500 && one.times == 0; i++)
    viesti_step(runtime, 100);
  check_int(one.times, 1);
  return one.status == VIESTI_OUT_OF_MEMORY ? one.status : VIESTI_OK;
}

static int under_way; /* at the sender in C */

static void start(void *context, const viesti_request *request, viesti_completion *completion) {
  viesti_header field = {"A", "b"};
  viesti_answer answer = {.size = sizeof answer,
                          .status_code = 200,
                          .headers = &field,
                          .header_count = 1,
                          .body = "hello",
                          .body_length = 5};
  (void)context;
  (void)request;
  under_way++;
  viesti_status status = viesti_complete(completion, &answer);
  if (status == VIESTI_OUT_OF_MEMORY)
    status = viesti_fail(completion, "out_of_memory", "no memory for the answer", 0);
  under_way -= status == VIESTI_OK;
}

static void cancelled(void *context, viesti_completion *completion) {
  (void)context;
  (void)completion;
  under_way--;
}

static void add_sender(viesti *runtime) {
  viesti_sender sender = {.size = sizeof sender, .start = start, .cancel = cancelled};
  check_int(viesti_add_sender(runtime, "OwnSender", &sender), VIESTI_OK);
}

/* After each failure the call must work again: what was loaded stays. */
static void fail_each_allocation_of(viesti_status (*call)(viesti *), memory_heap heap, int times) {
  viesti *runtime;
  bool refused = true;
  require(open_runtime(&runtime) == VIESTI_OK);
  add_sender(runtime);
  require(load(runtime) == VIESTI_OK);
  for (long granted = 0; refused; granted++) {
    tap_at("%s allocation %ld, %d times", heap == LUA_HEAP ? "Lua's" : "the core's", granted + 1,
           times);
    memory_limit(heap, granted, times);
    viesti_status status = call(runtime);
    refused = memory_unlimit(heap);
    check(status == VIESTI_OK || (refused && says_memory(status, words)));
    check_int(send(runtime), VIESTI_OK);
    check_int(viesti_pending(runtime), 0);
  }
  viesti_close(runtime);
  check_int(under_way, 0);
  check_int(memory_live(LUA_HEAP), 0);
  check_int(memory_live(CORE_HEAP), 0);
}

/* A whole life: all that there is at its end has been given back. */
static viesti_status live(void) {
  viesti *runtime;
  viesti_status status = open_runtime(&runtime);
  saying(status, viesti_last_error(runtime));
  if (status == VIESTI_OK)
    status = load(runtime);
  else
    check(viesti_load(runtime, source, NULL) != VIESTI_OK);
  if (status == VIESTI_OK)
    status = send(runtime);
  viesti_close(runtime);
  check_int(memory_live(LUA_HEAP), 0);
  check_int(memory_live(CORE_HEAP), 0);
  return status;
}

static void live_short(memory_heap heap, int times, long step) {
  bool refused = true;
  for (long granted = 0; refused; granted += step) {
    tap_at("allocation %ld, %d times", granted + 1, times);
    memory_limit(heap, granted, times);
    viesti_status status = live();
    refused = memory_unlimit(heap);
    check(status == VIESTI_OK || (refused && says_memory(status, words)));
  }
}

static const char SYNC[] = "return chain { CachingSender {}, SyncSender { timeout = 5 } }";
static const char ASYNC[] = "return chain { CachingSender {}, AsyncSender { timeout = 5 } }";
static const char OWN[] = "return chain { RetryingSender { retries = 0 }, OwnSender {} }";

static void serve(const char *chain) {
  static const origin_answer answers[] = {
      {.bytes = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 5\r\n\r\nhello",
       .then = ORIGIN_KEEP}};
  server = origin_start(answers, 1);
  source = chain;
}

static void fail_in_every_way(viesti_status (*call)(viesti *), const char *chain) {
  serve(chain);
  require(server);
  for (memory_heap heap = 0; heap < HEAPS; heap++) {
    fail_each_allocation_of(call, heap, heap == LUA_HEAP ? TWICE : ONCE);
    fail_each_allocation_of(call, heap, FOR_GOOD);
  }
  origin_stop(server);
}

/* Opening takes thousands of allocations, most of them Lua's own: these are samples. */
IT("opens, loads, sends and closes, or says that there is no memory") {
  serve(SYNC);
  require(server);
  live_short(CORE_HEAP, FOR_GOOD, 1);
  live_short(CORE_HEAP, ONCE, 1);
  live_short(LUA_HEAP, FOR_GOOD, 67);
  live_short(LUA_HEAP, TWICE, 71);
  origin_stop(server);
}

IT("loads a chain, or keeps the one that was there") {
  fail_in_every_way(load, SYNC);
}

IT("sends a request, or says that there is no memory") {
  fail_in_every_way(send, SYNC);
}

IT("calls back what was submitted, or says that there is no memory") {
  fail_in_every_way(submit, ASYNC);
}

IT("calls back what was cancelled") {
  fail_in_every_way(cancel, ASYNC);
}

IT("sends through a sender in C, submitted or not") {
  fail_in_every_way(send, OWN);
  fail_in_every_way(submit, OWN);
}

IT("serves from a cache, or sends, or says that there is no memory") {
  fail_in_every_way(hit, SYNC);
}

IT("follows a file that is edited, or goes on with the chain that was there") {
  int fd = mkstemp(path);
  require(fd >= 0);
  close(fd);
  fail_in_every_way(reload, SYNC);
  unlink(path);
}
