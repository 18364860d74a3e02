#include "binding/transport.h"

#include <string.h>

vi_session *vi_check_session(lua_State *L, int index) {
  vi_session *session = *(vi_session **)vi_check_box(L, index, VI_TYPE_SESSION);
  luaL_argcheck(L, session, index, "the session has been collected");
  return session;
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
  size_t length = 0;
  const char *value = lua_isnil(L, -1) ? NULL : luaL_checklstring(L, -1, &length);
  if (value && strlen(value) != length)
    vi_raise(L, "Session: %s must not have a NUL in it", name);
  lua_pop(L, 1);
  return value;
}

static vi_http_version http_version_field(lua_State *L) {
  static const char *const names[] = {
      [VI_HTTP_AUTO] = "auto", [VI_HTTP_1_1] = "1.1", [VI_HTTP_2] = "2", [VI_HTTP_3] = "3"};
  const char *version = string_field(L, "http_version");
  for (int i = VI_HTTP_AUTO; version && i <= VI_HTTP_3; i++)
    if (strcmp(version, names[i]) == 0)
      return (vi_http_version)i;
  return VI_HTTP_AUTO;
}

/* The string at `index`, whole: libcurl would take one with a NUL in it for a shorter one. */
static const char *curl_text(lua_State *L, int index, const char *name, vi_error *error) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  if (strlen(text) == length)
    return text;
  vi_error_set(error, VI_ERROR_REFUSED, "the value of '%.60s' must not have control characters",
               name);
  return NULL;
}

/* The value on top of the stack, under libcurl's name for the option. */
static bool add_curl_option(lua_State *L, vi_curl_option **options, const char *name,
                            vi_error *error) {
  const char *text;
  lua_Integer number;
  int is_integer;
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN:
    return vi_curl_option_add_number(options, name, lua_toboolean(L, -1), error);
  case LUA_TSTRING:
    text = curl_text(L, -1, name, error);
    return text && vi_curl_option_add_text(options, name, text, error);
  case LUA_TNUMBER:
    number = lua_tointegerx(L, -1, &is_integer); /* of 1e6 too */
    if (is_integer)
      return vi_curl_option_add_number(options, name, number, error);
    break;
  default:
    break;
  }
  return vi_error_set(error, VI_ERROR_REFUSED,
                      "the option '%.60s' must be an integer, a boolean, a string or a list of "
                      "strings",
                      name);
}

static bool add_curl_list(lua_State *L, vi_curl_option **options, const char *name,
                          vi_error *error) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    bool is_string = lua_rawgeti(L, -1, i) == LUA_TSTRING;
    const char *text = is_string ? curl_text(L, -1, name, error) : NULL;
    bool added = text && vi_curl_option_add_item(options, name, text, error);
    if (!is_string)
      vi_error_set(error, VI_ERROR_REFUSED, "the option '%.60s' takes a list of strings", name);
    lua_pop(L, 1);
    if (!added)
      return false;
  }
  return true;
}

/* options.curl: libcurl's names (session.lua has seen to that) to values. */
static bool read_curl_options(lua_State *L, vi_curl_option **options, vi_error *error) {
  bool ok = true;
  if (lua_getfield(L, 1, "curl") == LUA_TTABLE)
    for (lua_pushnil(L); ok && lua_next(L, -2); lua_pop(L, 1)) {
      const char *name = lua_tostring(L, -2);
      ok = lua_istable(L, -1) ? add_curl_list(L, options, name, error)
                              : add_curl_option(L, options, name, error);
    }
  lua_settop(L, 2);
  return ok;
}

/* session(options) -> Session, or nil and what libcurl refuses; all options are present and
 * checked by session.lua */
static int session_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  vi_session_options options = {
      .timeout = number_field(L, "timeout"),
      .connect_timeout = number_field(L, "connect_timeout"),
      .idle_timeout = number_field(L, "idle_timeout"),
      .low_speed_limit = (long)number_field(L, "low_speed_limit"),
      .low_speed_time = (long)number_field(L, "low_speed_time"),
      .max_body = (size_t)number_field(L, "max_body"),
      .max_connections = (long)number_field(L, "max_connections"),
      .max_connections_per_host = (long)number_field(L, "max_connections_per_host"),
      .max_idle_connections = (long)number_field(L, "max_idle_connections"),
      .http_version = http_version_field(L),
      .decode = boolean_field(L, "decode"),
      .verify = boolean_field(L, "verify"),
      .trust_env = boolean_field(L, "trust_env"),
      .cookies = boolean_field(L, "cookies"),
      .ca = string_field(L, "ca"),
      .proxy = string_field(L, "proxy"),
      .user_agent = string_field(L, "user_agent"),
      .account = vi_state_account(L),
  };
  if (options.max_body == 0)
    options.max_body = SIZE_MAX;
  vi_session **box = vi_push_box(L, sizeof *box, 1, VI_TYPE_SESSION);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_checkstack(L, 8, NULL);
  vi_error error;
  const char *wrong = vi_headers_check(VI_TEXT("User-Agent"), vi_text_of(options.user_agent));
  if (wrong)
    vi_error_set(&error, VI_ERROR_REFUSED, "the user_agent %s", wrong);
  else if (read_curl_options(L, &options.curl, &error))
    *box = vi_session_new(&options, &error);
  if (*box)
    return 1;
  vi_curl_options_free(options.curl);
  lua_pushnil(L);
  lua_pushstring(L, error.message);
  return 2;
}

/* curl_option(name) -> what libcurl calls the option of that name now; nil if it has none */
static int curl_option(lua_State *L) {
  vi_text name = vi_check_text(L, 1);
  bool is_whole = strlen(name.data) == name.length;
  const struct curl_easyoption *option = is_whole ? curl_easy_option_by_name(name.data) : NULL;
  lua_pushstring(L, option ? curl_easy_option_by_id(option->id)->name : NULL);
  return 1;
}

/* curl_options() -> list of the names that libcurl's options go by now */
static int curl_options(lua_State *L) {
  const struct curl_easyoption *option = NULL;
  lua_Integer count = 0;
  lua_newtable(L);
  while ((option = curl_easy_option_next(option))) {
    if (option->flags & CURLOT_FLAG_ALIAS)
      continue;
    lua_pushstring(L, option->name);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static int session_options(lua_State *L) {
  vi_check_session(L, 1);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static int session_close(lua_State *L) {
  vi_session_close(vi_check_session(L, 1));
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
  static const luaL_Reg functions[] = {{"session", session_new},
                                       {"curl_option", curl_option},
                                       {"curl_options", curl_options},
                                       {NULL, NULL}};
  vi_new_type(L, VI_TYPE_SESSION, "Session", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
