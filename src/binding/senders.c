#include "binding/objects.h"
#include "binding/transport.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* The two `send` operations and the blocking sleep. A concrete sender is a Lua object with a field
 * `session`; upvalue 1 is Request's table of methods, upvalue 2 the Loop's. */

/* Takes (self, request) and leaves the stack as vi_await_transfer wants it: the Response, which
 * owns the transfer that is returned, not started; and the request. NULL, with `error`: there is
 * none. The commonest tables, a URL and plain options, need no Request of their own unless an error
 * is to name it. */
static vi_transfer *prepare(lua_State *L, vi_error *error) {
  enum { SENDER = 1, REQUEST = 2, SESSION = 3, RESPONSE = 4 };
  lua_settop(L, REQUEST);
  if (lua_istable(L, SENDER))
    lua_getfield(L, SENDER, "session");
  if (!vi_test_box(L, SESSION, VI_TYPE_SESSION))
    vi_raise(L, "send needs a sender that was built: sender:send(request), with a colon");
  vi_session *session = vi_check_session(L, SESSION);
  if (session->options.account)
    vi_make_room(L);
  vi_response_box *box = vi_push_response_box(L);
  vi_request *plain = vi_new_plain_request(L, REQUEST);
  vi_request *request =
      plain ? plain : vi_take_request(L, REQUEST, 0); /* may run the user's code */
  if (request->streams_body) {
    if (!vi_push_reader(L, REQUEST, error))
      return NULL;
    lua_setiuservalue(L, RESPONSE, VI_RESPONSE_READER);
  }
  if (request->streams_response) {
    lua_pushvalue(L, REQUEST);
    lua_setiuservalue(L, RESPONSE, VI_RESPONSE_REQUEST);
  }
  box->stream = vi_transfer_new(session, request, error);
  vi_request_release(plain);
  if (!box->stream)
    vi_take_request(L, REQUEST, 0);
  lua_replace(L, SENDER);
  lua_settop(L, REQUEST);
  return box->stream;
}

/* A task that blocks holds up the others, which hardly anybody wants: it is told of once. The words
 * are async.lua's. */
VI_RAISES static void tell_of_blocking(lua_State *L) {
  vi_loop_box *box = vi_existing_loop(L);
  if (!box || !box->current || box->current->thread != L || box->told_of_blocking)
    return;
  size_t others = box->unstarted + box->halfway - box->current->is_users;
  if (others == 0)
    return;
  box->told_of_blocking = true;
  lua_getfield(L, lua_upvalueindex(2), "report_blocked");
  lua_pushinteger(L, (lua_Integer)others);
  lua_call(L, 1, 0);
}

/* send_sync(self, request) -> Response, or nil and an Error */
static int send_sync(lua_State *L) {
  tell_of_blocking(L);
  vi_error error;
  vi_transfer *transfer = prepare(L, &error);
  if (!transfer)
    return vi_push_failure(L, &error, 2);
  vi_transfer_start(transfer);
  return vi_await_transfer(L, transfer, NULL);
}

/* send_async(self, request) -> Response, or nil and an Error */
static int send_async(lua_State *L) {
  vi_error error;
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "AsyncSender:send");
  vi_transfer *transfer = prepare(L, &error);
  if (!transfer)
    return vi_push_failure(L, &error, 2);
  if (!vi_loop_start(box->loop, transfer)) /* it is done at once, and never was in the loop */
    task = NULL;
  return vi_await_transfer(L, transfer, task);
}

/* block(seconds): sleeps without a loop, until the time is over or the user interrupts */
static int block(lua_State *L) {
  double seconds = fmin(vi_opt_seconds(L, 1, 0, "sleep"), 1e9);
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
  lua_getfield(L, -2, "Loop");
  luaL_setfuncs(L, senders, 2);
}
