/* A fuzz target in Lua. A program called NAME runs spec/fuzz/fuzz_NAME.lua, which returns a
 * function that takes any bytes and raises where a promise is broken. It finds viesti below `lua`,
 * the core in the program, and is run from the root of the source tree.
 *
 * What it promises for all of them: its memory is bounded, and neither that nor the number of open
 * descriptors grows from input to input. */
#include "fuzz.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>
#include <unistd.h>

int luaopen_viesti_core(lua_State *L);

/* The lines of Lua that an input has reached, for libFuzzer to count as it counts branches of C. */
enum { LINES = 1 << 14 };
#ifdef __linux__
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t lines[LINES];

enum {
  MOST_MEMORY = 128 * 1024 * 1024,
  LOOKS_EVERY = 16,          /* inputs */
  MAY_GROW = 256 * 1024,     /* bytes: what is kept of every input would soon be more */
  STEP = 1000,               /* instructions between two looks at */
  MOST_INSTRUCTIONS = 100000 /* those of a text that is not the tree's, see below */
};

enum { DESCRIBE = 1, TARGET }; /* what is on its stack */

static lua_State *L;
static size_t memory, inputs, settled_memory;
static int settled_descriptor, instructions;

static void *allocate(void *user, void *block, size_t old_size, size_t size) {
  (void)user;
  size_t before = block ? old_size : 0;
  if (size > before && size - before > MOST_MEMORY - memory)
    return NULL;
  void *moved = size > 0 ? realloc(block, size) : NULL;
  if (size == 0)
    free(block);
  if (moved || size == 0)
    memory = memory - before + size;
  return moved;
}

static uint32_t hash_of(const char *text, int line) {
  uint32_t hash = 2166136261U ^ (uint32_t)line;
  for (; *text; text++)
    hash = (hash ^ (uint8_t)*text) * 16777619U;
  return hash;
}

/* A text that is run as Lua may loop for ever, unless it is ended here: more and more often, until
 * it is outside of all its own protected calls. */
static void end_text(lua_State *state, lua_Hook hook) {
  instructions += STEP;
  if (instructions <= MOST_INSTRUCTIONS)
    return;
  lua_sethook(state, hook, LUA_MASKLINE | LUA_MASKCOUNT, 1);
  luaL_error(state, "it takes too long");
}

static void look(lua_State *state, lua_Debug *frame) {
  lua_getinfo(state, "S", frame);
  bool is_ours = frame->source[0] == '@';
  if (frame->event == LUA_HOOKLINE && is_ours) {
    uint8_t *count = &lines[hash_of(frame->source, frame->currentline) % LINES];
    *count = (uint8_t)(*count + (*count < UINT8_MAX));
  } else if (frame->event == LUA_HOOKCOUNT && !is_ours)
    end_text(state, look);
}

static void check(int status) {
  if (status == LUA_OK)
    return;
  fprintf(stderr, "broken: %s\n", lua_tostring(L, -1));
  abort();
}

static int describe(lua_State *state) {
  luaL_traceback(state, state, luaL_tolstring(state, 1, NULL), 1);
  return 1;
}

/* The number that the next descriptor would have: descriptors that are left open make it grow. */
static int next_descriptor(void) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  PROMISE(fd >= 0 && close(fd) == 0);
  return fd;
}

static void look_for_growth(void) {
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT); /* what finalizers held */
  if (inputs == LOOKS_EVERY) {
    settled_memory = memory;
    settled_descriptor = next_descriptor();
  }
  PROMISE(memory <= settled_memory + MAY_GROW);
  PROMISE(next_descriptor() <= settled_descriptor);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count;
  const char *slash = strrchr((*arguments)[0], '/');
  char path[200];
  snprintf(path, sizeof path, "spec/fuzz/fuzz_%s.lua", slash ? slash + 1 : (*arguments)[0]);
  PROMISE((L = lua_newstate(allocate, NULL)));
  luaL_openlibs(L);
  luaL_requiref(L, "viesti.core", luaopen_viesti_core, 0);
  lua_settop(L, 0);
  lua_pushcfunction(L, describe);
  check(luaL_dostring(L, "package.path = 'lua/?.lua;lua/?/init.lua;./?.lua;' .. package.path"));
  check(luaL_loadfile(L, path));
  check(lua_pcall(L, 0, 1, DESCRIBE));
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  instructions = 0;
  lua_sethook(L, look, LUA_MASKLINE | LUA_MASKCOUNT, STEP);
  lua_pushvalue(L, TARGET);
  lua_pushlstring(L, (const char *)bytes, length);
  check(lua_pcall(L, 1, 0, DESCRIBE));
  lua_sethook(L, NULL, 0, 0);
  if (++inputs % LOOKS_EVERY == 0)
    look_for_growth();
  return 0;
}
