#include "binding/objects.h"
#include "binding/transport.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* The two `send` operations and the blocking sleep. A concrete sender is a Lua object with a field
 * `session`; upvalue 1 is Request's table of methods. On the stack, all the way: */
enum { SENDER = 1, REQUEST = 2, RESPONSE = 3, READER = 4, TOP = READER };

enum { LONGEST_WAIT = 1000 }; /* milliseconds without a look at the interpreter's hook */

/* Accepts a table of a Request's options in its place. */
static vi_request *request_argument(lua_State *L) {
  lua_settop(L, REQUEST);
  if (!vi_test_box(L, REQUEST, VI_TYPE_REQUEST)) {
    lua_getfield(L, lua_upvalueindex(1), "from");
    lua_insert(L, REQUEST);
    lua_call(L, 1, 1);
  }
  return vi_check_request(L, REQUEST);
}

static vi_session *session_argument(lua_State *L) {
  luaL_checktype(L, SENDER, LUA_TTABLE);
  lua_getfield(L, SENDER, "session");
  vi_session *session = vi_check_session(L, -1);
  lua_pop(L, 1);
  return session;
}

/* Fills the stack as above and returns a transfer that is not yet started; NULL with `error`. */
static vi_transfer *prepare(lua_State *L, vi_error *error) {
  vi_session *session = session_argument(L);
  vi_request *request = request_argument(L);
  vi_push_response_box(L);
  vi_push_reader(L, REQUEST);
  return vi_transfer_new(session, request, error);
}

/* Moves the outcome of a transfer that is ready into the closed Response, or returns nil and the
 * error. The transfer is released, unless the Response goes on to stream from it. */
static int return_outcome(lua_State *L, vi_transfer *transfer) {
  vi_response_box *box = vi_check_response(L, RESPONSE);
  vi_error error = transfer->error;
  bool streams = transfer->head_complete;
  if (streams || error.kind == VI_ERROR_NONE)
    box->response = vi_transfer_take_response(transfer);
  if (streams) {
    box->streamed = true;
    box->stream = transfer;
    transfer->waiter = NULL;
    vi_transfer_await(transfer, VI_AWAIT_BODY);
  } else {
    vi_transfer_release(transfer);
    if (error.kind != VI_ERROR_NONE)
      return vi_push_failure(L, &error, REQUEST);
  }
  lua_settop(L, RESPONSE);
  vi_account(L, vi_response_size(box->response));
  return 1;
}

/* Takes what the reader returned or raised, on top of the stack, to the transfer. */
static void supply(lua_State *L, vi_transfer *transfer, bool raised) {
  int first = TOP + 1;
  bool failed = raised || (lua_isnil(L, first) && !lua_isnoneornil(L, first + 1));
  if (failed) {
    const char *reason = luaL_tolstring(L, raised ? -1 : first + 1, NULL);
    vi_transfer_abort(transfer, VI_ERROR_SCRIPT, reason);
  } else if (lua_isnoneornil(L, first)) {
    vi_transfer_supply(transfer, VI_TEXT(""));
  } else if (lua_type(L, first) != LUA_TSTRING) {
    vi_transfer_abort(transfer, VI_ERROR_SCRIPT, "the body's reader must return strings, then nil");
  } else {
    vi_text bytes;
    bytes.data = lua_tolstring(L, first, &bytes.length);
    if (bytes.length > 0) /* an empty piece is no end: it is asked again */
      vi_transfer_supply(transfer, bytes);
  }
  lua_settop(L, TOP);
}

/* send_sync(self, request) -> Response, or nil and an Error */
static int send_sync(lua_State *L) {
  vi_error error;
  vi_transfer *transfer = prepare(L, &error);
  if (!transfer)
    return vi_push_failure(L, &error, REQUEST);
  lua_Hook before = vi_hook_before(L);
  vi_transfer_start(transfer);
  while (!transfer->ready || (transfer->upload_starved && !transfer->done)) {
    if (transfer->upload_starved) {
      lua_pushvalue(L, READER);
      supply(L, transfer, lua_pcall(L, 0, 2, 0) != LUA_OK);
    } else {
      vi_transfer_wait(transfer, LONGEST_WAIT);
    }
    if (vi_was_interrupted(L, before))
      vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "interrupted");
  }
  return return_outcome(L, transfer);
}

static int continue_send(lua_State *L, int status, lua_KContext context);
static int continue_supply(lua_State *L, int status, lua_KContext context);

/* One step of a task's send: yields until the transfer is ready, calling the reader (which may wait
 * in its turn) whenever the body runs dry. The task owns the transfer meanwhile. */
static int continue_send(lua_State *L, int status, lua_KContext context) {
  (void)status;
  vi_task *task = (vi_task *)context;
  vi_transfer *transfer = task->transfer;
  if (transfer->upload_starved && !transfer->done) {
    lua_pushvalue(L, READER);
    return continue_supply(L, lua_pcallk(L, 0, 2, 0, context, continue_supply), context);
  }
  if (!transfer->ready)
    return lua_yieldk(L, 0, context, continue_send);
  task->transfer = NULL;
  return return_outcome(L, transfer);
}

static int continue_supply(lua_State *L, int status, lua_KContext context) {
  vi_task *task = (vi_task *)context;
  supply(L, task->transfer, status != LUA_OK && status != LUA_YIELD);
  return continue_send(L, LUA_OK, context);
}

/* The main thread's send: drives the loop, and reads the body between its turns. */
static int drive_send(lua_State *L, vi_loop_box *box, vi_transfer *transfer) {
  bool interrupted = false;
  while (!interrupted && (!transfer->ready || (transfer->upload_starved && !transfer->done))) {
    if (transfer->upload_starved) {
      lua_pushvalue(L, READER);
      supply(L, transfer, lua_pcall(L, 0, 2, 0) != LUA_OK);
    } else {
      interrupted = !vi_loop_drive(L, box, &transfer->ready);
    }
  }
  if (interrupted)
    vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "interrupted");
  return return_outcome(L, transfer);
}

/* send_async(self, request) -> Response, or nil and an Error */
static int send_async(lua_State *L) {
  vi_error error;
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "AsyncSender:send");
  vi_transfer *transfer = prepare(L, &error);
  if (!transfer)
    return vi_push_failure(L, &error, REQUEST);
  transfer->waiter = task;
  if (!vi_loop_start(box->loop, transfer))
    return return_outcome(L, transfer);
  if (!task)
    return drive_send(L, box, transfer);
  task->transfer = transfer;
  return continue_send(L, LUA_OK, (lua_KContext)task);
}

/* block(seconds): sleeps without a loop, until the time is over or the user interrupts */
static int block(lua_State *L) {
  double seconds = fmin(vi_opt_seconds(L, 1, 0), 1e9);
  lua_Hook before = vi_hook_before(L);
  struct timespec left = {.tv_sec = (time_t)seconds};
  left.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
  while (nanosleep(&left, &left) != 0 && errno == EINTR && !vi_was_interrupted(L, before))
    continue;
  return 0;
}

void vi_open_senders(lua_State *L) {
  static const luaL_Reg senders[] = {
      {"send_sync", send_sync}, {"send_async", send_async}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"block", block}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "Request");
  luaL_setfuncs(L, senders, 1);
}
