/* The body of a response piece by piece, as response.lua asks for it. */
#include "binding/objects.h"
#include "binding/transport.h"

bool vi_is_being_read(const vi_response_box *box) {
  return box->busy || (box->stream && box->stream->waiter);
}

void vi_end_stream(lua_State *L, vi_response_box *box) {
  vi_transfer_release(box->stream);
  box->stream = NULL;
  vi_remove_weight(L, box->weight);
  box->weight = 0; /* a head alone is not worth mentioning */
}

/* A loop over the chunks has the body between two of them, too; whoever runs it may read as well.
 */
static bool is_read_elsewhere(lua_State *L, const vi_response_box *box) {
  return vi_is_being_read(box) || (box->stream && box->looper && box->looper != L);
}

/* is_read_elsewhere(response) -> whether somebody but the caller reads its body */
static int response_is_read_elsewhere(lua_State *L) {
  lua_pushboolean(L, is_read_elsewhere(L, vi_check_response(L, 1)));
  return 1;
}

/* read_position(response) -> how much of a whole body has been read piece by piece */
static int read_position(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)vi_check_response(L, 1)->position);
  return 1;
}

/* A whole body is read from its start, or from where it was left. */
static int take_held(lua_State *L, vi_response_box *box, size_t most) {
  vi_text rest = vi_response_body(box->response);
  rest = (vi_text){rest.data + box->position, rest.length - box->position};
  if (rest.length == 0)
    return 0;
  if (rest.length > most)
    rest.length = most;
  vi_push_text(L, rest);
  box->position += rest.length;
  return 1;
}

/* Pushes nil and the error of a stream that was closed. */
static int push_cut(lua_State *L) {
  vi_error error;
  vi_error_set(&error, VI_ERROR_CLOSED, "the response was closed before its end");
  error.maybe_sent = true;
  lua_getiuservalue(L, 1, VI_RESPONSE_REQUEST);
  return vi_push_failure(L, &error, -1);
}

/* take_bytes(response, most, loops) -> the next bytes, at most that many; nil at the end; nil and
 * an Error. `loops`: nobody else may read from now on. */
static int take_bytes(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  lua_Integer most = luaL_optinteger(L, 2, LUA_MAXINTEGER);
  if (!box->streamed)
    return take_held(L, box, (size_t)most);
  if (is_read_elsewhere(L, box))
    return vi_raise(L, "somebody else is reading this response");
  if (!box->stream)
    return box->cut ? push_cut(L) : 0;
  if (lua_toboolean(L, 3))
    box->looper = L;
  box->begun = true;
  lua_settop(L, 1);
  lua_pushinteger(L, most);
  vi_transfer_await(box->stream, VI_AWAIT_BODY);
  vi_task *task = NULL;
  if (box->stream->looped && !box->stream->ready)
    task = vi_calling_task(L, vi_default_loop(L), "response:read");
  return vi_await_transfer(L, box->stream, task);
}

/* response:close(): ends a streamed body that is not wanted to its end; harmless otherwise */
static int response_close(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  if (box->stream && vi_is_being_read(box)) { /* the reader finds the end when he goes on */
    vi_transfer_abort(box->stream, VI_ERROR_CLOSED, "the response was closed");
  } else if (box->stream) {
    box->begun = box->cut = true;
    vi_end_stream(L, box);
    if (lua_getiuservalue(L, 1, VI_RESPONSE_ENDINGS) != LUA_TNIL) {
      push_cut(L);
      vi_close_endings(L, 1, -1);
    }
  }
  return 0;
}

void vi_open_stream(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", response_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"take_bytes", take_bytes},
                                       {"is_read_elsewhere", response_is_read_elsewhere},
                                       {"read_position", read_position},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "Response");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
  luaL_getmetatable(L, VI_TYPE_RESPONSE);
  lua_pushcfunction(L, response_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
