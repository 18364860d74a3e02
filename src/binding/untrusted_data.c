/* Brings what an untrusted chain returns out of its state, as data: tables, strings, numbers,
 * booleans, and calls of words. A call becomes a table { word, line, count, arguments } whose
 * metatable is core.UntrustedCall, the same one for the same one; a word that was not called, such
 * a table of a word alone. */
#include "binding/untrusted.h"

#include <string.h>

const char VI_TYPE_UNTRUSTED_CALL[] = "viesti.UntrustedCall";

enum {
  MOST_CALLS = 100,
  MOST_DEPTH = 100,
  LONGEST_KEY = 100, /* that is named in a message */
  VALUE_BYTES = 64,  /* what a value counts for, besides the bytes of a string */
};

int vi_call_word(lua_State *U) {
  int arguments = lua_gettop(U);
  lua_Debug caller;
  bool known = lua_getstack(U, 1, &caller) && lua_getinfo(U, "l", &caller);
  lua_createtable(U, arguments, 0);
  lua_insert(U, 1);
  for (int i = arguments; i > 0; i--)
    lua_rawseti(U, 1, i);
  vi_call *self = lua_newuserdatauv(U, sizeof *self, VI_CALL_VALUES);
  *self = (vi_call){.line = known ? caller.currentline : 0, .count = arguments};
  lua_pushvalue(U, lua_upvalueindex(1));
  lua_setiuservalue(U, -2, VI_CALL_WORD);
  lua_pushvalue(U, 1);
  lua_setiuservalue(U, -2, VI_CALL_ARGUMENTS);
  return 1;
}

/* One way to bring things over: from the throwaway state to the other. */
typedef struct crossing {
  lua_State *U, *L;
  const char *name;
  size_t left;            /* bytes */
  int known;              /* the table of calls */
  int calls;              /* so far */
  const char *word, *key; /* where we are: of the state's, which stay on its stack */
  int line;
} crossing;

VI_RAISES static int refuse(crossing *c, const char *sentence) {
  lua_State *L = c->L;
  if (c->line)
    lua_pushfstring(L, "%s:%d: %s: ", c->name, c->line, c->word);
  else
    lua_pushliteral(L, "");
  if (c->line && c->key && strlen(c->key) <= LONGEST_KEY)
    lua_pushfstring(L, "%s: %s", c->key, sentence);
  else
    lua_pushstring(L, sentence);
  lua_concat(L, 2);
  return lua_error(L);
}

VI_RAISES static void spend(crossing *c, size_t bytes) {
  if (bytes > c->left)
    refuse(c, "an untrusted chain may return no more than 8 MiB of data");
  c->left -= bytes;
}

VI_RAISES static void cross(crossing *c, int depth);

/* Of a table on top of `U`, as a new one. */
VI_RAISES static void cross_table(crossing *c, int depth) {
  const char *key = c->key;
  lua_newtable(c->L);
  for (lua_pushnil(c->U); lua_next(c->U, -2);) {
    if (lua_type(c->U, -2) == LUA_TSTRING)
      c->key = lua_tostring(c->U, -2);
    lua_pushvalue(c->U, -2);
    cross(c, depth + 1);
    cross(c, depth + 1);
    lua_rawset(c->L, -3);
    c->key = key;
  }
}

/* An empty call of the word on top of `U`, which goes. */
VI_RAISES static void push_call(crossing *c) {
  if (++c->calls > MOST_CALLS)
    refuse(c, "an untrusted chain may be made of no more than 100 parts");
  lua_newtable(c->L);
  lua_pushstring(c->L, lua_tostring(c->U, -1));
  lua_setfield(c->L, -2, "word");
  lua_rawgetp(c->L, LUA_REGISTRYINDEX, VI_TYPE_UNTRUSTED_CALL);
  lua_setmetatable(c->L, -2);
}

/* Of a call on top of `U`; the same one for the same one. */
VI_RAISES static void cross_call(crossing *c, int depth) {
  const vi_call *self = lua_touserdata(c->U, -1);
  if (lua_rawgetp(c->L, c->known, self) == LUA_TTABLE)
    return;
  lua_pop(c->L, 1);
  crossing outer = *c;
  lua_getiuservalue(c->U, -1, VI_CALL_WORD);
  push_call(c);
  c->word = lua_tostring(c->U, -1);
  c->line = self->line;
  c->key = NULL;
  lua_getiuservalue(c->U, -2, VI_CALL_ARGUMENTS);
  cross(c, depth + 1);
  lua_setfield(c->L, -2, "arguments");
  lua_pushinteger(c->L, self->count);
  lua_setfield(c->L, -2, "count");
  lua_pushinteger(c->L, self->line);
  lua_setfield(c->L, -2, "line");
  lua_pop(c->U, 1);
  c->word = outer.word;
  c->line = outer.line;
  c->key = outer.key;
  lua_pushvalue(c->L, -1);
  lua_rawsetp(c->L, c->known, self);
}

VI_RAISES static void cross_function(crossing *c) {
  if (lua_tocfunction(c->U, -1) != vi_call_word)
    refuse(c, "an untrusted chain may hold data only, and a function is none");
  lua_getupvalue(c->U, -1, 1);
  push_call(c);
  lua_pop(c->U, 1);
}

VI_RAISES static void cross_number(crossing *c) {
  if (lua_isinteger(c->U, -1))
    lua_pushinteger(c->L, lua_tointeger(c->U, -1));
  else
    lua_pushnumber(c->L, lua_tonumber(c->U, -1));
}

/* Brings the value on top of `U`, which goes, to the top of `L`. Whoever raises leaves both as they
 * are. */
void cross(crossing *c, int depth) {
  if (depth > MOST_DEPTH || !lua_checkstack(c->U, 8))
    refuse(c, "what an untrusted chain returns is nested too deep, or in itself");
  luaL_checkstack(c->L, 8, NULL);
  spend(c, VALUE_BYTES);
  size_t length;
  switch (lua_type(c->U, -1)) {
  case LUA_TBOOLEAN:
    lua_pushboolean(c->L, lua_toboolean(c->U, -1));
    break;
  case LUA_TNUMBER:
    cross_number(c);
    break;
  case LUA_TSTRING: {
    const char *bytes = lua_tolstring(c->U, -1, &length);
    spend(c, length);
    lua_pushlstring(c->L, bytes, length);
    break;
  }
  case LUA_TTABLE:
    cross_table(c, depth);
    break;
  case LUA_TUSERDATA:
    cross_call(c, depth);
    break;
  case LUA_TFUNCTION:
    cross_function(c);
    break;
  default:
    lua_pushnil(c->L);
  }
  lua_pop(c->U, 1);
}

void vi_cross(lua_State *U, lua_State *L, int calls, const char *name) {
  crossing c = {.U = U, .L = L, .name = name, .known = calls, .left = VI_UNTRUSTED_MEMORY};
  cross(&c, 0);
}
