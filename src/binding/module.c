/* require "viesti.core": everything the core gives to Lua. Users go through require "viesti". */
#include "binding/support.h"
#include "message/version.h"
#include "transport/features.h"

#include <curl/curl.h>

/* set_tostring(type, fn): for objects whose printed form Lua code knows. Metatables are closed to
 * Lua otherwise. */
static int set_tostring(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (luaL_getmetatable(L, luaL_checkstring(L, 1)) != LUA_TTABLE)
    return luaL_argerror(L, 1, "no such type");
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "__tostring");
  return 0;
}

/* features() -> what the libcurl below can do, by name */
static int features(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; vi_feature_name(i); i++) {
    lua_pushboolean(L, vi_feature_is_there(i));
    lua_setfield(L, -2, vi_feature_name(i));
  }
  return 1;
}

LUAMOD_API int luaopen_viesti_core(lua_State *L);

__attribute__((visibility("default"))) int luaopen_viesti_core(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  vi_open_weight(L);
  vi_open_place(L);
  vi_open_text(L);
  vi_open_json(L);
  vi_open_json_read(L);
  vi_open_copy(L);
  vi_open_file(L);
  vi_open_terminal(L);
  vi_open_headers(L);
  vi_open_multipart(L);
  vi_open_request(L);
  vi_open_plain_request(L);
  vi_open_request_changes(L);
  vi_open_response(L);
  vi_open_stream(L);
  vi_open_passage(L);
  vi_open_endings(L);
  vi_open_error(L);
  vi_open_session(L);
  vi_open_cookies(L);
  vi_open_loop(L);
  vi_open_task(L);
  vi_open_senders(L);
  vi_open_store(L);
  vi_open_verdict(L);
  vi_open_cache(L);
  vi_open_refresher(L);
  vi_open_entry(L);
  vi_open_untrusted(L);
  lua_pushcfunction(L, features);
  lua_setfield(L, -2, "features");
  lua_pushcfunction(L, set_tostring);
  lua_setfield(L, -2, "set_tostring");
  lua_pushliteral(L, VI_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, curl_version_info(CURLVERSION_NOW)->version);
  lua_setfield(L, -2, "curl_version");
  return 1;
}
