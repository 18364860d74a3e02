/* Lua code without memory, Lua's or the core's: whatever allocation fails, the script gets an error
 * that says so, nothing is lost or left, and the state goes on when there is memory again. */
#include "../c/origin.h"
#include "../c/tap.h"
#include "memory.h"
#include "viesti.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static const origin_answer ANSWERS[] = {
    {.bytes = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\nVary: Accept\r\n"
              "Content-Length: 28\r\n\r\n{\"list\": [1, 2, 3], \"a\": 1}\n",
     .then = ORIGIN_KEEP}};

/* The error on top of the stack. */
static bool is_about_memory(lua_State *L) {
  if (lua_istable(L, -1) && lua_getfield(L, -1, "kind") == LUA_TSTRING &&
      strcmp(lua_tostring(L, -1), "out_of_memory") == 0)
    return true;
  const char *message = lua_tostring(L, -1);
  return message && strstr(message, "memory");
}

static void print_error(lua_State *L) {
  lua_settop(L, 2);
  printf("# %s\n", luaL_tolstring(L, 2, NULL));
}

typedef struct shortage {
  memory_heap heap;
  int times;
} shortage;

/* Runs the script at 1 with so many allocations granted. True if nothing was refused, or if
 * something was and the script failed for that reason. */
static bool run_short(lua_State *L, shortage of, long granted, bool *refused) {
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  memory_limit(of.heap, granted, of.times);
  int status = lua_pcall(L, 0, 0, 0);
  *refused = memory_unlimit(of.heap);
  bool collects = of.heap == LUA_HEAP && of.times == ONCE;
  bool fine = status == LUA_OK || (*refused && !collects && is_about_memory(L));
  if (!fine)
    print_error(L);
  return fine;
}

/* With all the memory there is. */
static bool run(lua_State *L) {
  bool refused;
  return run_short(L, (shortage){LUA_HEAP, 0}, 0, &refused);
}

static long live_in_core(lua_State *L) {
  lua_settop(L, 1);
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT);
  return memory_live(CORE_HEAP);
}

/* After each failure the script must run as before it, and leave nothing behind. */
static void fail_each_allocation_in(lua_State *L, shortage of) {
  bool refused;
  require(run(L) && run(L));
  long before = live_in_core(L);
  for (long granted = 0;; granted++) {
    tap_at("%s allocation %ld, %d times", of.heap == LUA_HEAP ? "Lua's" : "the core's", granted + 1,
           of.times);
    require(run_short(L, of, granted, &refused));
    if (!refused) {
      check(granted > 0);
      break;
    }
    require(run(L));
    if (!check_int(live_in_core(L), before))
      break;
  }
}

/* The scenario of that name becomes the only value on the stack. */
static bool load(lua_State *L, const origin *server, const char *scenario) {
  lua_settop(L, 0);
  bool loaded = luaL_loadfile(L, "spec/lua_c/scenarios.lua") == LUA_OK;
  if (loaded) {
    lua_pushfstring(L, "http://127.0.0.1:%d/", origin_port(server));
    loaded = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_getfield(L, 1, scenario) == LUA_TFUNCTION;
  }
  if (!loaded)
    printf("# %s\n", lua_tostring(L, -1));
  lua_replace(L, 1);
  lua_settop(L, 1);
  return loaded;
}

static void fail_each_allocation_of(const char *scenario) {
  static const shortage all[] = {{LUA_HEAP, ONCE},
                                 {LUA_HEAP, TWICE},
                                 {LUA_HEAP, FOR_GOOD},
                                 {CORE_HEAP, ONCE},
                                 {CORE_HEAP, FOR_GOOD}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    origin *server = origin_start(ANSWERS, 1); /* which takes so many connections and no more */
    viesti *runtime = NULL;
    require(server && viesti_open(&runtime, NULL) == VIESTI_OK);
    if (check(load(memory_last_state(), server, scenario)))
      fail_each_allocation_in(memory_last_state(), all[i]);
    viesti_close(runtime);
    origin_stop(server);
    check_int(memory_live(LUA_HEAP), 0);
    check_int(memory_live(CORE_HEAP), 0);
  }
}

IT("builds a chain and prints it") {
  fail_each_allocation_of("chain");
}

IT("loads a chain file, and reads it again") {
  fail_each_allocation_of("chain_file");
}

IT("loads a chain that nobody vouches for") {
  fail_each_allocation_of("untrusted");
}

IT("sends a request made from a table and reads the response") {
  fail_each_allocation_of("request");
}

IT("sends a request that layers have changed") {
  fail_each_allocation_of("changed");
}

/* JSON is not read here: lua-cjson loses what it holds where there is no memory. */
IT("makes a request of plain options") {
  fail_each_allocation_of("plain_request");
}

IT("streams a response in chunks") {
  fail_each_allocation_of("stream");
}

IT("closes what layers have given a stream to close") {
  fail_each_allocation_of("endings");
}

IT("streams what a mock answers, and tells of it") {
  fail_each_allocation_of("mock");
}

IT("limits requests, and has every slot back") {
  fail_each_allocation_of("limits");
}

IT("sends a body by pieces, blocking or not") {
  fail_each_allocation_of("upload");
}

IT("sends from two tasks at once") {
  fail_each_allocation_of("tasks");
}

IT("serves from a cache") {
  fail_each_allocation_of("cache");
}

IT("serves from a part of a cache, and finds it again") {
  fail_each_allocation_of("keyed_cache");
}

IT("makes an error of a request that fails") {
  fail_each_allocation_of("failure");
}

IT("cancels tasks that wait") {
  fail_each_allocation_of("cancel");
}

IT("copies a request and makes a response") {
  fail_each_allocation_of("values");
}

IT("keeps cookies") {
  fail_each_allocation_of("cookies");
}
