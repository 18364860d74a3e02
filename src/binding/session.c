#include "binding/transport.h"

#include <string.h>

vi_session *vi_check_session(lua_State *L, int index) {
  vi_session **box = vi_check_box(L, index, VI_TYPE_SESSION);
  return *box;
}

static double number_field(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  double value = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value < 1e15 ? value : 0; /* math.huge: no limit */
}

static bool boolean_field(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The string stays alive in the options table; NULL if absent. */
static const char *string_field(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  const char *value = lua_isnil(L, -1) ? NULL : luaL_checkstring(L, -1);
  lua_pop(L, 1);
  return value;
}

static vi_http_version http_version_field(lua_State *L) {
  const char *version = string_field(L, "http_version");
  if (version && strcmp(version, "1.1") == 0)
    return VI_HTTP_1_1;
  return version && strcmp(version, "2") == 0 ? VI_HTTP_2 : VI_HTTP_AUTO;
}

/* session(options) -> Session; all options present and checked by session.lua */
static int session_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  vi_session_options options = {
      .timeout = number_field(L, "timeout"),
      .connect_timeout = number_field(L, "connect_timeout"),
      .idle_timeout = number_field(L, "idle_timeout"),
      .max_body = (size_t)number_field(L, "max_body"),
      .max_connections = (long)number_field(L, "max_connections"),
      .http_version = http_version_field(L),
      .decode = boolean_field(L, "decode"),
      .verify = boolean_field(L, "verify"),
      .ca = string_field(L, "ca"),
      .proxy = string_field(L, "proxy"),
      .user_agent = string_field(L, "user_agent"),
  };
  if (options.max_body == 0)
    options.max_body = SIZE_MAX;
  vi_session **box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = NULL;
  vi_set_type(L, VI_TYPE_SESSION);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  vi_error error;
  *box = vi_session_new(&options, &error);
  return *box ? 1 : luaL_error(L, "%s", error.message);
}

static int session_options(lua_State *L) {
  vi_check_session(L, 1);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static int session_close(lua_State *L) {
  vi_session *session = vi_check_session(L, 1);
  if (session)
    vi_session_close(session);
  return 0;
}

static int session_is_closed(lua_State *L) {
  lua_pushboolean(L, vi_check_session(L, 1)->closed);
  return 1;
}

static int session_gc(lua_State *L) {
  vi_session **box = vi_check_box(L, 1, VI_TYPE_SESSION);
  vi_session_release(*box);
  *box = NULL;
  return 0;
}

void vi_open_session(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__gc", session_gc}, {"__close", session_close}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", session_close},
                                     {"is_closed", session_is_closed},
                                     {"given_options", session_options},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"session", session_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_SESSION, "Session", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
