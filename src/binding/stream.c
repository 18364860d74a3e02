/* The body of a response piece by piece, as response.lua asks for it. */
#include "binding/objects.h"
#include "binding/transport.h"
#include "cache/stored.h"

bool vi_is_being_read(const vi_response_box *box) {
  return box->busy || (box->stream && box->stream->waiter);
}

void vi_end_stream(lua_State *L, vi_response_box *box) {
  vi_transfer_release(box->stream);
  box->stream = NULL;
  box->held = false;
  vi_remove_weight(L, box->weight);
  box->weight = 0; /* a head alone is not worth mentioning */
}

/* A loop over the chunks has the body between two of them, too; whoever runs it may read as well.
 */
static bool is_read_elsewhere(lua_State *L, const vi_response_box *box) {
  bool goes_on = box->stream || box->held || box->withheld;
  return vi_is_being_read(box) || (goes_on && box->looper && box->looper != L);
}

/* is_read_elsewhere(response) -> whether somebody but the caller reads its body */
static int response_is_read_elsewhere(lua_State *L) {
  const vi_response_box *box = vi_check_response(L, 1);
  lua_pushboolean(L, is_read_elsewhere(L, box) || vi_is_passing(L, 1));
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

/* The same in pieces as they would come, and behind them the failure, as often as somebody asks. */
static int take_held_piece(lua_State *L, vi_response_box *box, size_t most) {
  enum { PIECE = 16 * 1024 };
  if (take_held(L, box, most < PIECE ? most : PIECE) > 0)
    return 1;
  lua_pushnil(L);
  bool fails = lua_getiuservalue(L, 1, VI_RESPONSE_CAUSE) != LUA_TNIL;
  if (!fails)
    vi_end_stream(L, box);
  vi_close_endings(L, 1, fails ? -1 : 0);
  return 2;
}

/* as_stream(response, failure) -> another Response over the same core, whose body, all of which is
 * there, is read as that of a stream; which ends with `failure`, an Error, if that is given */
static int response_as_stream(lua_State *L) {
  lua_settop(L, 2);
  if (vi_check_response(L, 1)->streamed)
    return vi_raise(L, "the response is a stream already");
  vi_response_box *box = vi_push_response_like(L, 1);
  box->streamed = box->held = true;
  box->unbounded = box->response->unbounded;
  box->position = 0;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, VI_RESPONSE_CAUSE);
  return 1;
}

/* body_size(response) -> bytes of a body that is there; nil of a stream */
static int response_body_size(lua_State *L) {
  const vi_response_box *box = vi_check_box(L, 1, VI_TYPE_RESPONSE);
  if (box->streamed)
    return 0;
  vi_text body = box->stored ? vi_stored_body(box->stored)
                             : vi_response_body(vi_check_response(L, 1)->response);
  lua_pushinteger(L, (lua_Integer)body.length);
  return 1;
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
  if (!box->stream && !box->held)
    return box->cut ? push_cut(L) : 0;
  if (lua_toboolean(L, 3))
    box->looper = L;
  box->begun = true;
  if (box->held)
    return take_held_piece(L, box, (size_t)most);
  lua_settop(L, 1);
  lua_pushinteger(L, most);
  vi_transfer_await(box->stream, VI_AWAIT_BODY);
  vi_task *task = NULL;
  if (box->stream->looped && !box->stream->ready)
    task = vi_calling_task(L, vi_default_loop(L), "response:read");
  return vi_await_transfer(L, box->stream, task);
}

static int close_endings(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  if (lua_getiuservalue(L, 1, VI_RESPONSE_ENDINGS) != LUA_TNIL) {
    push_cut(L);
    vi_close_endings(L, 1, -1);
  }
  return 0;
}

/* response:close(): ends a streamed body that is not wanted to its end; harmless otherwise */
static int response_close(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  if (box->stream && vi_is_being_read(box)) { /* the reader finds the end when he goes on */
    vi_transfer_abort(box->stream, VI_ERROR_CLOSED, "the response was closed");
  } else if (box->stream || box->held || box->withheld) {
    box->begun = box->cut = true;
    vi_end_stream(L, box);
    lua_settop(L, 1);
    if (vi_push_passage_close(L, 1))
      lua_callk(L, 1, 0, 0, close_endings);
    return close_endings(L, LUA_OK, 0);
  }
  return 0;
}

void vi_open_stream(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", response_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"take_bytes", take_bytes},        {"is_read_elsewhere", response_is_read_elsewhere},
      {"read_position", read_position},  {"as_stream", response_as_stream},
      {"body_size", response_body_size}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "Response");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
  luaL_getmetatable(L, VI_TYPE_RESPONSE);
  lua_pushcfunction(L, response_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
