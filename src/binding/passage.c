/* What a body passes through on its way to who reads it: an object of Lua's, which stores it, or
 * has it in a store. It has take(response, most, loops), which returns what core.take_bytes does;
 * close(), told that the response was closed before its end; and `busy`, true while it is asked,
 * for it may wait for its store. The Response owns it, by a user value, and it goes with the stream
 * into another one. */
#include "binding/objects.h"
#include "cache/stored.h"

bool vi_is_passing(lua_State *L, int index) {
  bool passing = lua_getiuservalue(L, index, VI_RESPONSE_PASSAGE) == LUA_TTABLE;
  if (passing) {
    lua_getfield(L, -1, "busy");
    passing = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return passing;
}

bool vi_push_passage_close(lua_State *L, int response) {
  if (lua_getiuservalue(L, response, VI_RESPONSE_PASSAGE) != LUA_TTABLE) {
    lua_pop(L, 1);
    return false;
  }
  lua_getfield(L, -1, "close");
  lua_insert(L, -2);
  return true;
}

/* apart_body(response) -> the name under which a store has its body, or nil: it is here, or comes
 * already */
static int apart_body(lua_State *L) {
  const vi_response_box *box = vi_check_box(L, 1, VI_TYPE_RESPONSE);
  if (box->streamed || (box->stored && !(box->stored->flags & VI_STORED_APART)))
    return 0;
  const vi_response *response = vi_check_response(L, 1)->response;
  if (!response->apart)
    return 0;
  vi_push_text(L, vi_response_body(response));
  return 1;
}

/* with_body(response, bytes) -> another Response, whose body is that, not in a store any more */
static int with_body(lua_State *L) {
  vi_text bytes = vi_check_text(L, 2);
  vi_response_box *box = vi_push_response_like(L, 1);
  vi_response *filled = vi_response_copy(box->response);
  vi_body *body = filled ? vi_body_new(bytes) : NULL;
  if (!body) {
    vi_response_release(filled);
    return luaL_error(L, "out of memory");
  }
  vi_body_release(filled->body);
  filled->body = body;
  filled->apart = false;
  vi_response_release(box->response);
  box->response = filled;
  vi_remove_weight(L, box->weight);
  box->weight = 0;
  box->weight = vi_add_weight(L, vi_response_size(filled));
  return 1;
}

/* with_passage(response, object) -> another Response over the same core, whose body passes through
 * that; and the object that it passed through before, which that one asks in its turn, or nil */
static int with_passage(lua_State *L) {
  vi_response_box *box = vi_push_response_like(L, 1);
  if (box->response->apart && !box->streamed)
    box->streamed = box->withheld = true;
  lua_getiuservalue(L, -1, VI_RESPONSE_PASSAGE);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -3, VI_RESPONSE_PASSAGE);
  return 2;
}

/* passage(response, loops) -> that object, which is about to be asked; nil: there is none, or the
 * response was closed */
static int passage(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  if (lua_getiuservalue(L, 1, VI_RESPONSE_PASSAGE) != LUA_TTABLE || box->cut)
    return 0;
  box->begun = true;
  if (lua_toboolean(L, 2))
    box->looper = L;
  return 1;
}

/* passed(response, err): its body has come out of the store to the end; or, with an Error, so far
 */
static int passed(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  lua_settop(L, 2);
  if (lua_isnil(L, 2))
    box->withheld = false;
  vi_close_endings(L, 1, lua_isnil(L, 2) ? 0 : 2);
  return 0;
}

void vi_open_passage(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"apart_body", apart_body}, {"with_body", with_body}, {"with_passage", with_passage},
      {"passage", passage},       {"passed", passed},       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
