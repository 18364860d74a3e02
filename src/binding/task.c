/* The life of a task: started, resumed, ended, cancelled, and what becomes of its outcome. */
#include "binding/objects.h"
#include "binding/transport.h"

enum { THREAD = 1 }; /* the user value */

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

vi_task *vi_check_task(lua_State *L, int index) {
  return vi_check_box(L, index, VI_TYPE_TASK);
}

static void end(lua_State *L, vi_task *task, vi_task_state state) {
  vi_task_stop_waiting(task);
  task->owner->halfway -= task->is_users;
  task->state = state;
  task->ended = true;
  if (state == VI_TASK_FAILED)
    vi_task_join_list(task, &task->owner->failed);
  vi_task_release_joiners(task);
  drop_task(L, task);
  if (task->on_end)
    task->on_end(task);
}

static void note_start(vi_task *task) {
  if (task->started)
    return;
  task->started = true;
  task->owner->unstarted--;
  task->owner->halfway += task->is_users;
}

/* Closes the to-be-closed variables of a task that has ended. False if one of them raised. */
static bool close_variables(vi_task *task) {
  vi_loop_box *box = task->owner;
  vi_task *before = box->closing;
  box->closing = task;
  bool closed = lua_resetthread(task->thread) == LUA_OK;
  box->closing = before;
  return closed;
}

/* Ends a suspended task. An error that a to-be-closed variable of its raises is its outcome. */
static void cancel(lua_State *L, vi_task *task) {
  note_start(task);
  vi_task_stop_waiting(task);
  task->state = VI_TASK_CANCELLED; /* for what closing its variables runs */
  bool closed = close_variables(task);
  end(L, task, closed ? VI_TASK_CANCELLED : VI_TASK_FAILED);
}

/* A plain coroutine.yield, which awaits nothing, lets the others go first. */
static void suspend(lua_State *L, vi_task *task) {
  if (task->doomed)
    cancel(L, task);
  else if (!task->awaited)
    vi_task_make_runnable(task);
}

static int trace(lua_State *L) {
  luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
  return 1;
}

/* Pushes where the thread has stopped, in words; or nil, without memory for them. */
static void push_place_of_failure(lua_State *L, lua_State *thread) {
  lua_pushcfunction(L, trace);
  lua_pushlightuserdata(L, thread);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK)
    return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* Likewise of one that failed. The error stays on top, which before Lua 5.4.3 took care. */
static void close_failed(lua_State *L, vi_task *task) {
  lua_State *thread = task->thread;
  lua_pushvalue(thread, -1);
  lua_xmove(thread, L, 1);
  close_variables(task);
  if (lua_gettop(thread) == 0)
    lua_xmove(L, thread, 1);
  else
    lua_pop(L, 1);
}

/* Values are yielded to somebody who knows what to do with them: to another library's loop, whose
 * wait would be over at once here. */
static void refuse_values(lua_State *thread, int count) {
  lua_pop(thread, count);
  lua_pushliteral(thread,
                  "a task yielded values, which viesti does not wait for: another library's "
                  "wait needs a coroutine that that library runs");
}

void vi_task_resume(lua_State *L, vi_task *task) {
  vi_loop_box *box = task->owner;
  vi_task *before = box->current;
  vi_task_leave_runnable(task);
  note_start(task);
  int arguments = task->arguments, results = 0;
  task->arguments = 0;
  box->current = task;
  int status = lua_resume(task->thread, L, arguments, &results);
  box->current = before;
  if (status == LUA_YIELD && results == 0) {
    suspend(L, task);
  } else if (status == LUA_OK) {
    end(L, task, VI_TASK_DONE);
  } else {
    if (status == LUA_YIELD)
      refuse_values(task->thread, results);
    vi_task_stop_waiting(task);
    task->state = VI_TASK_FAILED; /* its variables cannot cancel it any more */
    push_place_of_failure(L, task->thread);
    close_failed(L, task);
    lua_xmove(L, task->thread, 1); /* kept below what was raised */
    lua_insert(task->thread, 1);
    end(L, task, VI_TASK_FAILED);
  }
}

/* spawn(fn, ...) -> Task, to run from the loop's next turn on */
int vi_task_spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  vi_loop_box *box = vi_default_loop(L);
  int arguments = lua_gettop(L);
  vi_task *task = vi_push_box(L, sizeof *task, 1, VI_TYPE_TASK);
  task->owner = box;
  task->timer.owner = task->watch.owner = task;
  task->thread = lua_newthread(L);
  lua_setiuservalue(L, -2, THREAD);
  if (!lua_checkstack(task->thread, arguments + 1))
    return vi_raise(L, "too many arguments for a task");
  keep_task(L, task);
  lua_insert(L, 1);
  lua_xmove(L, task->thread, arguments);
  task->arguments = arguments - 1;
  box->unstarted++;
  vi_task_make_runnable(task);
  return 1;
}

/* spawn_for_user(fn, ...) -> likewise; the user is told of it if it is cut off halfway */
static int spawn_for_user(lua_State *L) {
  vi_task_spawn(L);
  vi_check_task(L, -1)->is_users = true;
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

/* Pushes the top `count` values of the task's stack, which stay there. */
static void push_from(lua_State *L, vi_task *task, int count) {
  lua_State *thread = task->thread;
  int first = lua_gettop(thread) - count + 1;
  luaL_checkstack(L, count, "too many results of a task");
  if (!lua_checkstack(thread, 1))
    luaL_error(L, "out of memory");
  for (int i = 0; i < count; i++) {
    lua_pushvalue(thread, first + i);
    lua_xmove(thread, L, 1);
  }
}

/* Pushes what a failed task raised. From now on somebody knows. */
static void push_failure(lua_State *L, vi_task *task) {
  if (task->list)
    vi_task_leave_list(task);
  push_from(L, task, 1);
}

/* Pushes where that was raised, a traceback; or nil, where closing its variables did. */
static void push_trace(lua_State *L, vi_task *task) {
  if (lua_gettop(task->thread) == 1) {
    lua_pushnil(L);
    return;
  }
  push_from(L, task, 2);
  lua_pop(L, 1);
}

int vi_push_outcome(lua_State *L, vi_task *task) {
  if (task->state == VI_TASK_CANCELLED) {
    vi_error error;
    vi_error_set(&error, VI_ERROR_CANCELLED, "the task was cancelled");
    error.maybe_sent = true; /* whatever it was to send */
    return vi_push_failure(L, &error, 0);
  }
  if (task->state == VI_TASK_FAILED) {
    push_failure(L, task);
    return lua_error(L);
  }
  int count = lua_gettop(task->thread);
  push_from(L, task, count);
  return count;
}

/* task:cancel() -> whether there was anything to cancel. The task is ended where it waits; its
 * to-be-closed variables are closed. One that runs (it cancels whoever closes it, say) ends where
 * it next waits. */
int vi_task_cancel(lua_State *L) {
  vi_task *task = vi_check_task(L, 1);
  bool alive = task->state == VI_TASK_ALIVE;
  if (alive && task->thread == L)
    return vi_raise(L, "a task cannot cancel itself; it can return");
  if (alive && task->owner->current == task)
    task->doomed = true;
  else if (alive)
    cancel(L, task);
  lua_pushboolean(L, alive);
  return 1;
}

static const char *status_of(const vi_task *task) {
  static const char *const names[] = {"running", "done", "failed", "cancelled"};
  return names[task->state];
}

static int task_status(lua_State *L) {
  lua_pushstring(L, status_of(vi_check_task(L, 1)));
  return 1;
}

static int task_tostring(lua_State *L) {
  lua_pushfstring(L, "Task(%s)", status_of(vi_check_task(L, 1)));
  return 1;
}

/* take_failure() -> true, what was raised by a failed task that nobody has joined nor is about to,
 * and the traceback, each once; nil if there is none */
static int take_failure(lua_State *L) {
  for (vi_task *task = vi_default_loop(L)->failed.first; task; task = task->next)
    if (!task->joiners) {
      lua_pushboolean(L, 1);
      push_failure(L, task);
      push_trace(L, task);
      return 3;
    }
  return 0;
}

/* The last moment for an error that nobody was told. Upvalue 1: methods; async.lua supplies the
 * words. */
static int task_gc(lua_State *L) {
  vi_task *task = vi_check_task(L, 1);
  vi_task_stop_waiting(task);
  if (!task->list)
    return 0;
  lua_getfield(L, lua_upvalueindex(1), "report_failure");
  push_failure(L, task);
  push_trace(L, task);
  lua_call(L, 2, 0);
  return 0;
}

void vi_open_task(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__gc", task_gc}, {"__close", vi_task_cancel}, {"__tostring", task_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"cancel", vi_task_cancel}, {"status", task_status}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"spawn", vi_task_spawn},
                                       {"spawn_for_user", spawn_for_user},
                                       {"current", current},
                                       {"take_failure", take_failure},
                                       {NULL, NULL}};
  vi_new_type(L, VI_TYPE_TASK, "Task", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
  vi_open_waits(L);
}
