#include "binding/support.h"

#include "message/url.h"

#include <string.h>

const char VI_TYPE_HEADERS[] = "viesti.Headers";
const char VI_TYPE_REQUEST[] = "viesti.Request";
const char VI_TYPE_RESPONSE[] = "viesti.Response";
const char VI_TYPE_ERROR[] = "viesti.Error";
const char VI_TYPE_SESSION[] = "viesti.Session";
const char VI_TYPE_LOOP[] = "viesti.Loop";
const char VI_TYPE_TASK[] = "viesti.Task";
const char VI_TYPE_STORE[] = "viesti.Store";
const char VI_TYPE_CACHE[] = "viesti.Cache";
const char VI_TYPE_VERDICT[] = "viesti.Verdict";
const char VI_TYPE_MULTIPART[] = "viesti.Multipart";
const char VI_TYPE_REFRESHER[] = "viesti.Refresher";

void *vi_push_bare_box(lua_State *L, size_t size, int user_values, const char *type) {
  char *box = lua_newuserdatauv(L, size + sizeof type, user_values);
  memset(box, 0, size);
  memcpy(box + size, &type, sizeof type);
  return box;
}

void *vi_push_box(lua_State *L, size_t size, int user_values, const char *type) {
  void *box = vi_push_bare_box(L, size, user_values, type);
  vi_set_type(L, type);
  return box;
}

void *vi_test_box(lua_State *L, int index, const char *type) {
  char *box = lua_touserdata(L, index);
  const char *mark = NULL;
  size_t size = box ? (size_t)lua_rawlen(L, index) : 0;
  if (size > sizeof mark)
    memcpy(&mark, box + size - sizeof mark, sizeof mark);
  return mark == type ? box : NULL;
}

void *vi_check_box(lua_State *L, int index, const char *type) {
  void *box = vi_test_box(L, index, type);
  if (!box)
    vi_raise_type(L, index, type);
  return box;
}

void vi_set_type(lua_State *L, const char *type) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, type);
  lua_setmetatable(L, -2);
}

void vi_make_slots(lua_State *L, int count) {
  if (!lua_checkstack(L, count))
    luaL_error(L, "not enough memory");
}

int vi_count_pairs(lua_State *L, int index) {
  int count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    count++;
  return count;
}

void vi_add_pairs(lua_State *L, int index) {
  int to = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
  }
}

vi_text vi_check_text(lua_State *L, int index) {
  vi_text text;
  text.data = luaL_checklstring(L, index, &text.length);
  return text;
}

void vi_push_text(lua_State *L, vi_text text) {
  lua_pushlstring(L, text.length ? text.data : "", text.length);
}

void vi_set_text(lua_State *L, const char *name, vi_text text) {
  vi_push_text(L, text);
  lua_setfield(L, -2, name);
}

void vi_push_public_url(lua_State *L, vi_text url) {
  vi_text secret = vi_url_credentials(url);
  if (secret.length == 0) {
    vi_push_text(L, url);
    return;
  }
  size_t before = (size_t)(secret.data - url.data), after = before + secret.length;
  vi_push_text(L, (vi_text){url.data, before});
  lua_pushliteral(L, "***@");
  vi_push_text(L, (vi_text){url.data + after, url.length - after});
  lua_concat(L, 3);
}

const char *vi_push_given(lua_State *L, int index) {
  const char *text = luaL_tolstring(L, index, NULL);
  return lua_type(L, index) == LUA_TSTRING ? lua_pushfstring(L, "\"%s\"", text) : text;
}

double vi_opt_seconds(lua_State *L, int index, double fallback, const char *what) {
  if (lua_isnoneornil(L, index))
    return fallback;
  int is_number;
  double seconds = lua_tonumberx(L, index, &is_number);
  if (!is_number || !(seconds >= 0))
    vi_raise(L, "%s needs seconds, a number of 0 or more, got %s", what, vi_push_given(L, index));
  return seconds;
}

void vi_new_type(lua_State *L, const char *type, const char *name, const luaL_Reg *metamethods,
                 const luaL_Reg *methods) {
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  luaL_newmetatable(L, type);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, type);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, metamethods, 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable"); /* getmetatable must not hand out __gc */
  lua_pop(L, 1);
  lua_setfield(L, -2, name);
}
