/* Runs text that nobody vouches for in a state of its own, which is thrown away, and brings back
 * what it returns as data.
 *
 * Memory is bounded by the state's allocator, time by a hook that counts instructions and looks at
 * the clock. A hook does not run inside of a C function, so there is none here whose time is not
 * bounded by the memory: no patterns, no sort, nothing that loops up to a number it is given. There
 * is no pcall, which would catch what ends the run, and nothing that sets a metatable.
 *
 * The words of a chain do nothing there. Called, they make a *call*, an opaque value that knows
 * word, line and arguments. */
#include "binding/untrusted.h"
#include "message/clock.h"
#include "message/memory.h"

#include <lualib.h>
#include <string.h>
#include <time.h>

enum {
  MOST_TEXT = 64 * 1024, /* the parser takes the square of it, at worst */
  MOST_INSTRUCTIONS = 1000000,
  MOST_SECONDS = 1,
  STEP = 10, /* instructions between two calls of the hook: each may copy all of memory */
  LONGEST_REASON = 1000,
  LONGEST_NAME = 100,
  MOST_MISSING = 100, /* names that mean nothing, and are told of */
};

static const char RUN_TYPE[] = "viesti.UntrustedRun";

typedef struct run {
  lua_State *state; /* owned; NULL once it is closed */
  size_t memory;    /* taken by the state */
  bool refused;     /* it wanted more than it may have */
  long instructions;
  double started;
} run;

/* Seconds that this thread has worked, or that have passed, where that is not to be known. */
static double worked(void) {
#ifdef CLOCK_THREAD_CPUTIME_ID
  struct timespec time;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0)
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
#endif
  return (double)vi_clock_monotonic() / 1e9;
}

static void *allocate(void *context, void *block, size_t old_size, size_t size) {
  run *self = context;
  size_t before = block ? old_size : 0; /* else it is a type */
  if (size > before && size - before > VI_UNTRUSTED_MEMORY - self->memory) {
    self->refused = true;
    return NULL;
  }
  void *moved = NULL;
  if (size == 0)
    vi_free(block);
  else if (!(moved = vi_realloc(block, size)) && size > before)
    return NULL;
  self->memory = self->memory - before + size;
  return size > 0 && !moved ? block : moved; /* what shrinks may stay */
}

static run *run_of(lua_State *U) {
  return *(run **)lua_getextraspace(U);
}

static void count(lua_State *U, lua_Debug *frame) {
  run *self = run_of(U);
  self->instructions += STEP;
  bool slow = worked() - self->started > MOST_SECONDS;
  if (!slow && self->instructions <= MOST_INSTRUCTIONS)
    return;
  lua_getinfo(U, "Sl", frame);
  lua_pushfstring(U, "%s:%d: an untrusted chain may take no more than %s", frame->short_src,
                  frame->currentline, slow ? "a second" : "a million instructions");
  lua_error(U);
}

/* Sets the field `name` of the table at `index` to what is on top; a name with a dot in it is that
 * of a field in a table there. */
static void set_word(lua_State *U, int index, const char *name) {
  const char *dot = strchr(name, '.');
  if (!dot) {
    lua_setfield(U, index, name);
    return;
  }
  lua_pushlstring(U, name, (size_t)(dot - name));
  lua_pushvalue(U, -1);
  if (lua_rawget(U, index) != LUA_TTABLE) {
    lua_pop(U, 1);
    lua_newtable(U);
    lua_pushvalue(U, -2);
    lua_pushvalue(U, -2);
    lua_rawset(U, index);
  }
  lua_pushvalue(U, -3);
  lua_setfield(U, -2, dot + 1);
  lua_pop(U, 3);
}

typedef struct library {
  const char *name; /* "_G": straight into the environment */
  lua_CFunction open;
  const char *const *functions; /* that are left */
} library;

static const char *const BASE[] = {"assert", "error",    "ipairs",   "next", "pairs",
                                   "select", "tonumber", "tostring", "type", NULL};
static const char *const STRING[] = {"byte",    "char", "format", "len", "lower",
                                     "reverse", "sub",  "upper",  NULL};
static const char *const TABLE[] = {"concat", "pack", "unpack", NULL};
static const char *const MATH[] = {"abs",  "ceil",      "floor",      "fmod", "huge",
                                   "log",  "max",       "maxinteger", "min",  "mininteger",
                                   "sqrt", "tointeger", "type",       "pi",   NULL};

static const library LIBRARIES[] = {{"_G", luaopen_base, BASE},
                                    {"string", luaopen_string, STRING},
                                    {"table", luaopen_table, TABLE},
                                    {"math", luaopen_math, MATH}};

static bool is_left(const char *const *functions, const char *name) {
  while (*functions && strcmp(*functions, name) != 0)
    functions++;
  return *functions != NULL;
}

/* Takes all but those away, in place: strings have their methods from that table, too. */
static void strip(lua_State *U, const char *const *functions) {
  for (lua_pushnil(U); lua_next(U, -2); lua_pop(U, 1))
    if (!is_left(functions, lua_tostring(U, -2))) {
      lua_pushvalue(U, -2);
      lua_pushnil(U);
      lua_rawset(U, -5);
    }
}

/* What Lua gives to the text, in the table at 1. */
static void open_libraries(lua_State *U) {
  for (size_t i = 0; i < sizeof LIBRARIES / sizeof *LIBRARIES; i++) {
    luaL_requiref(U, LIBRARIES[i].name, LIBRARIES[i].open, 0);
    strip(U, LIBRARIES[i].functions);
    if (i > 0) {
      lua_setfield(U, 1, LIBRARIES[i].name);
      continue;
    }
    lua_pushvalue(U, 1);
    vi_add_pairs(U, lua_gettop(U) - 1);
    lua_pop(U, 2);
  }
}

/* Where the caller's state has what this run is about. */
enum { TEXT = 1, NAME, WORDS, DATA, BOX, CALLS, ARGUMENTS = DATA };

/* Where the state's registry has the names that were read and mean nothing: a list of them, and
 * the line of each. */
static const char MISSING_KEY = 'm';

/* __index of the table of globals, or of another that stands there; upvalue 1 is that list, upvalue
 * 2 what stands before a name of the other, or "". */
static int note_missing(lua_State *U) {
  lua_settop(U, 2);
  if (lua_type(U, 2) != LUA_TSTRING)
    return 0;
  lua_pushfstring(U, "%s%s", lua_tostring(U, lua_upvalueindex(2)), lua_tostring(U, 2));
  lua_replace(U, 2);
  lua_Unsigned count = lua_rawlen(U, lua_upvalueindex(1));
  lua_pushvalue(U, 2);
  bool noted = lua_rawget(U, lua_upvalueindex(1)) != LUA_TNIL;
  lua_Debug reader;
  if (noted || count >= MOST_MISSING || !lua_getstack(U, 1, &reader) ||
      !lua_getinfo(U, "l", &reader))
    return 0;
  lua_pushvalue(U, 2);
  lua_pushinteger(U, reader.currentline);
  lua_rawset(U, lua_upvalueindex(1));
  lua_pushvalue(U, 2);
  lua_rawseti(U, lua_upvalueindex(1), (lua_Integer)count + 1);
  return 0;
}

/* Has names that the table on top of the stack lacks noted in the list at `list`, with `before`
 * before them. */
static void watch_table(lua_State *U, int list, const char *before) {
  lua_createtable(U, 0, 1);
  lua_pushvalue(U, list);
  lua_pushstring(U, before);
  lua_pushcclosure(U, note_missing, 2);
  lua_setfield(U, -2, "__index");
  lua_setmetatable(U, -2);
}

/* Likewise the table of words of that name, whose own stand behind a dot. */
static void watch_words(lua_State *U, int list, const char *name, size_t length) {
  lua_pushlstring(U, name, length + 1);
  lua_pushlstring(U, name, length);
  lua_rawget(U, 1);
  if (!lua_getmetatable(U, -1))
    watch_table(U, list, lua_tostring(U, -2));
  lua_settop(U, list);
}

/* Likewise the table at 1, and the tables of words in it. */
static void watch_missing(lua_State *U, lua_State *L) {
  lua_newtable(U);
  int list = lua_gettop(U);
  lua_pushvalue(U, list);
  lua_rawsetp(U, LUA_REGISTRYINDEX, &MISSING_KEY);
  lua_Integer words = (lua_Integer)lua_rawlen(L, WORDS);
  for (lua_Integer i = 1; i <= words; i++) {
    lua_rawgeti(L, WORDS, i);
    const char *name = lua_tostring(L, -1), *dot = strchr(name, '.');
    if (dot)
      watch_words(U, list, name, (size_t)(dot - name));
    lua_pop(L, 1);
  }
  lua_pushvalue(U, 1);
  watch_table(U, list, "");
  lua_settop(U, 1);
}

/* Pushes { name, line, name, line, ... }, in the order in which they were read. Nothing is raised
 * in `U`, nor allocated. */
VI_RAISES static void push_missing(lua_State *L, lua_State *U) {
  lua_newtable(L);
  lua_rawgetp(U, LUA_REGISTRYINDEX, &MISSING_KEY);
  lua_Integer count = (lua_Integer)lua_rawlen(U, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    size_t length;
    lua_rawgeti(U, -1, i);
    const char *name = lua_tolstring(U, -1, &length);
    lua_pushlstring(L, name, length < LONGEST_NAME ? length : LONGEST_NAME);
    lua_rawseti(L, -2, 2 * i - 1);
    lua_rawget(U, -2);
    lua_pushinteger(L, lua_tointeger(U, -1));
    lua_rawseti(L, -2, 2 * i);
    lua_pop(U, 1);
  }
  lua_pop(U, 1);
}

/* Words and data of the caller's, into the table at 1. Nothing here raises in `L`. */
static void give_words(lua_State *U, lua_State *L) {
  lua_Integer words = (lua_Integer)lua_rawlen(L, WORDS);
  for (lua_Integer i = 1; i <= words; i++) {
    lua_rawgeti(L, WORDS, i);
    const char *name = lua_tostring(L, -1);
    lua_pushstring(U, name);
    lua_pushcclosure(U, vi_call_word, 1);
    set_word(U, 1, name);
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, DATA); lua_pop(L, 1)) {
    size_t length;
    if (lua_type(L, -1) == LUA_TSTRING) {
      const char *bytes = lua_tolstring(L, -1, &length);
      lua_pushlstring(U, bytes, length);
    } else if (lua_type(L, -1) == LUA_TBOOLEAN)
      lua_pushboolean(U, lua_toboolean(L, -1));
    else if (lua_isinteger(L, -1))
      lua_pushinteger(U, lua_tointeger(L, -1));
    else
      lua_pushnumber(U, lua_tonumber(L, -1));
    lua_setfield(U, 1, lua_tostring(L, -2));
  }
}

/* Protected, in the state itself: runs the text and leaves the first value that it returns, and how
 * many there are. */
static int work(lua_State *U) {
  lua_State *L = lua_touserdata(U, 1);
  lua_settop(U, 0);
  lua_newtable(U);
  open_libraries(U);
  give_words(U, L);
  watch_missing(U, L);
  size_t length;
  const char *text = lua_tolstring(L, TEXT, &length);
  if (luaL_loadbufferx(U, text, length, lua_tostring(L, NAME), "t") != LUA_OK)
    return lua_error(U);
  lua_pushvalue(U, 1);
  lua_setupvalue(U, -2, 1);
  lua_sethook(U, count, LUA_MASKCOUNT, STEP);
  lua_call(U, 0, LUA_MULTRET);
  lua_sethook(U, NULL, 0, 0);
  lua_Integer values = lua_gettop(U) - 1;
  lua_settop(U, 2);
  lua_pushinteger(U, values);
  return 2;
}

static int close_run(lua_State *L) {
  run *self = lua_touserdata(L, 1);
  if (self->state)
    lua_close(self->state);
  self->state = NULL;
  return 0;
}

/* Pushes why the text did not run to its end; what it raised is on top of its stack, and is asked
 * for nothing that would take memory there. */
VI_RAISES static void push_reason(lua_State *L, const run *self, int status) {
  lua_State *U = self->state;
  if (status == LUA_ERRMEM)
    lua_pushstring(L, self->refused ? "an untrusted chain may take no more than 8 MiB of memory"
                                    : "out of memory");
  else if (lua_type(U, -1) == LUA_TSTRING) {
    size_t length = lua_rawlen(U, -1);
    lua_pushlstring(L, lua_tostring(U, -1), length < LONGEST_REASON ? length : LONGEST_REASON);
  } else
    lua_pushfstring(L, "it raised %s%s instead of a sentence", lua_isnil(U, -1) ? "" : "a ",
                    lua_isnil(U, -1) ? "nothing" : luaL_typename(U, -1));
}

VI_RAISES static int give_up(lua_State *L, const char *sentence) {
  lua_pushstring(L, sentence);
  return lua_error(L);
}

VI_RAISES static run *push_run(lua_State *L) {
  run *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (run){.started = worked()};
  lua_rawgetp(L, LUA_REGISTRYINDEX, RUN_TYPE);
  lua_setmetatable(L, -2);
  self->state = lua_newstate(allocate, self);
  if (!self->state)
    give_up(L, "out of memory");
  *(run **)lua_getextraspace(self->state) = self;
  return self;
}

/* run_untrusted(text, name, words, data) -> what the text returns, as data, the names that it has
 * read and that mean nothing, with their lines, and how many values it returns, of which that is
 * the first; or raises a sentence. `words` is a list of
 * names, `data` has strings, numbers and booleans by name. The name is one for Lua's load. */
static int run_untrusted(lua_State *L) {
  lua_settop(L, ARGUMENTS);
  luaL_argcheck(L, *luaL_checkstring(L, NAME), NAME, "no name for Lua's load");
  run *self = push_run(L);
  lua_toclose(L, BOX);
  lua_newtable(L);
  if (lua_rawlen(L, TEXT) > MOST_TEXT)
    return give_up(L, "an untrusted chain may have no more than 64 KiB");
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_State *U = self->state;
  lua_pushcfunction(U, work);
  lua_pushlightuserdata(U, L);
  int status = lua_pcall(U, 1, 2, 0);
  lua_settop(L, CALLS); /* where it was left in the middle of the words */
  if (status != LUA_OK) {
    push_reason(L, self, status);
    return lua_error(L);
  }
  lua_Integer values = lua_tointeger(U, -1);
  lua_pop(U, 1);
  vi_cross(U, L, CALLS, lua_tostring(L, NAME) + 1);
  push_missing(L, U);
  lua_pushinteger(L, values);
  return 3;
}

/* untrusted_has(library, name) -> whether such a text has that function of Lua's */
static int untrusted_has(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  for (size_t i = 0; i < sizeof LIBRARIES / sizeof *LIBRARIES; i++)
    if (strcmp(LIBRARIES[i].name, name) == 0) {
      lua_pushboolean(L, is_left(LIBRARIES[i].functions, luaL_checkstring(L, 2)));
      return 1;
    }
  return 0;
}

void vi_open_untrusted(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"run_untrusted", run_untrusted}, {"untrusted_has", untrusted_has}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_newtable(L);
  lua_pushcfunction(L, close_run);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, close_run);
  lua_setfield(L, -2, "__close");
  lua_rawsetp(L, LUA_REGISTRYINDEX, RUN_TYPE);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, VI_TYPE_UNTRUSTED_CALL);
  lua_setfield(L, -2, "UntrustedCall");
}
