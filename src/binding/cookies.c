/* A session's cookies; what a line may be is for cookies.lua to say. */
#include "transport/cookies.h"
#include "binding/transport.h"

static int push_lines(lua_State *L) {
  const struct curl_slist *line = lua_touserdata(L, 1);
  lua_newtable(L);
  for (lua_Integer count = 1; line; line = line->next, count++) {
    lua_pushstring(L, line->data);
    lua_rawseti(L, -2, count);
  }
  return 1;
}

/* Pushes a list of the lines, which are freed whatever comes. */
static int push_and_free(lua_State *L, struct curl_slist *lines) {
  lua_pushcfunction(L, push_lines);
  lua_pushlightuserdata(L, lines);
  int status = lua_pcall(L, 1, 1, 0);
  curl_slist_free_all(lines);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* cookies(session) -> list of lines in Netscape's format */
static int cookies(lua_State *L) {
  return push_and_free(L, vi_cookies_list(vi_check_session(L, 1)));
}

/* parse_cookie(line) -> list of the line in Netscape's format, empty if it is no cookie */
static int parse_cookie(lua_State *L) {
  const char *line = luaL_checkstring(L, 1);
  luaL_checkstack(L, 4, NULL);
  struct curl_slist *parsed;
  if (!vi_cookies_parse(line, &parsed)) {
    curl_slist_free_all(parsed);
    return vi_raise(L, "out of memory");
  }
  return push_and_free(L, parsed);
}

/* add_cookie(session, line): a line of parse_cookie's, to an open session that keeps cookies */
static int add_cookie(lua_State *L) {
  if (!vi_cookies_add(vi_check_session(L, 1), luaL_checkstring(L, 2)))
    return vi_raise(L, "out of memory");
  return 0;
}

/* clear_cookies(session), likewise */
static int clear_cookies(lua_State *L) {
  if (!vi_cookies_clear(vi_check_session(L, 1)))
    return vi_raise(L, "out of memory");
  return 0;
}

void vi_open_cookies(lua_State *L) {
  static const luaL_Reg functions[] = {{"cookies", cookies},
                                       {"parse_cookie", parse_cookie},
                                       {"add_cookie", add_cookie},
                                       {"clear_cookies", clear_cookies},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
