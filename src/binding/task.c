#include "binding/objects.h"
#include "binding/transport.h"

#include "message/clock.h"

#include <math.h>

enum { THREAD = 1 }; /* the user value */

static const char PARKED = 'p'; /* what a parked task awaits: its address stands for any wake */

/* In the loop's table a task outlives its user's interest in it. */
static void keep_task(lua_State *L, vi_task *task) {
  vi_push_tasks(L);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, task);
  lua_pop(L, 1);
}

static void drop_task(lua_State *L, vi_task *task) {
  vi_push_tasks(L);
  lua_pushnil(L);
  lua_rawsetp(L, -2, task);
  lua_pop(L, 1);
}

static vi_task *check_task(lua_State *L, int index) {
  return vi_check_box(L, index, VI_TYPE_TASK);
}

void vi_task_make_runnable(vi_task *task) {
  vi_loop_box *box = task->owner;
  if (task->runnable)
    return;
  task->runnable = true;
  task->next = NULL;
  task->previous = box->runnable_last;
  *(box->runnable_last ? &box->runnable_last->next : &box->runnable_first) = task;
  box->runnable_last = task;
  box->runnable_count++;
}

void vi_task_wake(vi_task *task, const void *awaited) {
  if (task->awaited != awaited)
    return;
  task->awaited = NULL;
  vi_task_make_runnable(task);
}

void vi_task_enter(vi_task *task, vi_transfer *transfer) {
  transfer->waiter = task;
  transfer->outer = task->waits;
  task->waits = transfer;
}

/* One whose response nobody has yet is of no use any more. */
static void abandon(vi_transfer *transfer) {
  transfer->waiter = NULL;
  if (transfer->response)
    vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "nobody waits for it any more");
}

void vi_task_leave(vi_transfer *transfer) {
  vi_task *task = transfer->waiter;
  if (!task)
    return;
  while (task->waits != transfer) {
    vi_transfer *inner = task->waits;
    task->waits = inner->outer;
    abandon(inner);
  }
  task->waits = transfer->outer;
  transfer->waiter = NULL;
}

static void leave_runnable(vi_task *task) {
  vi_loop_box *box = task->owner;
  if (!task->runnable)
    return;
  task->runnable = false;
  *(task->previous ? &task->previous->next : &box->runnable_first) = task->next;
  *(task->next ? &task->next->previous : &box->runnable_last) = task->previous;
  box->runnable_count--;
}

static void leave_joiners(vi_task *task) {
  if (!task->joining)
    return;
  vi_task **link = &task->joining->joiners;
  while (*link != task)
    link = &(*link)->next_joiner;
  *link = task->next_joiner;
  task->joining = NULL;
}

/* Ends every wait of the task, whatever it waits for. */
static void stop_waiting(vi_task *task) {
  task->awaited = NULL;
  leave_runnable(task);
  leave_joiners(task);
  if (task->owner->loop)
    vi_timers_remove(&task->owner->loop->timers, &task->timer);
  while (task->waits) {
    vi_transfer *transfer = task->waits;
    task->waits = transfer->outer;
    abandon(transfer);
  }
}

static void release_joiners(vi_task *task) {
  while (task->joiners) {
    vi_task *joiner = task->joiners;
    leave_joiners(joiner);
    vi_task_wake(joiner, task);
  }
}

/* A failure that nobody joins stays in the loop's table, for viesti.run to report. */
static void end(lua_State *L, vi_task *task, vi_task_state state) {
  bool lost = state == VI_TASK_FAILED && !task->joiners;
  task->state = state;
  task->ended = true;
  stop_waiting(task);
  release_joiners(task);
  if (!lost)
    drop_task(L, task);
}

/* What it raised stays on top of its stack, unless one of the variables raises in its turn. It has
 * failed already: they cannot cancel it. */
static void close_variables(vi_task *task) {
  task->state = VI_TASK_FAILED;
  lua_resetthread(task->thread);
}

void vi_task_resume(lua_State *L, vi_task *task) {
  vi_loop_box *box = task->owner;
  vi_task *before = box->current;
  leave_runnable(task);
  int arguments = task->arguments, results = 0;
  task->arguments = 0;
  box->current = task;
  int status = lua_resume(task->thread, L, arguments, &results);
  box->current = before;
  if (status == LUA_YIELD) {
    lua_pop(task->thread, results);
    if (!task->awaited) /* a plain coroutine.yield: let the others go first */
      vi_task_make_runnable(task);
  } else {
    if (status != LUA_OK)
      close_variables(task);
    end(L, task, status == LUA_OK ? VI_TASK_DONE : VI_TASK_FAILED);
  }
}

/* spawn(fn, ...) -> Task, to run from the loop's next turn on */
static int spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  vi_loop_box *box = vi_default_loop(L);
  int arguments = lua_gettop(L);
  vi_task *task = lua_newuserdatauv(L, sizeof *task, 1);
  *task = (vi_task){.owner = box};
  task->timer.owner = task;
  task->thread = lua_newthread(L);
  lua_setiuservalue(L, -2, THREAD);
  vi_set_type(L, VI_TYPE_TASK);
  if (!lua_checkstack(task->thread, arguments + 1))
    return luaL_error(L, "too many arguments for a task");
  keep_task(L, task);
  lua_insert(L, 1);
  lua_xmove(L, task->thread, arguments);
  task->arguments = arguments - 1;
  vi_task_make_runnable(task);
  return 1;
}

/* current() -> the running task, or nil */
static int current(lua_State *L) {
  vi_task *task = vi_default_loop(L)->current;
  if (!task || task->thread != L)
    return 0;
  vi_push_tasks(L);
  lua_rawgetp(L, -1, task);
  return 1;
}

/* What a finished task returned, or nil and why it has nothing; raises what it raised. */
static int push_outcome(lua_State *L, vi_task *task) {
  lua_State *thread = task->thread;
  if (task->state == VI_TASK_CANCELLED) {
    vi_error error;
    vi_error_set(&error, VI_ERROR_CANCELLED, "the task was cancelled");
    return vi_push_failure(L, &error, 0);
  }
  drop_task(L, task);
  int count = task->state == VI_TASK_FAILED ? 1 : lua_gettop(thread);
  int first = lua_gettop(thread) - count + 1;
  luaL_checkstack(L, count, "too many results of a task");
  if (!lua_checkstack(thread, 1))
    return luaL_error(L, "out of memory");
  for (int i = 0; i < count; i++) {
    lua_pushvalue(thread, first + i);
    lua_xmove(thread, L, 1);
  }
  return task->state == VI_TASK_FAILED ? lua_error(L) : count;
}

static int continue_join(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return push_outcome(L, check_task(L, 1));
}

/* task:join() -> what its function returned */
static int task_join(lua_State *L) {
  vi_task *task = check_task(L, 1);
  lua_settop(L, 1);
  if (task->state != VI_TASK_ALIVE)
    return push_outcome(L, task);
  vi_task *caller = vi_calling_task(L, task->owner, "task:join");
  if (!caller)
    return vi_loop_drive(L, task->owner, &task->ended) ? push_outcome(L, task) : 0;
  if (caller == task)
    return luaL_error(L, "a task cannot join itself");
  caller->joining = task;
  caller->next_joiner = task->joiners;
  task->joiners = caller;
  caller->awaited = task;
  return lua_yieldk(L, 0, 0, continue_join);
}

/* task:cancel() -> whether there was anything to cancel. The task is ended where it waits; its
 * to-be-closed variables are closed. */
static int task_cancel(lua_State *L) {
  vi_task *task = check_task(L, 1);
  if (task->state != VI_TASK_ALIVE) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (task->owner->current == task)
    return luaL_error(L, "a task cannot cancel itself; it can return");
  stop_waiting(task);
  task->state = VI_TASK_CANCELLED;
  lua_resetthread(task->thread);
  end(L, task, VI_TASK_CANCELLED);
  lua_pushboolean(L, 1);
  return 1;
}

static int task_status(lua_State *L) {
  static const char *const names[] = {"running", "done", "failed", "cancelled"};
  lua_pushstring(L, names[check_task(L, 1)->state]);
  return 1;
}

/* park(): waits until somebody wakes the calling task; returns what it is woken with */
static int park(lua_State *L) {
  vi_task *task = vi_calling_task(L, vi_default_loop(L), "park");
  if (!task)
    return luaL_error(L, "only a task can be parked");
  task->awaited = &PARKED;
  return lua_yield(L, 0);
}

/* task:wake(...): ends its park. False if it is not parked. */
static int task_wake(lua_State *L) {
  vi_task *task = check_task(L, 1);
  bool parked = task->awaited == &PARKED;
  if (parked) {
    int count = lua_gettop(L) - 1;
    if (!lua_checkstack(task->thread, count))
      return luaL_error(L, "too many values to wake a task with");
    lua_xmove(L, task->thread, count);
    task->arguments = count;
    vi_task_wake(task, &PARKED);
  }
  lua_pushboolean(L, parked);
  return 1;
}

/* sleep(seconds): a task waits while others run; on the main thread it drives the loop meanwhile */
static int task_sleep(lua_State *L) {
  double seconds = fmin(vi_opt_seconds(L, 1, 0), 1e9);
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "sleep");
  int64_t deadline = vi_clock_monotonic() + (int64_t)(seconds * 1e9);
  if (task) {
    if (!vi_timers_add(&box->loop->timers, &task->timer, deadline))
      return luaL_error(L, "out of memory");
    task->awaited = &task->timer;
    return lua_yield(L, 0);
  }
  vi_timer timer = {0};
  if (!vi_timers_add(&box->loop->timers, &timer, deadline))
    return luaL_error(L, "out of memory");
  lua_Hook before = vi_hook_before(L);
  while (timer.position && !vi_was_interrupted(L, before))
    vi_loop_turn(L, box, -1);
  vi_timers_remove(&box->loop->timers, &timer);
  return 0;
}

/* failures() -> list of the failed tasks that nobody has joined, each handed out once */
static int failures(lua_State *L) {
  vi_default_loop(L);
  vi_push_tasks(L);
  lua_newtable(L);
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1))
    if (check_task(L, -1)->state == VI_TASK_FAILED) {
      lua_pushvalue(L, -1);
      lua_rawseti(L, -4, ++count);
    }
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    drop_task(L, check_task(L, -1));
    lua_pop(L, 1);
  }
  return 1;
}

static int task_gc(lua_State *L) {
  vi_task *task = check_task(L, 1);
  stop_waiting(task);
  return 0;
}

void vi_open_task(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", task_gc}, {"__close", task_cancel}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"join", task_join},
                                     {"cancel", task_cancel},
                                     {"status", task_status},
                                     {"wake", task_wake},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"spawn", spawn},       {"current", current},
                                       {"park", park},         {"sleep", task_sleep},
                                       {"failures", failures}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_TASK, "Task", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
