/* Values that lua-cjson has made of JSON, which has only floats for numbers, put right in place. */
#include "binding/support.h"

#include <math.h>

enum { OWN_SLOTS = 6 };

typedef struct reading {
  vi_text mark; /* before the digits of an integer that no float holds, in a string; empty: none */
  bool keeps_null;
} reading;

/* The number on top of the stack; true: it was replaced. */
static bool settle_number(lua_State *L) {
  static const lua_Number LARGEST_EXACT = 9007199254740992; /* below it each whole one is a float */
  int is_whole;
  lua_Integer whole = lua_tointegerx(L, -1, &is_whole);
  if (!is_whole || lua_isinteger(L, -1) || fabs(lua_tonumber(L, -1)) >= LARGEST_EXACT)
    return false;
  lua_pop(L, 1);
  lua_pushinteger(L, whole);
  return true;
}

static bool settle_string(lua_State *L, const reading *how) {
  vi_text text = {0};
  text.data = lua_tolstring(L, -1, &text.length);
  if (how->mark.length == 0 || text.length < how->mark.length ||
      memcmp(text.data, how->mark.data, how->mark.length) != 0)
    return false;
  lua_stringtonumber(L, text.data + how->mark.length);
  lua_replace(L, -2);
  return true;
}

static bool settle(lua_State *L, const reading *how);

static void settle_table(lua_State *L, const reading *how) {
  vi_make_slots(L, OWN_SLOTS);
  int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    if (settle(L, how)) {
      lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_rawset(L, table);
    }
}

/* The value on top of the stack; true: another stands there now. */
static bool settle(lua_State *L, const reading *how) {
  switch (lua_type(L, -1)) {
  case LUA_TNUMBER:
    return settle_number(L);
  case LUA_TSTRING:
    return settle_string(L, how);
  case LUA_TTABLE:
    settle_table(L, how);
    return false;
  case LUA_TLIGHTUSERDATA:
    if (how->keeps_null)
      return false;
    lua_pop(L, 1);
    lua_pushnil(L);
    return true;
  default:
    return false;
  }
}

/* settle_json(value, mark, keep_null) -> the value, with integers for whole numbers, for those in
 * strings behind `mark`, too, and without null, unless it is to be kept */
static int settle_json(lua_State *L) {
  enum { VALUE = 1, MARK, KEEP_NULL };
  reading how = {.keeps_null = lua_toboolean(L, KEEP_NULL)};
  if (!lua_isnoneornil(L, MARK))
    how.mark = vi_check_text(L, MARK);
  lua_pushvalue(L, VALUE);
  settle(L, &how);
  return 1;
}

/* has_digits(text, count) -> whether there are so many in a row */
static int has_digits(lua_State *L) {
  vi_text text = vi_check_text(L, 1);
  lua_Integer count = luaL_checkinteger(L, 2), found = 0;
  for (size_t i = 0; i < text.length && found < count; i++)
    found = text.data[i] >= '0' && text.data[i] <= '9' ? found + 1 : 0;
  lua_pushboolean(L, found >= count);
  return 1;
}

void vi_open_json_read(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"settle_json", settle_json}, {"has_digits", has_digits}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
