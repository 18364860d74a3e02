/* Copies of what a caller gave, which is his to edit. */
#include "binding/objects.h"

enum { DEEPEST = 1000, OWN_SLOTS = 6 };

/* Puts a copy of the table on top of the stack in its place. */
static void copy_table(lua_State *L, int depth) {
  if (depth > DEEPEST)
    vi_raise(L, "tables nested more than %d deep, or in a circle", DEEPEST);
  vi_make_slots(L, OWN_SLOTS);
  int from = lua_gettop(L), to = from + 1, count = vi_count_pairs(L, from);
  bool is_list = lua_rawlen(L, from) == (lua_Unsigned)count;
  lua_createtable(L, is_list ? count : 0, is_list ? 0 : count);
  for (lua_pushnil(L); lua_next(L, from);) {
    if (vi_is_plain_table(L, -1))
      copy_table(L, depth + 1);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
  }
  lua_replace(L, from);
}

void vi_push_copy(lua_State *L, int index) {
  lua_pushvalue(L, index);
  if (vi_is_plain_table(L, -1))
    copy_table(L, 1);
}

/* copy(value) -> what vi_push_copy says */
static int copy(lua_State *L) {
  luaL_checkany(L, 1);
  vi_push_copy(L, 1);
  return 1;
}

void vi_open_copy(lua_State *L) {
  lua_pushcfunction(L, copy);
  lua_setfield(L, -2, "copy");
}
