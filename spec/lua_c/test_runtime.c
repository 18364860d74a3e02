/* embed/runtime, embed/chain: options, memory, names, sources, what is said of misuse. */
#include "host.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MOCK[] = "return MockSender { routes = { { answer = { body = 'here' } } } }";
static const char URL[] = "http://example.test/";

typedef struct heard {
  int count;
  char text[200];
} heard;

static void hear_warning(void *context, const char *category, const char *message) {
  heard *self = context;
  self->count++;
  snprintf(self->text, sizeof self->text, "%s: %s", category, message);
}

static void hear_log(void *context, viesti_bytes text) {
  heard *self = context;
  self->count++;
  snprintf(self->text, sizeof self->text, "%.*s", (int)text.length, text.data);
}

static void close_runtime(void *runtime) {
  viesti_close(runtime);
}

static viesti *open_with(viesti_options options) {
  viesti *runtime = NULL;
  options.size = sizeof options;
  check_int(viesti_open(&runtime, &options), VIESTI_OK);
  tap_defer(close_runtime, runtime);
  return runtime;
}

IT("hands what chains warn of, and what they log, to the host") {
  heard about = {0};
  viesti *runtime =
      open_with((viesti_options){.warn = hear_warning, .log = hear_log, .context = &about});
  check_int(
      viesti_load(runtime, "return Client { asynchronous = true, sender = SyncSender {} }", NULL),
      VIESTI_OK);
  check_int(about.count, 1);
  check(strncmp(about.text, "SenderConflictWarning: ", 23) == 0);
  check_int(viesti_load(runtime, "log('a text') return SyncSender {}", NULL), VIESTI_OK);
  check_int(about.count, 2);
  check_text(vi_text_of(about.text), "a text");
}

IT("warns of names in a chain that mean nothing, whoever vouches for it") {
  for (int untrusted = 0; untrusted <= 1; untrusted++) {
    heard about = {0};
    viesti *runtime = open_with(
        (viesti_options){.warn = hear_warning, .context = &about, .untrusted = untrusted});
    check_int(viesti_load(runtime, "\nreturn SyncSender { timeout = secnods }", "=chain"),
              VIESTI_OK);
    check_int(about.count, 1);
    check_text(vi_text_of(about.text),
               "ChainFileWarning: chain:2: \"secnods\" is nil, for nothing has that name");
  }
}

static void *allocate(void *context, void *block, size_t before, size_t size) {
  long *live = context;
  *live += (long)size - (long)before;
  if (size > 0)
    return realloc(block, size);
  free(block);
  return NULL;
}

IT("takes the state's memory from the host, and gives all of it back") {
  long live = 0;
  viesti *runtime = NULL;
  viesti_options options = {sizeof options, .allocate = allocate, .allocate_context = &live};
  require(viesti_open(&runtime, &options) == VIESTI_OK);
  check(live > 100000);
  check_int(viesti_load(runtime, MOCK, NULL), VIESTI_OK);
  check_int(host_send(runtime, URL), 200);
  viesti_close(runtime);
  check_int(live, 0);
}

IT("ends with VIESTI_OUT_OF_MEMORY what needs more than the limit, and goes on") {
  viesti *runtime = open_with((viesti_options){.memory_limit = 4 * 1024 * 1024});
  static const char greedy[] = "local all = {}\n"
                               "for n = 1, 1e7 do all[n] = { n } end\n"
                               "return SyncSender {}";
  check_int(viesti_load(runtime, greedy, NULL), VIESTI_OUT_OF_MEMORY);
  check(strstr(viesti_last_error(runtime), "memory"));
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "out_of_memory");
  check_int(viesti_load(runtime, MOCK, NULL), VIESTI_OK);
  check_int(host_send(runtime, URL), 200);
}

IT("says so where a chain that sends needs more than the limit, submitted or not") {
  viesti *runtime = open_with((viesti_options){.memory_limit = 4 * 1024 * 1024});
  static const char greedy[] = "local S = ExtendingSender:extend('Greedy')\n"
                               "function S:send(request)\n"
                               "  if request.url:find 'greedy' then string.rep('x', 1e8) end\n"
                               "  return self.sender:send(request)\n"
                               "end\n"
                               "return S { sender = MockSender { asynchronous = true,\n"
                               "  routes = { { answer = {} } } } }";
  told about = {0};
  check_int(viesti_load(runtime, greedy, NULL), VIESTI_OK);
  check_int(host_send(runtime, "http://example.test/greedy"), 0);
  check(strstr(viesti_last_error(runtime), "memory"));
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "out_of_memory");
  check_int(viesti_last_error_maybe_sent(runtime), 1);
  host_get(runtime, "http://example.test/greedy", &about);
  host_finish(runtime);
  check_int(about.how, VIESTI_OUT_OF_MEMORY);
  check_text(vi_text_of(about.kind), "out_of_memory");
  check_int(host_send(runtime, URL), 200);
}

IT("does not open within too little memory, and says so") {
  viesti *runtime;
  viesti_options options = {sizeof options, .memory_limit = 50000};
  check_int(viesti_open(&runtime, &options), VIESTI_OUT_OF_MEMORY);
  check(strstr(viesti_last_error(runtime), "memory"));
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "out_of_memory");
  check_int(viesti_load(runtime, MOCK, NULL), VIESTI_MISUSE);
  viesti_close(runtime);
}

IT("takes options of a program that knows fewer of them") {
  heard about = {0};
  viesti *runtime = NULL;
  viesti_options options = {.size = offsetof(viesti_options, log),
                            .warn = hear_warning,
                            .context = &about,
                            .log = (viesti_log)hear_log,
                            .memory_limit = 1};
  check_int(viesti_open(&runtime, &options), VIESTI_OK);
  check_int(viesti_load(runtime, "log('x') return SyncSender {}", NULL), VIESTI_FAILED);
  viesti_close(runtime);
  options.size = 0;
  check_int(viesti_open(&runtime, &options), VIESTI_MISUSE);
  viesti_close(runtime);
}

IT("keeps responses in the host's store, for all runtimes that know it") {
  origin *server = host_serve_hello();
  viesti_store *store = NULL;
  require(server && viesti_store_open(&store, NULL) == VIESTI_OK);
  viesti *first = open_with((viesti_options){.store = store}),
         *second = open_with((viesti_options){0});
  check_int(viesti_add_store(second, "pages", store), VIESTI_OK);
  viesti_store_release(store); /* the runtimes hold it */
  check_int(
      viesti_load(first, "return chain { CachingSender { store = store }, SyncSender {} }", NULL),
      VIESTI_OK);
  check_int(
      viesti_load(second, "return chain { CachingSender { store = pages }, SyncSender {} }", NULL),
      VIESTI_OK);
  check_int(host_send(first, host_url(server)), 200);
  check_int(viesti_store_count(store), 1);
  check(viesti_store_bytes(store) > 0);
  viesti_request request = {.size = sizeof request, .url = host_url(server)};
  viesti_response *response;
  check_int(viesti_send(second, &request, &response), VIESTI_OK);
  require(response);
  check_int(viesti_response_from_cache(response), 1);
  check_int(viesti_response_attempts(response), 0);
  viesti_response_release(response);
  check_int(origin_requests(server), 1);
  viesti_store_clear(store);
  check_int(viesti_store_count(store), 0);
  check_int(viesti_add_store(second, "pages", store), VIESTI_FAILED);
  check_int(viesti_add_store(second, NULL, store), VIESTI_MISUSE);
}

IT("reads as data, within bounds, the chains that nobody vouches for") {
  heard about = {0};
  char path[] = "/tmp/viesti.XXXXXX";
  viesti_store *store = NULL;
  require(viesti_store_open(&store, NULL) == VIESTI_OK);
  viesti *runtime = open_with(
      (viesti_options){.untrusted = 1, .store = store, .log = hear_log, .context = &about});
  viesti_store_release(store);
  check_int(viesti_load(runtime, "while true do end", NULL), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), "no more than a million instructions"));
  check_int(viesti_load(runtime, "return SyncSender { ca = '/etc/passwd' }", NULL), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), "not for untrusted chains"));
  check_int(viesti_load(runtime, "return sqlite 'a file'", NULL), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), "an untrusted chain has no 'sqlite'"));
  int fd = mkstemp(path);
  static const char good[] = "return chain { CachingSender { store = store }, SyncSender {} }";
  require(fd >= 0);
  check(write(fd, good, strlen(good)) > 0);
  check_int(viesti_load_file(runtime, path), VIESTI_OK);
  check(write(fd, " -- edited", 10) == 10);
  check_int(viesti_reload(runtime), VIESTI_OK);
  check(ftruncate(fd, 0) == 0 && pwrite(fd, "repeat until false", 18, 0) == 18);
  check_int(viesti_reload(runtime), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), "an untrusted chain"));
  close(fd);
  unlink(path);
  origin *server = host_serve_hello();
  require(server);
  check_int(host_send(runtime, host_url(server)), 200);
  check_int(host_send(runtime, host_url(server)), 200);
  check_int(origin_requests(server), 1);
}

IT("loads a file, and keeps the chain when that is gone or broken") {
  char path[] = "/tmp/viesti.XXXXXX";
  viesti *runtime = host_open(NULL);
  int fd = mkstemp(path);
  require(runtime && fd >= 0);
  check(write(fd, MOCK, strlen(MOCK)) > 0);
  check_int(viesti_load_file(runtime, path), VIESTI_OK);
  check(write(fd, " (", 2) == 2);
  check_int(viesti_load_file(runtime, path), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), path));
  close(fd);
  unlink(path);
  check_int(viesti_load_file(runtime, path), VIESTI_FAILED);
  check(strstr(viesti_last_error(runtime), "No such file"));
  check_int(viesti_load_file(runtime, NULL), VIESTI_MISUSE);
  check_int(viesti_load_file(runtime, ""), VIESTI_FAILED);
  check_text(vi_text_of(viesti_last_error(runtime)), "viesti_load_file: the path is empty");
  check_int(host_send(runtime, URL), 200);
}

IT("says what the library is and can do") {
  check(strlen(viesti_version()) >= 5);
  check_int(viesti_has("tls"), 1);
  check_int(viesti_has("teleport"), 0);
  check_int(viesti_has(NULL), 0);
}

IT("hands out its state, and leaves what the host has on its stack alone") {
  viesti *runtime = host_open(MOCK);
  require(runtime);
  lua_State *L = viesti_lua(runtime);
  require(L);
  lua_pushliteral(L, "mine");
  check_int(host_send(runtime, URL), 200);
  check_text(vi_text_of(lua_tostring(L, -1)), "mine");
  check_int(lua_gettop(L), 1);
  lua_pop(L, 1);
  check(!viesti_lua(NULL));
}

IT("gives its modules to a state of the host's own") {
  lua_State *L = luaL_newstate();
  require(L);
  luaL_openlibs(L);
  check_int(luaL_dostring(L, "package.path = ''"), LUA_OK);
  luaL_requiref(L, "viesti", luaopen_viesti, 0);
  lua_pop(L, 1);
  if (!check(luaL_dostring(L, "local viesti = require 'viesti'\n"
                              "assert(require 'viesti.chains.chain' == viesti.chain)\n"
                              "assert(viesti.MockSender { routes = { { answer = {} } } }\n"
                              "  :send { url = 'http://example.test/' }.status_code == 200)") ==
             LUA_OK))
    printf("# %s\n", lua_tostring(L, -1));
  lua_close(L);
}

IT("says that a state without Lua's libraries has none") {
  lua_State *L = luaL_newstate();
  require(L);
  lua_pushcfunction(L, luaopen_viesti);
  check(lua_pcall(L, 0, 1, 0) == LUA_ERRRUN && strstr(lua_tostring(L, -1), "luaL_openlibs"));
  lua_close(L);
}

IT("says nothing of nothing") {
  viesti_close(NULL);
  viesti_response_release(NULL);
  viesti_store_release(NULL);
  viesti_wakeup(NULL);
  check_int(viesti_open(NULL, NULL), VIESTI_MISUSE);
  check_int(viesti_store_open(NULL, NULL), VIESTI_MISUSE);
  check_int(viesti_step(NULL, 0), VIESTI_MISUSE);
  check_int(viesti_cancel(NULL, 1), VIESTI_MISUSE);
  check_int(viesti_pending(NULL), 0);
  check_int(viesti_fd(NULL), -1);
  check_int(viesti_timeout(NULL), -1);
}
