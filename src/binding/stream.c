/* The body of a streamed response, piece by piece: methods of Response. */
#include "binding/objects.h"
#include "binding/transport.h"

enum { LONGEST_WAIT = 1000 }; /* milliseconds without a look at the interpreter's hook */

static const size_t WHOLE_PIECE = SIZE_MAX;

void vi_close_stream(vi_response_box *box) {
  vi_transfer *stream = box->stream;
  if (!stream)
    return;
  if (stream->waiter) { /* its task finds the end when it is resumed */
    vi_transfer_abort(stream, VI_ERROR_CLOSED, "the response was closed");
  } else {
    box->stream = NULL;
    vi_transfer_release(stream);
  }
}

/* Gives the next bytes, or nil at the end, or nil and the error. */
static int push_piece(lua_State *L, vi_response_box *box, size_t most) {
  vi_transfer *stream = box->stream;
  vi_text bytes = vi_transfer_peek(stream);
  if (bytes.length > 0) {
    if (bytes.length > most)
      bytes.length = most;
    vi_push_text(L, bytes);
    vi_transfer_consume(stream, bytes.length);
    return 1;
  }
  vi_error error = stream->error;
  box->stream = NULL;
  vi_transfer_release(stream);
  if (error.kind != VI_ERROR_NONE)
    return vi_push_failure(L, &error, 0);
  lua_pushnil(L);
  return 1;
}

static int continue_read(lua_State *L, int status, lua_KContext context) {
  (void)status;
  vi_response_box *box = vi_check_response(L, 1);
  vi_stop_reading(((vi_task *)context)->reading);
  return push_piece(L, box, (size_t)lua_tointeger(L, 2));
}

static int wait_in_loop(lua_State *L, vi_response_box *box, size_t most) {
  vi_loop_box *loop = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, loop, "response:read");
  vi_transfer *stream = box->stream;
  if (task) {
    stream->waiter = task;
    task->reading = stream;
    lua_settop(L, 1);
    lua_pushinteger(L, (lua_Integer)most);
    return lua_yieldk(L, 0, (lua_KContext)task, continue_read);
  }
  if (!vi_loop_drive(L, loop, &stream->ready))
    vi_transfer_abort(stream, VI_ERROR_CANCELLED, "interrupted");
  return push_piece(L, box, most);
}

static int wait_blocking(lua_State *L, vi_response_box *box, size_t most) {
  lua_Hook before = vi_hook_before(L);
  while (!box->stream->ready) {
    vi_transfer_wait(box->stream, LONGEST_WAIT);
    if (vi_was_interrupted(L, before))
      vi_transfer_abort(box->stream, VI_ERROR_CANCELLED, "interrupted");
  }
  return push_piece(L, box, most);
}

/* response:read(most) -> the next bytes, at most that many; nil at the end; nil and an Error */
static int response_read(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  lua_Integer most = luaL_optinteger(L, 2, (lua_Integer)(WHOLE_PIECE / 2));
  luaL_argcheck(L, most > 0, 2, "the number of bytes must be 1 or more");
  if (!box->streamed)
    return luaL_error(L, "the response is not streamed; its body is response.body (ask for a "
                         "stream with Request{ stream = true })");
  if (!box->stream) {
    lua_pushnil(L);
    return 1;
  }
  if (box->stream->waiter)
    return luaL_error(L, "another task is reading this response");
  vi_transfer_await(box->stream, VI_AWAIT_BODY);
  if (box->stream->ready)
    return push_piece(L, box, (size_t)most);
  return box->stream->looped ? wait_in_loop(L, box, (size_t)most)
                             : wait_blocking(L, box, (size_t)most);
}

/* response:close(): ends a streamed body that is not wanted to its end; harmless otherwise */
static int response_close(lua_State *L) {
  vi_close_stream(vi_check_response(L, 1));
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
