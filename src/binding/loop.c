#include "binding/transport.h"

#include "message/clock.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Where the registry keeps the state's Loop, whose user value is its table of tasks. */
static const char REGISTRY_KEY = 'l';

vi_loop_box *vi_existing_loop(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &REGISTRY_KEY);
  vi_loop_box *box = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return box;
}

vi_loop_box *vi_default_loop(lua_State *L) {
  vi_loop_box *box = vi_existing_loop(L);
  if (box)
    return box;
  box = vi_push_box(L, sizeof *box, 1, VI_TYPE_LOOP);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  vi_error error;
  box->loop = vi_loop_new(&error);
  if (!box->loop)
    luaL_error(L, "%s", error.message);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &REGISTRY_KEY);
  return box;
}

vi_task *vi_calling_task(lua_State *L, vi_loop_box *box, const char *what) {
  if (!box->loop)
    vi_raise(L, "%s: the loop is closed", what);
  if (box->current && box->current->thread == L) {
    if (!lua_isyieldable(L))
      vi_raise(L,
               "%s cannot wait here: a C function (table.sort, a metamethod, string.gsub, "
               "...) stands between it and its task",
               vi_called_name(L, what));
    return box->current;
  }
  if (box->closing && box->closing->thread == L)
    vi_raise(L, "%s cannot wait in a task that %s", vi_called_name(L, what),
             box->closing->state == VI_TASK_CANCELLED ? "was cancelled" : "has failed");
  bool is_main = lua_pushthread(L) == 1, sends = strstr(what, "send") != NULL;
  lua_pop(L, 1);
  if (!is_main || box->current)
    vi_raise(L,
             "%s cannot wait in a coroutine that viesti does not run; start it with "
             "viesti.spawn%s",
             vi_called_name(L, what), sends ? ", or use a SyncSender" : "");
  if (box->loop->in_turn)
    vi_raise(L, "%s cannot wait here: the loop is already being driven", vi_called_name(L, what));
  return NULL;
}

static vi_loop_box *check_loop(lua_State *L) {
  vi_loop_box *box = vi_check_box(L, 1, VI_TYPE_LOOP);
  luaL_argcheck(L, box->loop, 1, "the loop is closed");
  return box;
}

void vi_task_join_list(vi_task *task, vi_task_list *list) {
  task->list = list;
  task->next = NULL;
  task->previous = list->last;
  *(list->last ? &list->last->next : &list->first) = task;
  list->last = task;
  list->count++;
}

void vi_task_leave_list(vi_task *task) {
  vi_task_list *list = task->list;
  task->list = NULL;
  *(task->previous ? &task->previous->next : &list->first) = task->next;
  *(task->next ? &task->next->previous : &list->last) = task->previous;
  list->count--;
}

void vi_task_make_runnable(vi_task *task) {
  vi_loop_box *box = task->owner;
  if (task->list)
    return;
  vi_task_join_list(task, &box->runnable);
  if (box->loop && box->runnable.count == 1)
    vi_loop_set_pending(box->loop, true);
}

void vi_task_leave_runnable(vi_task *task) {
  vi_loop_box *box = task->owner;
  if (task->list != &box->runnable)
    return;
  vi_task_leave_list(task);
  if (box->loop && box->runnable.count == 0)
    vi_loop_set_pending(box->loop, false);
}

/* Everything whose wait is over becomes runnable; nothing is resumed yet. */
static void collect_runnable(vi_loop_box *box) {
  for (vi_transfer *t = vi_loop_take_ready(box->loop); t; t = vi_loop_take_ready(box->loop))
    if (t->waiter && t->due)
      vi_task_wake(t->waiter, t);
  for (vi_watch *w = vi_loop_take_watch(box->loop); w; w = vi_loop_take_watch(box->loop))
    if (w->owner)
      vi_task_wake(w->owner, w);
  for (vi_timer *t = vi_loop_take_timer(box->loop); t; t = vi_loop_take_timer(box->loop))
    vi_task_time_out(t->owner);
}

/* Only as many as are runnable now: tasks made runnable meanwhile wait for the next turn, so that
 * I/O and timers are never starved. */
static void resume_runnable(lua_State *L, vi_loop_box *box) {
  for (size_t left = box->runnable.count; left > 0 && box->runnable.first; left--)
    vi_task_resume(L, box->runnable.first);
}

void vi_loop_turn(lua_State *L, vi_loop_box *box, int timeout) {
  vi_loop_begin_turn(box->loop);
  vi_loop_step(box->loop, timeout);
  collect_runnable(box);
  resume_runnable(L, box);
  vi_loop_end_turn(box->loop);
}

lua_Hook vi_hook_before(lua_State *L) {
  return lua_gethook(L);
}

bool vi_was_interrupted(lua_State *L, lua_Hook before) {
  return lua_gethook(L) && lua_gethook(L) != before;
}

/* Whether nothing is left to do. Where nobody does anything, what they wait for may be held by
 * something that nobody has any more, a dropped stream say: that is collected first. */
static bool is_deadlocked(lua_State *L, const vi_loop_box *box) {
  if (!vi_loop_is_stalled(box->loop))
    return false;
  lua_gc(L, LUA_GCCOLLECT);
  return vi_loop_is_idle(box->loop);
}

bool vi_loop_drive(lua_State *L, vi_loop_box *box, const bool *done) {
  lua_Hook before = vi_hook_before(L);
  while (!*done && !vi_was_interrupted(L, before)) {
    if (is_deadlocked(L, box)) {
      box->main.awaited = box->main.joining = NULL;
      return vi_raise(L, "deadlock: every task waits for another and nothing is in flight");
    }
    vi_loop_turn(L, box, -1);
  }
  return *done;
}

int64_t vi_moment_in(double seconds) {
  return vi_clock_monotonic() + (int64_t)(fmin(seconds, 1e9) * 1e9);
}

static int milliseconds_until(int64_t moment) {
  int64_t left = (moment - vi_clock_monotonic() + 999999) / 1000000;
  return (int)(left < 0 ? 0 : left < INT32_MAX ? left : INT32_MAX);
}

bool vi_loop_drive_for(lua_State *L, vi_loop_box *box, const bool *done, double seconds) {
  lua_Hook before = vi_hook_before(L);
  int64_t deadline = vi_moment_in(seconds);
  do {
    vi_loop_turn(L, box, milliseconds_until(deadline));
  } while (!*done && vi_clock_monotonic() < deadline && !vi_was_interrupted(L, before));
  return !vi_was_interrupted(L, before);
}

void vi_push_tasks(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &REGISTRY_KEY);
  lua_getiuservalue(L, -1, 1);
  lua_remove(L, -2);
}

static int milliseconds_of(lua_State *L, int index) {
  double seconds = vi_opt_seconds(L, index, -1, "loop:step");
  if (seconds < 0 || seconds > 2e6)
    return -1;
  return (int)(seconds * 1000 + 0.999);
}

/* loop:step(max_wait), from any coroutine, since another loop may run its callbacks in one; but not
 * while the loop is being driven. */
static int loop_step(lua_State *L) {
  vi_loop_box *box = check_loop(L);
  if (box->loop->in_turn && vi_calling_task(L, box, "loop:step"))
    return vi_raise(L, "loop:step cannot be called from inside a task");
  vi_loop_turn(L, box, milliseconds_of(L, 2));
  return 0;
}

/* loop:fd() -> the descriptor that is readable whenever there is anything to do */
static int loop_fd(lua_State *L) {
  int fd = vi_loop_fd(check_loop(L)->loop);
  if (fd < 0)
    return vi_raise(L, "loop:fd: no descriptor for the loop's alarm: %s", strerror(errno));
  lua_pushinteger(L, fd);
  return 1;
}

/* loop:is_idle() -> whether it has nothing to do and nothing to wait for */
static int loop_is_idle(lua_State *L) {
  lua_pushboolean(L, vi_loop_is_idle(check_loop(L)->loop));
  return 1;
}

/* loop:timeout() -> seconds, or nil when only a socket can wake it */
static int loop_timeout(lua_State *L) {
  int timeout = vi_loop_timeout(check_loop(L)->loop);
  if (timeout < 0)
    lua_pushnil(L);
  else
    lua_pushnumber(L, timeout / 1000.0);
  return 1;
}

/* The registry lets go of the loop when the state closes, which is the last moment to tell of tasks
 * that nobody has waited for. Upvalue 1: methods; async.lua supplies the words. */
static int loop_gc(lua_State *L) {
  vi_loop_box *box = vi_check_box(L, 1, VI_TYPE_LOOP);
  vi_loop_free(box->loop);
  box->loop = NULL;
  if (box->unstarted == 0 && box->halfway == 0)
    return 0;
  lua_getfield(L, lua_upvalueindex(1), "report_left");
  lua_pushinteger(L, (lua_Integer)box->unstarted);
  lua_pushinteger(L, (lua_Integer)box->halfway);
  lua_call(L, 2, 0);
  return 0;
}

static int default_loop(lua_State *L) {
  vi_default_loop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &REGISTRY_KEY);
  return 1;
}

/* is_stalled() -> whether no task but the caller has anything to do, or to come */
static int is_stalled(lua_State *L) {
  const vi_loop *loop = vi_default_loop(L)->loop;
  lua_pushboolean(L, !loop || vi_loop_is_stalled(loop));
  return 1;
}

static int now(lua_State *L) {
  lua_pushnumber(L, (double)vi_clock_monotonic() * 1e-9);
  return 1;
}

static int wall(lua_State *L) {
  lua_pushnumber(L, vi_clock_wall());
  return 1;
}

void vi_open_loop(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", loop_gc}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"step", loop_step},
                                     {"fd", loop_fd},
                                     {"timeout", loop_timeout},
                                     {"is_idle", loop_is_idle},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"loop", default_loop},
                                       {"is_stalled", is_stalled},
                                       {"now", now},
                                       {"wall", wall},
                                       {NULL, NULL}};
  vi_new_type(L, VI_TYPE_LOOP, "Loop", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
