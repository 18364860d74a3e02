/* What layers have closed when the body of a streamed response ends: a limit's slot, say.
 *
 * An ending is an object with __close, which is called once with it and the Error, if there is one,
 * as of a to-be-closed variable. The Response owns its endings, by a user value, and they go with
 * the stream into another one; so where nobody ends the stream they are collected with it, and
 * those that must not be forgotten have a __gc as well. Nothing of Lua's is called but on behalf of
 * who reads or closes, when the stream is over already: what an ending raises reaches him, and
 * harms neither the stream nor the other endings. */
#include "binding/objects.h"
#include "transport/streaming.h"

/* A failure is still to be told. */
static bool is_over(lua_State *L, const vi_response_box *box) {
  const vi_transfer *stream = box->stream;
  if (box->withheld)
    return false;
  if (box->held)
    return box->position == vi_response_body(box->response).length &&
           lua_getiuservalue(L, 1, VI_RESPONSE_CAUSE) == LUA_TNIL;
  return !stream || (stream->done && stream->error.kind == VI_ERROR_NONE &&
                     vi_transfer_peek(stream).length == 0);
}

/* on_end(response, ending) -> whether the ending will be closed when the body ends; false if
 * nothing is to come, as of a response that is not streamed */
static int on_end(lua_State *L) {
  const vi_response_box *box = vi_check_response(L, 1);
  bool comes = !is_over(L, box);
  lua_settop(L, 2);
  if (comes && lua_getiuservalue(L, 1, VI_RESPONSE_ENDINGS) != LUA_TTABLE) {
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, VI_RESPONSE_ENDINGS);
  }
  if (comes) {
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
  }
  lua_pushboolean(L, comes);
  return 1;
}

/* close_all(endings, err): closes each, in order, and raises what the first raised that did. */
static int close_all(lua_State *L) {
  enum { ENDINGS = 1, ERROR, RAISED };
  bool failed = false;
  lua_Integer count = luaL_len(L, ENDINGS);
  lua_settop(L, RAISED);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, ENDINGS, i);
    if (luaL_getmetafield(L, -1, "__close") != LUA_TNIL) {
      lua_insert(L, -2);
      lua_pushvalue(L, ERROR);
      if (lua_pcall(L, 2, 0, 0) != LUA_OK && !failed) {
        lua_replace(L, RAISED);
        failed = true;
      }
    }
    lua_settop(L, RAISED);
  }
  return failed ? lua_error(L) : 0;
}

void vi_close_endings(lua_State *L, int response, int error) {
  response = lua_absindex(L, response);
  error = error ? lua_absindex(L, error) : 0;
  if (lua_getiuservalue(L, response, VI_RESPONSE_ENDINGS) != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  lua_pushnil(L); /* each once, whatever becomes of the others */
  lua_setiuservalue(L, response, VI_RESPONSE_ENDINGS);
  lua_pushcfunction(L, close_all);
  lua_insert(L, -2);
  if (error)
    lua_pushvalue(L, error);
  else
    lua_pushnil(L);
  lua_call(L, 2, 0);
}

void vi_open_endings(lua_State *L) {
  static const luaL_Reg functions[] = {{"on_end", on_end}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
