#include "binding/support.h"

#include <math.h>

vi_text vi_check_text(lua_State *L, int index) {
  vi_text text;
  text.data = luaL_checklstring(L, index, &text.length);
  return text;
}

void vi_push_text(lua_State *L, vi_text text) {
  lua_pushlstring(L, text.length ? text.data : "", text.length);
}

double vi_opt_seconds(lua_State *L, int index, double fallback) {
  if (lua_isnoneornil(L, index))
    return fallback;
  double seconds = luaL_checknumber(L, index);
  luaL_argcheck(L, seconds >= 0 && !isnan(seconds), index, "seconds must be 0 or more");
  return seconds;
}

void vi_new_type(lua_State *L, const char *type, const char *name, const luaL_Reg *metamethods,
                 const luaL_Reg *methods) {
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  luaL_newmetatable(L, type);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, metamethods, 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable"); /* getmetatable must not hand out __gc */
  lua_pop(L, 1);
  lua_setfield(L, -2, name);
}

void vi_account(lua_State *L, size_t bytes) {
  enum { WORTH_MENTIONING = 4096, MOST = 1 << 30 };
  if (bytes >= WORTH_MENTIONING && lua_gc(L, LUA_GCISRUNNING))
    lua_gc(L, LUA_GCSTEP, (int)((bytes < MOST ? bytes : MOST) / 1024));
}
