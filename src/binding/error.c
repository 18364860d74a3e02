#include "binding/objects.h"
#include "transport/curl_error.h"

/* An Error is a table { kind, message, code, sent, retryable, request, ... } with this metatable;
 * layers may add fields (attempts). */

int vi_push_failure(lua_State *L, const vi_error *error, int request) {
  if (request)
    request = lua_absindex(L, request);
  lua_pushnil(L);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, vi_error_kind_name(error->kind));
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, error->message);
  lua_setfield(L, -2, "message");
  if (error->timeout) {
    lua_pushstring(L, vi_timeout_name(error->timeout));
    lua_setfield(L, -2, "timeout");
  }
  lua_pushinteger(L, error->code);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, error->maybe_sent ? "maybe" : "no");
  lua_setfield(L, -2, "sent");
  lua_pushboolean(L, error->retryable);
  lua_setfield(L, -2, "retryable");
  if (request) {
    lua_pushvalue(L, request);
    lua_setfield(L, -2, "request");
  }
  vi_set_type(L, VI_TYPE_ERROR);
  return 2;
}

/* error(kind, message, request, sent) -> Error, or nil and what is wrong: for layers written in
 * Lua. Where the request may be sent again is worked out if `sent` ("no", "maybe") is said. */
static int error_new(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const char *message = luaL_checkstring(L, 2);
  vi_error_kind kind = vi_error_kind_of(name);
  if (kind == VI_ERROR_NONE) {
    lua_pushnil(L);
    lua_pushfstring(L, "there is no kind '%s'", name);
    return 2;
  }
  vi_error error;
  vi_error_set(&error, kind, "%s", message);
  if (!lua_isnoneornil(L, 4)) {
    error.maybe_sent = *luaL_checkstring(L, 4) != 'n';
    vi_curl_error_weigh(&error, vi_check_request(L, 3));
  }
  vi_push_failure(L, &error, lua_isnoneornil(L, 3) ? 0 : 3);
  return 1;
}

/* How many attempts came to this: 1 where nothing that sends again says so. */
static lua_Integer attempts_of(lua_State *L) {
  lua_getfield(L, 1, "attempts");
  lua_Integer count = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 1;
  lua_pop(L, 1);
  return count;
}

/* "timeout: Connection timed out after 100 milliseconds, after 4 attempts (GET http://...)"; of one
 * about a response, which its message names, "program.lua:7: 404 Not Found for http://..." */
static int error_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "response") != LUA_TNIL) {
    lua_getfield(L, 1, "place");
    lua_getfield(L, 1, "message");
    lua_pushfstring(L, "%s%s", luaL_optstring(L, 3, ""), luaL_tolstring(L, 4, NULL));
    return 1;
  }
  lua_settop(L, 1);
  lua_getfield(L, 1, "kind");
  lua_getfield(L, 1, "message");
  lua_pushfstring(L, "%s: %s", luaL_tolstring(L, 2, NULL), luaL_tolstring(L, 3, NULL));
  lua_Integer attempts = attempts_of(L);
  if (attempts > 1)
    lua_pushfstring(L, "%s, after %I attempts", lua_tostring(L, -1), (LUAI_UACINT)attempts);
  lua_getfield(L, 1, "request");
  vi_request **request = vi_test_box(L, -1, VI_TYPE_REQUEST);
  lua_pop(L, 1);
  if (!request || !*request) /* none, or one that was collected before the error */
    return 1;
  vi_push_public_url(L, vi_buffer_text(&(*request)->url));
  lua_pushfstring(L, "%s (%s %s)", lua_tostring(L, -2), (*request)->method.data,
                  lua_tostring(L, -1));
  return 1;
}

/* "no title: " .. err, as for an error in words */
static int error_concat(lua_State *L) {
  lua_settop(L, 2);
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

void vi_open_error(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__tostring", error_tostring}, {"__concat", error_concat}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {{"error", error_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_ERROR, "Error", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
