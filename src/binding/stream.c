/* The body of a streamed response, piece by piece: methods of Response. */
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

static vi_transfer *check_stream(lua_State *L, const vi_response_box *box) {
  if (!box->streamed)
    luaL_error(L, "the response is not streamed; its body is response.body (ask for a stream with "
                  "Request{ stream = true })");
  if (vi_is_being_read(box))
    luaL_error(L, "somebody else is reading this response");
  return box->stream;
}

static lua_Integer check_most(lua_State *L, int index) {
  if (lua_isnoneornil(L, index))
    return LUA_MAXINTEGER;
  int is_integer;
  lua_Integer most = lua_tointegerx(L, index, &is_integer);
  if (!is_integer || most < 1)
    vi_raise(L, "response:read needs a number of bytes, an integer of 1 or more, got %s",
             vi_push_given(L, index));
  return most;
}

/* response:read(most) -> the next bytes, at most that many; nil at the end; nil and an Error */
static int response_read(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  lua_Integer most = check_most(L, 2);
  vi_transfer *stream = check_stream(L, box);
  if (!stream) {
    vi_error error;
    vi_error_set(&error, VI_ERROR_CLOSED, "the response was closed before its end");
    lua_settop(L, 1);
    return box->cut ? vi_push_failure(L, &error, 0) : 0;
  }
  box->begun = true;
  lua_settop(L, 1);
  lua_pushinteger(L, most);
  vi_transfer_await(stream, VI_AWAIT_BODY);
  vi_task *task = NULL;
  if (stream->looped && !stream->ready)
    task = vi_calling_task(L, vi_default_loop(L), "response:read");
  return vi_await_transfer(L, stream, task);
}

/* response:close(): ends a streamed body that is not wanted to its end; harmless otherwise */
static int response_close(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  if (box->stream && vi_is_being_read(box)) { /* the reader finds the end when he goes on */
    vi_transfer_abort(box->stream, VI_ERROR_CLOSED, "the response was closed");
  } else if (box->stream) {
    box->begun = box->cut = true;
    vi_end_stream(L, box);
  }
  return 0;
}

void vi_open_stream(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"read", response_read}, {"close", response_close}, {NULL, NULL}};
  lua_getfield(L, -1, "Response");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
  luaL_getmetatable(L, VI_TYPE_RESPONSE);
  lua_pushcfunction(L, response_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
