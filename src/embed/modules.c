/* The Lua modules inside the library, for the runtime's state and for a host's own. */
#include "embed/baked.h"
#include "embed/runtime.h"

#include <lualib.h>

int luaopen_viesti_core(lua_State *L);

/* package.preload's function: upvalue 1 is the module's place in the list. */
static int load_baked(lua_State *L) {
  const vi_baked *module = lua_touserdata(L, lua_upvalueindex(1));
  lua_pushfstring(L, "=%s", module->name);
  if (luaL_loadbufferx(L, (const char *)module->code, module->length, lua_tostring(L, -1), "b"))
    return lua_error(L);
  lua_pushstring(L, module->name);
  lua_call(L, 1, 1);
  return 1;
}

void vi_embed_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const vi_baked *module = vi_baked_modules; module->name; module++) {
    lua_pushlightuserdata(L, (void *)module);
    lua_pushcclosure(L, load_baked, 1);
    lua_setfield(L, -2, module->name);
  }
  lua_pushcfunction(L, luaopen_viesti_core);
  lua_setfield(L, -2, "viesti.core");
  lua_pop(L, 1);
}

void vi_embed_require(lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
}

int luaopen_viesti(lua_State *L) {
  luaL_checkversion(L);
  if (lua_getglobal(L, "require") == LUA_TNIL)
    return luaL_error(L, "luaopen_viesti: the state has no Lua libraries yet (luaL_openlibs)");
  vi_embed_preload(L);
  vi_embed_require(L, "viesti");
  return 1;
}
