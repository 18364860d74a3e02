/* Requests that are under way while the host does something else, and the steps that work on them.
 *
 * Each is a task. What it has come to is taken, and its callback called, after the turn in which it
 * ended, outside of Lua. What that needs of memory is there from the start. */
#include "embed/runtime.h"

#include "message/clock.h"
#include "message/memory.h"

#include <errno.h>

/* Where the registry keeps the tasks, by ticket, until their outcome has been taken. */
static const char TASKS_KEY = 't';

typedef struct vi_submission {
  viesti *runtime;
  viesti_ticket ticket;
  viesti_callback callback;
  void *context;
  struct vi_submission *next, *previous; /* under way, or done */
} vi_submission;

static void push_tasks(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &TASKS_KEY) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &TASKS_KEY);
}

static void join_under_way(vi_submission *one) {
  viesti *runtime = one->runtime;
  one->previous = NULL;
  one->next = runtime->under_way;
  if (one->next)
    one->next->previous = one;
  runtime->under_way = one;
  runtime->pending++;
}

static void leave_under_way(vi_submission *one) {
  viesti *runtime = one->runtime;
  *(one->previous ? &one->previous->next : &runtime->under_way) = one->next;
  if (one->next)
    one->next->previous = one->previous;
}

/* Its callback is due. */
static void join_done(vi_submission *one) {
  viesti *runtime = one->runtime;
  leave_under_way(one);
  one->next = NULL;
  *(runtime->done_last ? &runtime->done_last->next : &runtime->done_first) = one;
  runtime->done_last = one;
}

static void on_end(vi_task *task) {
  join_done(task->context);
}

typedef struct submit_call {
  vi_submission *submission;
  viesti_request request;
} submit_call;

/* A place in the table first, so that nothing can fail once there is a task. */
static int submit_protected(lua_State *L) {
  const submit_call *arguments = lua_touserdata(L, 1);
  vi_submission *one = arguments->submission;
  push_tasks(L);
  lua_pushboolean(L, 0);
  lua_rawseti(L, -2, (lua_Integer)one->ticket);
  lua_pushcfunction(L, vi_task_spawn);
  vi_embed_push_later_send(L, &arguments->request);
  lua_call(L, 3, 1);
  vi_task *task = vi_check_task(L, -1);
  task->context = one;
  task->on_end = on_end;
  lua_rawseti(L, -2, (lua_Integer)one->ticket);
  return 0;
}

viesti_status viesti_submit(viesti *runtime, const viesti_request *request,
                            viesti_callback callback, void *context, viesti_ticket *ticket) {
  if (ticket)
    *ticket = 0;
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (runtime->closing)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_submit: the runtime is being closed");
  submit_call arguments;
  const char *wrong =
      callback ? vi_embed_read_request(&arguments.request, request) : "the callback is NULL";
  if (wrong)
    return vi_embed_misuse(runtime, "viesti_submit", wrong);
  vi_submission *one = vi_calloc(sizeof *one);
  if (!one)
    return vi_embed_fail(runtime, VIESTI_OUT_OF_MEMORY, "not enough memory");
  *one = (vi_submission){.runtime = runtime,
                         .ticket = ++runtime->last_ticket,
                         .callback = callback,
                         .context = context};
  arguments.submission = one;
  viesti_status status = vi_embed_call(runtime, submit_protected, &arguments);
  if (status != VIESTI_OK) {
    runtime->last_ticket--; /* its place in the table is the next one's */
    vi_free(one);
    return vi_embed_return(runtime, status);
  }
  join_under_way(one);
  if (ticket)
    *ticket = one->ticket;
  return vi_embed_return(runtime, VIESTI_OK);
}

static int cancel_protected(lua_State *L) {
  const viesti_ticket *ticket = lua_touserdata(L, 1);
  push_tasks(L);
  lua_pushcfunction(L, vi_task_cancel);
  if (lua_rawgeti(L, -2, (lua_Integer)*ticket) == LUA_TUSERDATA)
    lua_call(L, 1, 0);
  return 0;
}

viesti_status viesti_cancel(viesti *runtime, viesti_ticket ticket) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  viesti_status status = vi_embed_call(runtime, cancel_protected, &ticket);
  if (runtime->done_first)
    vi_loop_ring(runtime->loop->loop);
  return vi_embed_return(runtime, status);
}

size_t viesti_pending(const viesti *runtime) {
  return runtime ? runtime->pending : 0;
}

typedef struct settle_call {
  viesti *runtime;
  viesti_ticket ticket;
  viesti_response *response;
} settle_call;

/* Takes the task out of the table, and what it has come to. */
static int settle_protected(lua_State *L) {
  settle_call *arguments = lua_touserdata(L, 1);
  push_tasks(L);
  lua_rawgeti(L, -1, (lua_Integer)arguments->ticket);
  lua_pushnil(L);
  lua_rawseti(L, -3, (lua_Integer)arguments->ticket);
  int base = lua_gettop(L);
  vi_task *task = vi_check_task(L, base);
  task->on_end = NULL;
  if (task->state == VI_TASK_ALIVE)
    return luaL_error(L, "not enough memory");
  vi_push_outcome(L, task);
  lua_settop(L, base + 2);
  arguments->response = vi_embed_take_response(L, base + 1, arguments->runtime);
  return 0;
}

static void call_back(viesti *runtime, vi_submission *one) {
  settle_call arguments = {runtime, one->ticket, NULL};
  viesti_status status = vi_embed_call(runtime, settle_protected, &arguments);
  vi_embed_note_raised(runtime, status);
  vi_said said = runtime->said; /* which the callback's calls on the runtime change */
  viesti_outcome outcome = {.size = sizeof outcome,
                            .status = status,
                            .response = arguments.response,
                            .error = said.error,
                            .kind = said.kind,
                            .maybe_sent = said.maybe_sent};
  runtime->pending--;
  one->callback(one->context, &outcome);
  viesti_response_release(arguments.response);
  vi_free(one);
}

void vi_embed_deliver(viesti *runtime) {
  if (runtime->delivering || !runtime->done_first)
    return;
  vi_said said = runtime->said; /* of the call that delivers */
  runtime->delivering = true;
  while (runtime->done_first) {
    vi_submission *one = runtime->done_first;
    runtime->done_first = one->next;
    if (!one->next)
      runtime->done_last = NULL;
    call_back(runtime, one);
  }
  runtime->delivering = false;
  runtime->said = said;
}

typedef struct step_call {
  vi_loop_box *box;
  int timeout;
} step_call;

static int step_protected(lua_State *L) {
  const step_call *arguments = lua_touserdata(L, 1);
  vi_loop_turn(L, arguments->box, arguments->timeout);
  return 0;
}

static viesti_status turn(viesti *runtime, int timeout) {
  step_call arguments = {runtime->loop, timeout};
  if (runtime->done_first || atomic_load(&runtime->woken))
    arguments.timeout = 0;
  viesti_status status = vi_embed_call(runtime, step_protected, &arguments);
  atomic_store(&runtime->woken, false);
  return status;
}

viesti_status viesti_step(viesti *runtime, int timeout_ms) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  viesti_status status = turn(runtime, timeout_ms < 0 ? -1 : timeout_ms);
  vi_embed_deliver(runtime);
  return vi_embed_return(runtime, status);
}

int viesti_fd(viesti *runtime) {
  return runtime && runtime->opened ? vi_loop_fd(runtime->loop->loop) : -1;
}

int viesti_timeout(viesti *runtime) {
  if (!runtime || !runtime->opened)
    return -1;
  return runtime->done_first || atomic_load(&runtime->woken) ? 0
                                                             : vi_loop_timeout(runtime->loop->loop);
}

void viesti_wakeup(viesti *runtime) {
  if (!runtime || !runtime->opened)
    return;
  int before = errno;
  atomic_store(&runtime->woken, true);
  vi_loop_ring(runtime->loop->loop);
  errno = before;
}

/* Goes on with what is under way for as long as the host has asked for. */
static void linger(viesti *runtime) {
  int64_t deadline = vi_clock_monotonic() + (int64_t)runtime->options.linger_ms * 1000000;
  while (runtime->under_way && runtime->options.linger_ms != 0) {
    int64_t left = (deadline - vi_clock_monotonic()) / 1000000;
    if (runtime->options.linger_ms > 0 && left <= 0)
      break;
    if (vi_loop_is_idle(runtime->loop->loop))
      break; /* it waits for the host, who has nothing more to say */
    if (turn(runtime, runtime->options.linger_ms > 0 ? (int)left : -1) != VIESTI_OK)
      break;
    vi_embed_deliver(runtime);
  }
}

void vi_embed_cancel_all(viesti *runtime) {
  runtime->closing = true;
  linger(runtime);
  while (runtime->under_way) {
    vi_submission *one = runtime->under_way;
    vi_embed_call(runtime, cancel_protected, &one->ticket);
    if (runtime->under_way == one)
      join_done(one); /* there was no memory to cancel it properly; it ends with the state */
  }
  vi_embed_deliver(runtime);
}
