#include "binding/objects.h"
#include "binding/transport.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* The two `send` operations and the blocking sleep. A concrete sender is a Lua object with a field
 * `session`; upvalue 1 is Request's table of methods. Stack: 1 the sender, 2 the request. */

enum { LONGEST_WAIT = 1000 }; /* milliseconds without a look at the interpreter's hook */

/* Accepts a table of a Request's options in its place. */
static vi_request *request_argument(lua_State *L) {
  lua_settop(L, 2);
  if (!vi_test_box(L, 2, VI_TYPE_REQUEST)) {
    lua_getfield(L, lua_upvalueindex(1), "from");
    lua_insert(L, 2);
    lua_call(L, 1, 1);
  }
  return vi_check_request(L, 2);
}

static vi_session *session_argument(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "session");
  vi_session *session = vi_check_session(L, -1);
  lua_pop(L, 1);
  return session;
}

/* Moves the outcome of a finished transfer, which is released, into the closed Response at index
 * 3, or returns nil and the error. */
static int return_outcome(lua_State *L, vi_transfer *transfer) {
  vi_response_box *box = vi_check_response(L, 3);
  vi_error error = transfer->error;
  if (error.kind == VI_ERROR_NONE)
    box->response = vi_transfer_take_response(transfer);
  vi_transfer_release(transfer);
  if (error.kind != VI_ERROR_NONE)
    return vi_push_failure(L, &error, 2);
  lua_settop(L, 3);
  vi_account(L, vi_response_size(box->response));
  return 1;
}

static vi_transfer *new_transfer(lua_State *L, vi_error *error) {
  vi_session *session = session_argument(L);
  vi_request *request = request_argument(L);
  vi_push_response_box(L);
  return vi_transfer_new(session, request, error);
}

/* send_sync(self, request) -> Response, or nil and an Error */
static int send_sync(lua_State *L) {
  vi_error error;
  vi_transfer *transfer = new_transfer(L, &error);
  if (!transfer)
    return vi_push_failure(L, &error, 2);
  lua_Hook before = vi_hook_before(L);
  vi_transfer_start(transfer);
  while (!transfer->done) {
    vi_transfer_wait(transfer, LONGEST_WAIT);
    if (vi_was_interrupted(L, before))
      vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "interrupted");
  }
  return return_outcome(L, transfer);
}

static int continue_send(lua_State *L, int status, lua_KContext context) {
  (void)status;
  vi_task *task = (vi_task *)context;
  vi_transfer *transfer = task->transfer;
  task->transfer = NULL;
  return return_outcome(L, transfer);
}

/* send_async(self, request) -> Response, or nil and an Error */
static int send_async(lua_State *L) {
  vi_error error;
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "AsyncSender:send");
  vi_transfer *transfer = new_transfer(L, &error);
  if (!transfer)
    return vi_push_failure(L, &error, 2);
  transfer->waiter = task;
  if (!vi_loop_start(box->loop, transfer))
    return return_outcome(L, transfer);
  if (task) {
    task->transfer = transfer;
    return lua_yieldk(L, 0, (lua_KContext)task, continue_send);
  }
  if (!vi_loop_drive(L, box, &transfer->done))
    vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "interrupted");
  return return_outcome(L, transfer);
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
