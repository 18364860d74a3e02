/* What a task waits for: transfers, the end of another task, a descriptor, a time, a wake. */
#include "binding/objects.h"
#include "binding/transport.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char PARKED = 'p'; /* what a parked task awaits: its address stands for any wake */

void vi_task_enter(vi_task *task, vi_transfer *transfer) {
  transfer->waiter = task;
  transfer->outer = task->waits;
  task->waits = transfer;
}

/* One whose response nobody has yet is of no use any more. */
static void abandon(vi_transfer *transfer) {
  transfer->waiter = NULL;
  if (transfer->awaiting != VI_AWAIT_BODY)
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

static void stop_timer(vi_task *task) {
  if (task->owner->loop)
    vi_timers_remove(&task->owner->loop->timers, &task->timer);
}

static void stop_watching(vi_task *task) {
  if (task->owner->loop)
    vi_loop_unwatch(task->owner->loop, &task->watch);
}

void vi_task_time_out(vi_task *task) {
  task->awaited = NULL;
  stop_timer(task);
  vi_task_make_runnable(task);
}

static void join(vi_task *joiner, vi_task *task) {
  joiner->joining = task;
  joiner->next_joiner = task->joiners;
  task->joiners = joiner;
}

static void leave_joiners(vi_task *joiner) {
  if (!joiner->joining)
    return;
  vi_task **link = &joiner->joining->joiners;
  while (*link != joiner)
    link = &(*link)->next_joiner;
  *link = joiner->next_joiner;
  joiner->joining = NULL;
}

void vi_task_wake(vi_task *task, const void *awaited) {
  if (task->awaited != awaited)
    return;
  if (awaited == &PARKED)
    leave_joiners(task);
  vi_task_time_out(task);
}

/* Tells a parked task that nobody will wake it. False: there is no memory to say so. */
static bool wake_in_vain(vi_task *task) {
  if (!lua_checkstack(task->thread, 1))
    return false;
  lua_pushboolean(task->thread, 0);
  task->arguments = 1;
  vi_task_wake(task, &PARKED);
  return true;
}

/* Those who count on it to be woken do not join it: they would wait for ever. */
void vi_task_release_joiners(vi_task *task) {
  for (vi_task *joiner = task->joiners, *next; joiner; joiner = next) {
    next = joiner->next_joiner;
    if (joiner->awaited != &PARKED)
      vi_task_wake(joiner, task);
    else if (!wake_in_vain(joiner))
      vi_task_wake(joiner, &PARKED); /* it parks again, and is told then */
  }
}

void vi_task_stop_waiting(vi_task *task) {
  task->awaited = NULL;
  vi_task_leave_runnable(task);
  leave_joiners(task);
  stop_timer(task);
  stop_watching(task);
  while (task->waits) {
    vi_transfer *transfer = task->waits;
    task->waits = transfer->outer;
    abandon(transfer);
  }
}

/* The outcome of the task at 1; or nil and an Error if it had the seconds at 2 and took longer. */
static int return_outcome(lua_State *L, vi_task *task) {
  if (task->state != VI_TASK_ALIVE)
    return vi_push_outcome(L, task);
  vi_error error;
  vi_error_set(&error, VI_ERROR_TIMEOUT, "the task was not done within %.14g seconds",
               lua_tonumber(L, 2));
  error.maybe_sent = true; /* whatever it was to send */
  return vi_push_failure(L, &error, 0);
}

static int continue_join(lua_State *L, int status, lua_KContext context) {
  (void)status;
  leave_joiners((vi_task *)context);
  return return_outcome(L, vi_check_task(L, 1));
}

/* Whom a task cannot go on without, however long it takes; NULL: nobody that is known. */
static vi_task *needed_by(const vi_task *task) {
  if (!task->awaited || task->timer.position > 0)
    return NULL;
  return task->awaited == &PARKED ? task->counted_on : task->joining;
}

/* True if one task waits for another, by itself or through others. */
static bool needs(vi_task *task, const vi_task *other) {
  while (task && task != other)
    task = needed_by(task);
  return task != NULL;
}

/* Wakes a parked task of those through which the first one needs the other, and tells it why. False
 * if there is none. */
static bool let_one_go(vi_task *task, const vi_task *other) {
  while (task != other && task->awaited != &PARKED)
    task = needed_by(task);
  return task != other && wake_in_vain(task);
}

/* Nobody waits for himself, who would wait for ever. */
static void check_circle(lua_State *L, vi_task *task, const vi_task *caller) {
  if (needs(task, caller) && !let_one_go(task, caller))
    vi_raise(L, "deadlock: the task to be joined waits for who joins it, by itself or through "
                "others");
}

static int join_driving(lua_State *L, vi_task *task, double seconds) {
  vi_loop_box *box = task->owner;
  if (seconds < INFINITY)
    return vi_loop_drive_for(L, box, &task->ended, seconds) ? return_outcome(L, task) : 0;
  check_circle(L, task, &box->main);
  box->main.awaited = box->main.joining = task;
  bool done = vi_loop_drive(L, box, &task->ended);
  box->main.awaited = box->main.joining = NULL;
  return done ? return_outcome(L, task) : 0;
}

static void start_timer(lua_State *L, vi_task *task, double seconds) {
  if (!vi_timers_add(&task->owner->loop->timers, &task->timer, vi_moment_in(seconds)))
    luaL_error(L, "out of memory");
}

/* task:join(seconds) -> what its function returned */
static int task_join(lua_State *L) {
  vi_task *task = vi_check_task(L, 1);
  double seconds = vi_opt_seconds(L, 2, INFINITY, "task:join");
  lua_settop(L, 2);
  if (task->state != VI_TASK_ALIVE)
    return vi_push_outcome(L, task);
  vi_task *caller = vi_calling_task(L, task->owner, "task:join");
  if (!caller)
    return join_driving(L, task, seconds);
  if (caller == task)
    return vi_raise(L, "a task cannot join itself");
  if (seconds < INFINITY)
    start_timer(L, caller, seconds);
  else
    check_circle(L, task, caller);
  join(caller, task);
  caller->awaited = task;
  return lua_yieldk(L, 0, (lua_KContext)caller, continue_join);
}

/* check_wait(what): raises where the caller, the user's `what`, could not wait */
static int check_wait(lua_State *L) {
  vi_calling_task(L, vi_default_loop(L), luaL_checkstring(L, 1));
  return 0;
}

/* park(by): waits until somebody wakes the calling task; returns what it is woken with. Where it is
 * known that a task will do that, or the main thread (false), it is false once that waits for the
 * calling task in its turn, or has ended. */
static int park(lua_State *L) {
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "park");
  if (!task)
    return vi_raise(L, "only a task can be parked");
  lua_settop(L, 1);
  task->counted_on = lua_isboolean(L, 1)     ? &box->main
                     : lua_isnoneornil(L, 1) ? NULL
                                             : vi_check_task(L, 1);
  vi_task *by = task->counted_on;
  if (by && (by->ended || needs(by, task))) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (by && by != &box->main)
    join(task, by);
  task->awaited = &PARKED;
  return lua_yield(L, 0);
}

/* task:wake(...): ends its park. False if it is not parked. */
static int task_wake(lua_State *L) {
  vi_task *task = vi_check_task(L, 1);
  bool parked = task->awaited == &PARKED;
  if (parked) {
    int count = lua_gettop(L) - 1;
    if (!lua_checkstack(task->thread, count))
      return vi_raise(L, "too many values to wake a task with");
    lua_xmove(L, task->thread, count);
    task->arguments = count;
    vi_task_wake(task, &PARKED);
  }
  lua_pushboolean(L, parked);
  return 1;
}

/* sleep(seconds): a task waits while others run; on the main thread it drives the loop meanwhile */
static int task_sleep(lua_State *L) {
  static const bool never = false;
  double seconds = vi_opt_seconds(L, 1, 0, "sleep");
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "sleep");
  if (!task) {
    vi_loop_drive_for(L, box, &never, seconds);
    return 0;
  }
  start_timer(L, task, seconds);
  task->awaited = &task->timer;
  return lua_yield(L, 0);
}

static int refuse_watch(lua_State *L) {
  int reason = errno;
  if (reason == EPERM) { /* a plain file, which never makes anybody wait */
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(reason));
  return 2;
}

static int continue_watch(lua_State *L, int status, lua_KContext context) {
  (void)status;
  vi_task *task = (vi_task *)context;
  stop_watching(task);
  lua_pushboolean(L, task->watch.ready);
  return 1;
}

static int watch_driving(lua_State *L, vi_loop_box *box, vi_watch *watch, double seconds) {
  if (!vi_loop_watch(box->loop, watch))
    return refuse_watch(L);
  vi_loop_drive_for(L, box, &watch->ready, seconds);
  vi_loop_unwatch(box->loop, watch);
  lua_pushboolean(L, watch->ready);
  return 1;
}

/* wait_descriptor(fd, "r"|"w"|"rw", seconds) -> true once it can be read or written, or has an
 * error; false when so many seconds (nil: any number) have passed; nil and a reason when it cannot
 * be waited for. Whoever closes a descriptor that a task waits for wakes nobody. */
static int wait_descriptor(lua_State *L) {
  static const char *const names[] = {"r", "w", "rw", NULL};
  static const int events[] = {VI_POLL_READ, VI_POLL_WRITE, VI_POLL_READ | VI_POLL_WRITE};
  lua_Integer fd = luaL_checkinteger(L, 1);
  vi_watch watch = {.fd = fd >= 0 && fd <= INT32_MAX ? (int)fd : -1,
                    .events = events[luaL_checkoption(L, 2, NULL, names)]};
  double seconds = vi_opt_seconds(L, 3, INFINITY, "wait_descriptor");
  vi_loop_box *box = vi_default_loop(L);
  vi_task *task = vi_calling_task(L, box, "wait_descriptor");
  if (!task)
    return watch_driving(L, box, &watch, seconds);
  watch.owner = task;
  task->watch = watch;
  if (seconds < INFINITY)
    start_timer(L, task, seconds);
  if (!vi_loop_watch(box->loop, &task->watch)) {
    int reason = errno;
    stop_timer(task);
    errno = reason;
    return refuse_watch(L);
  }
  task->awaited = &task->watch;
  return lua_yieldk(L, 0, (lua_KContext)task, continue_watch);
}

void vi_open_waits(lua_State *L) {
  static const luaL_Reg methods[] = {{"join", task_join}, {"wake", task_wake}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"check_wait", check_wait},
                                       {"park", park},
                                       {"sleep", task_sleep},
                                       {"wait_descriptor", wait_descriptor},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "Task");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
}
