/* Waiting for a transfer on behalf of `send` and `read`: blocking, suspending the running task, or
 * driving the loop; and calling the user's functions that it asks for meanwhile: the reader of the
 * request's body, and those that are told of the response's head and progress.
 *
 * On the stack, all the way: 1 the Response that owns the transfer, 2 the request of a send or the
 * most bytes of a read. The reader is a user value of the Response. */
#include "binding/objects.h"
#include "binding/transport.h"
#include "transport/streaming.h"

enum { RESPONSE = 1, ARGUMENT = 2, TOP = ARGUMENT };
enum { LONGEST_WAIT = 1000 }; /* milliseconds without a look at the interpreter's hook */

static vi_response_box *owner(lua_State *L) {
  return vi_check_box(L, RESPONSE, VI_TYPE_RESPONSE);
}

/* Returns nil and the transfer's error, with what the user's function raised where that is why. */
static int return_failure(lua_State *L, const vi_error *error, int request) {
  vi_push_failure(L, error, request);
  if (error->kind == VI_ERROR_SCRIPT) {
    lua_getiuservalue(L, RESPONSE, VI_RESPONSE_CAUSE);
    lua_setfield(L, -2, "cause");
  }
  return 2;
}

/* Moves the head, or the whole response, into the Response; or returns nil and the error. */
static int return_response(lua_State *L, vi_transfer *transfer) {
  vi_response_box *box = owner(L);
  vi_error error = transfer->error;
  if (error.kind != VI_ERROR_NONE && !transfer->head_complete)
    vi_replace_by_request(L, ARGUMENT, transfer->request);
  box->streamed = transfer->head_complete;
  if (box->streamed || error.kind == VI_ERROR_NONE)
    box->response = vi_transfer_take_response(transfer);
  if (box->streamed) {
    vi_transfer_await(transfer, VI_AWAIT_BODY);
  } else {
    box->stream = NULL;
    vi_transfer_release(transfer);
    if (error.kind != VI_ERROR_NONE)
      return return_failure(L, &error, ARGUMENT);
  }
  lua_settop(L, RESPONSE);
  size_t held = box->streamed ? VI_STREAM_HOLDS : 0;
  box->weight = vi_add_weight(L, vi_response_size(box->response) + held);
  return 1;
}

/* Gives the next bytes, or nil at the end, or nil and the error. */
static int return_piece(lua_State *L, vi_transfer *transfer) {
  size_t most = (size_t)lua_tointeger(L, ARGUMENT);
  vi_text bytes = vi_transfer_peek(transfer);
  if (bytes.length > 0) {
    if (bytes.length > most)
      bytes.length = most;
    vi_push_text(L, bytes);
    vi_transfer_consume(transfer, bytes.length);
    return 1;
  }
  if (transfer->error.kind != VI_ERROR_NONE) { /* kept: whoever reads on is told again */
    lua_getiuservalue(L, RESPONSE, VI_RESPONSE_REQUEST);
    return_failure(L, &transfer->error, -1);
    vi_close_endings(L, RESPONSE, -1);
    return 2;
  }
  owner(L)->unbounded = transfer->unbounded;
  vi_end_stream(L, owner(L));
  vi_close_endings(L, RESPONSE, 0);
  lua_pushnil(L);
  return 1;
}

static int finish(lua_State *L, vi_transfer *transfer) {
  owner(L)->busy = false;
  vi_task_leave(transfer);
  return transfer->awaiting == VI_AWAIT_BODY ? return_piece(L, transfer)
                                             : return_response(L, transfer);
}

/* The value at 1 in words: its own, if it has any. */
static int describe(lua_State *L) {
  if (lua_isstring(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
    luaL_tolstring(L, 1, NULL);
  else if (lua_isnil(L, 1))
    lua_pushliteral(L, "the function gave up with nil");
  else
    lua_pushfstring(L, "the function gave up with a %s (err.cause)", luaL_typename(L, 1));
  return 1;
}

static void stop(vi_transfer *transfer, vi_error_kind kind, const char *reason) {
  vi_transfer_abort(transfer, kind, reason);
  if (transfer->error.kind == VI_ERROR_NONE) { /* it was done, and told so for the last time */
    vi_error_set(&transfer->error, kind, "%s", reason);
    transfer->error.maybe_sent = true;
  }
}

/* Ends the transfer for the reason on top of the stack, which may be any value. */
static void fail(lua_State *L, vi_transfer *transfer) {
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, RESPONSE, VI_RESPONSE_CAUSE);
  lua_pushcfunction(L, describe);
  lua_insert(L, -2);
  bool printable = lua_pcall(L, 1, 1, 0) == LUA_OK;
  const char *reason = printable ? lua_tostring(L, -1) : NULL;
  stop(transfer, VI_ERROR_SCRIPT, reason ? reason : "an error that cannot be printed");
}

/* Hands what the reader returned (its two results on top of the stack) to the transfer. False for
 * an empty piece, which is no end: the reader is to be asked again, later. */
static bool supply(lua_State *L, vi_transfer *transfer) {
  if (lua_isnil(L, -2) && !lua_isnil(L, -1)) {
    fail(L, transfer);
  } else if (lua_isnil(L, -2)) {
    vi_transfer_supply(transfer, VI_TEXT(""));
  } else if (lua_type(L, -2) != LUA_TSTRING) {
    vi_transfer_abort(transfer, VI_ERROR_SCRIPT, "the body's reader must return strings, then nil");
  } else {
    vi_text bytes;
    bytes.data = lua_tolstring(L, -2, &bytes.length);
    if (bytes.length == 0)
      return false;
    vi_transfer_supply(transfer, bytes);
  }
  return true;
}

static bool wants_bytes(const vi_transfer *transfer) {
  return transfer->upload_starved && !transfer->ready;
}

/* True while the user is to be told something about the response. */
static bool tells(const vi_transfer *transfer) {
  return (transfer->head_news || transfer->progressed) && transfer->error.kind == VI_ERROR_NONE;
}

/* True while there is something to call for the transfer. */
static bool asks(const vi_transfer *transfer) {
  return tells(transfer) || wants_bytes(transfer);
}

static int push_head_news(lua_State *L, vi_transfer *transfer) {
  vi_push_on_head(L, ARGUMENT);
  vi_response_box *box = vi_push_response_box(L);
  box->response = transfer->head_news;
  transfer->head_news = NULL;
  vi_transfer_await(transfer, transfer->awaiting);
  return 1;
}

/* Pushes what is to be called and its arguments; returns how many. */
static int push_call(lua_State *L, vi_transfer *transfer) {
  if (!tells(transfer)) {
    lua_getiuservalue(L, RESPONSE, VI_RESPONSE_READER);
    return 0;
  }
  if (transfer->head_news)
    return push_head_news(L, transfer);
  int64_t total = vi_transfer_length(transfer);
  transfer->progressed = false;
  vi_transfer_await(transfer, transfer->awaiting);
  vi_push_progress(L, ARGUMENT);
  lua_pushinteger(L, (lua_Integer)vi_transfer_received(transfer));
  if (total < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, (lua_Integer)total);
  return 2;
}

/* Acts on what the call returned (two values on top of the stack) or, where the status says so,
 * raised (one). False if it is to be made again, later. */
static bool end_call(lua_State *L, vi_transfer *transfer, bool of_reader, int status) {
  bool settled = true;
  if (status == LUA_ERRMEM)
    stop(transfer, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  else if (status != LUA_OK && status != LUA_YIELD)
    fail(L, transfer);
  else if (of_reader)
    settled = supply(L, transfer);
  lua_settop(L, TOP);
  return settled;
}

/* Makes the call where it cannot suspend anything. */
static bool call(lua_State *L, vi_transfer *transfer) {
  bool of_reader = !tells(transfer);
  int arguments = push_call(L, transfer);
  int status = lua_pcall(L, arguments, 2, 0);
  return end_call(L, transfer, of_reader, status);
}

static int await_blocking(lua_State *L, vi_transfer *transfer) {
  lua_Hook before = vi_hook_before(L);
  while (!transfer->ready || asks(transfer)) {
    bool pause = !asks(transfer);
    if (pause || !call(L, transfer))
      vi_transfer_wait(transfer, pause ? LONGEST_WAIT : 0);
    if (vi_was_interrupted(L, before))
      vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "interrupted");
  }
  return finish(L, transfer);
}

static bool drive_for(lua_State *L, vi_loop_box *box, vi_transfer *transfer) {
  const vi_transfer *outer = box->loop->driven_for;
  box->loop->driven_for = transfer;
  bool done = vi_loop_drive(L, box, &transfer->due);
  box->loop->driven_for = outer;
  return done;
}

static int await_driving(lua_State *L, vi_transfer *transfer) {
  vi_loop_box *box = vi_default_loop(L);
  while (!transfer->ready || asks(transfer)) {
    if (asks(transfer)) {
      if (!call(L, transfer))
        vi_loop_turn(L, box, 0);
    } else if (!drive_for(L, box, transfer)) {
      vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "interrupted");
    }
  }
  return finish(L, transfer);
}

static int continue_reader(lua_State *L, int status, lua_KContext context);
static int continue_telling(lua_State *L, int status, lua_KContext context);

/* Suspends the task until the transfer is due. */
static int continue_wait(lua_State *L, int status, lua_KContext context) {
  (void)status;
  vi_transfer *transfer = (vi_transfer *)context;
  vi_task *task = transfer->waiter;
  if (asks(transfer)) {
    lua_KFunction next = tells(transfer) ? continue_telling : continue_reader;
    int arguments = push_call(L, transfer);
    return next(L, lua_pcallk(L, arguments, 2, 0, context, next), context);
  }
  if (transfer->ready)
    return finish(L, transfer);
  task->awaited = transfer;
  return lua_yieldk(L, 0, context, continue_wait);
}

static int continue_telling(lua_State *L, int status, lua_KContext context) {
  end_call(L, (vi_transfer *)context, false, status);
  return continue_wait(L, LUA_OK, context);
}

/* A task that has nothing to send yet lets others run. */
static int continue_reader(lua_State *L, int status, lua_KContext context) {
  vi_transfer *transfer = (vi_transfer *)context;
  if (!end_call(L, transfer, true, status) && wants_bytes(transfer)) {
    vi_task_make_runnable(transfer->waiter);
    return lua_yieldk(L, 0, context, continue_wait);
  }
  return continue_wait(L, LUA_OK, context);
}

int vi_await_transfer(lua_State *L, vi_transfer *transfer, vi_task *task) {
  if (!task) {
    owner(L)->busy = true;
    return transfer->looped ? await_driving(L, transfer) : await_blocking(L, transfer);
  }
  vi_task_enter(task, transfer);
  return continue_wait(L, LUA_OK, (lua_KContext)transfer);
}
