#include "binding/objects.h"

#include <string.h>

/* A view into a request or response that its user value keeps alive. */
typedef struct headers_box {
  const vi_headers *headers;
  const void *owner; /* the owner's box, which begins with its core: NULL once it is collected */
} headers_box;

void vi_push_headers(lua_State *L, const vi_headers *headers, int owner) {
  owner = lua_absindex(L, owner);
  headers_box *box = vi_push_box(L, sizeof *box, 1, VI_TYPE_HEADERS);
  box->headers = headers;
  box->owner = lua_touserdata(L, owner);
  lua_pushvalue(L, owner);
  lua_setiuservalue(L, -2, 1);
}

static const vi_headers *check_headers(lua_State *L, int index) {
  const headers_box *box = vi_check_box(L, index, VI_TYPE_HEADERS);
  const void *core;
  memcpy(&core, box->owner, sizeof core);
  luaL_argcheck(L, core, index, "the headers have been collected");
  return box->headers;
}

/* All values of a name as one string. Set-Cookie is the one field that must not be joined
 * (RFC 9110 5.3): its first value stands for it. */
static int push_value(lua_State *L, const vi_headers *headers, vi_text name) {
  size_t first = vi_headers_find(headers, name, 0);
  if (first == headers->count) {
    lua_pushnil(L);
    return 1;
  }
  vi_push_text(L, vi_headers_value(headers, first));
  if (vi_text_equal_nocase(name, VI_TEXT("Set-Cookie")))
    return 1;
  for (size_t i = vi_headers_find(headers, name, first + 1); i < headers->count;
       i = vi_headers_find(headers, name, i + 1)) {
    lua_pushliteral(L, ", ");
    vi_push_text(L, vi_headers_value(headers, i));
    lua_concat(L, 3);
  }
  return 1;
}

static int headers_get(lua_State *L) {
  const vi_headers *headers = check_headers(L, 1);
  return push_value(L, headers, vi_check_text(L, 2));
}

static int headers_get_all(lua_State *L) {
  const vi_headers *headers = check_headers(L, 1);
  vi_text name = vi_check_text(L, 2);
  lua_newtable(L);
  lua_Integer n = 0;
  for (size_t i = vi_headers_find(headers, name, 0); i < headers->count;
       i = vi_headers_find(headers, name, i + 1)) {
    vi_push_text(L, vi_headers_value(headers, i));
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* A method of that name, else the field. */
static int headers_index(lua_State *L) {
  const vi_headers *headers = check_headers(L, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  if (lua_type(L, 2) != LUA_TSTRING)
    return 0;
  return push_value(L, headers, vi_check_text(L, 2));
}

static int headers_newindex(lua_State *L) {
  return vi_raise(L, "Headers cannot be changed; make a new Request with request:with{ headers "
                     "= ... } instead");
}

static int headers_length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_headers(L, 1)->count);
  return 1;
}

/* The iterator keeps its place in its second upvalue: names may repeat, so they cannot be it. */
static int headers_next(lua_State *L) {
  const vi_headers *headers = check_headers(L, lua_upvalueindex(1));
  size_t index = (size_t)lua_tointeger(L, lua_upvalueindex(2));
  if (index >= headers->count)
    return 0;
  lua_pushinteger(L, (lua_Integer)index + 1);
  lua_replace(L, lua_upvalueindex(2));
  vi_push_text(L, vi_headers_name(headers, index));
  vi_push_text(L, vi_headers_value(headers, index));
  return 2;
}

static int headers_pairs(lua_State *L) {
  check_headers(L, 1);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, headers_next, 2);
  return 1;
}

static int headers_tostring(lua_State *L) {
  const vi_headers *headers = check_headers(L, 1);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (size_t i = 0; i < headers->count; i++) {
    vi_text name = vi_headers_name(headers, i), value = vi_headers_value(headers, i);
    luaL_addlstring(&out, name.data, name.length);
    luaL_addlstring(&out, ": ", 2);
    luaL_addlstring(&out, value.length ? value.data : "", value.length);
    luaL_addchar(&out, '\n');
  }
  luaL_pushresult(&out);
  return 1;
}

static bool refuse(lua_State *L, vi_text name, const char *wrong) {
  if (vi_text_is_token(name))
    lua_pushfstring(L, "the header '%s' %s", name.data, wrong);
  else
    lua_pushfstring(L, "the name of the header '%s' %s", vi_text_shown(name).text, wrong);
  return false;
}

bool vi_read_fields(lua_State *L, int index, bool of_request, vi_headers *headers,
                    vi_headers *omitted) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i < count; i += 2) {
    lua_rawgeti(L, index, i);
    lua_rawgeti(L, index, i + 1);
    vi_text name = {NULL, 0}, value = {NULL, 0};
    name.data = lua_tolstring(L, -2, &name.length);
    bool omits = omitted && lua_isboolean(L, -1);
    if (!omits)
      value.data = lua_tolstring(L, -1, &value.length);
    const char *wrong = vi_headers_check(name, value);
    if (!wrong && of_request)
      wrong = vi_headers_check_framing(name);
    if (wrong)
      return refuse(L, name, wrong);
    vi_headers_result result = vi_headers_add(omits ? omitted : headers, name, value);
    if (result == VI_HEADERS_TOO_LARGE)
      return refuse(L, name, "is one too many, or too large");
    if (result == VI_HEADERS_OUT_OF_MEMORY) {
      lua_pushliteral(L, "out of memory");
      return false;
    }
    lua_pop(L, 2);
  }
  return true;
}

void vi_open_headers(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__index", headers_index}, {"__newindex", headers_newindex}, {"__len", headers_length},
      {"__pairs", headers_pairs}, {"__tostring", headers_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"get", headers_get}, {"get_all", headers_get_all}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_HEADERS, "Headers", metamethods, methods);
}
