/* Sessions, the loop and its tasks as Lua objects: how the binding's files get at each other's. */
#ifndef VI_BINDING_TRANSPORT_H
#define VI_BINDING_TRANSPORT_H

#include "binding/support.h"
#include "transport/loop.h"

struct vi_loop_box;
struct vi_task;

/* Tasks in their order, each in one list at most. Zeroed: empty. */
typedef struct vi_task_list {
  struct vi_task *first, *last;
  size_t count;
} vi_task_list;

typedef enum vi_task_state {
  VI_TASK_ALIVE,
  VI_TASK_DONE,
  VI_TASK_FAILED,
  VI_TASK_CANCELLED,
} vi_task_state;

/* A Task's box: a coroutine that the loop resumes. Kept by the loop's table of tasks until it is
 * done, and by its user after that. */
typedef struct vi_task {
  struct vi_loop_box *owner;
  lua_State *thread;   /* anchored as user value of the box */
  int arguments;       /* values on the thread's stack for the next resume */
  const void *awaited; /* what it is suspended on: nothing else resumes it; NULL: nothing */
  vi_transfer *waits;  /* the transfers that its calls wait for, innermost first, by `outer`: a
                        * body's reader may send in its turn; owned by their Responses */
  vi_timer timer;      /* of its sleep, or of another wait for only so long */
  vi_watch watch;      /* of the descriptor that it waits for */
  struct vi_task *joining, *joiners, *next_joiner; /* until the joiner has the outcome, or who
                                                    * counts on it is woken */
  struct vi_task *counted_on; /* while it is parked: who is to wake it, kept by its stack; NULL:
                               * that is not known */
  vi_task_list *list;         /* the one that it is in; NULL: none */
  struct vi_task *next, *previous; /* there */
  vi_task_state state;
  bool started;
  bool is_users;                    /* who started it is to hear if it is cut off */
  bool ended;                       /* state is not ALIVE */
  bool doomed;                      /* cancelled while it ran: ends when it next waits */
  void (*on_end)(struct vi_task *); /* told once it has, whatever its state; must not raise, nor */
  void *context;                    /* call Lua. NULL: nobody */
} vi_task;

/* A Loop's box; one a Lua state, kept by the registry until the state closes. */
typedef struct vi_loop_box {
  vi_loop *loop;           /* NULL once closed */
  struct vi_task *current; /* the task that runs now; NULL: none */
  struct vi_task *closing; /* the one that has ended, whose variables are closed now; likewise */
  vi_task_list runnable;   /* to be resumed in the next turn */
  vi_task_list failed;     /* those whose error nobody has been told; not kept from collection */
  size_t unstarted;        /* tasks that were not resumed yet */
  size_t halfway;          /* those of the user's that were, and have not ended */
  bool told_of_blocking;   /* that a task blocks while there are others */
  vi_task main;            /* stands for the main thread among those who wait for each other */
} vi_loop_box;

/* The session at `index`; raises if it is none. Borrowed from the userdata. */
VI_RAISES vi_session *vi_check_session(lua_State *L, int index);

/* The state's loop, made on first use. */
VI_RAISES vi_loop_box *vi_default_loop(lua_State *L);

/* Likewise, but NULL where nobody has used it. */
vi_loop_box *vi_existing_loop(lua_State *L);

/* The task that `L` is, or NULL when the main thread calls and may drive the loop itself. Raises,
 * saying what to use instead, in a coroutine that is no task, and where a task cannot yield. */
VI_RAISES vi_task *vi_calling_task(lua_State *L, vi_loop_box *box, const char *what);

/* One turn from the main thread: waits at most `timeout` milliseconds (-1: for as long as it
 * takes), does the I/O, resumes every task whose wait is over. Never raises. */
void vi_loop_turn(lua_State *L, vi_loop_box *box, int timeout);

/* Turns until `*done`. Raises if nothing is left that could ever make it so. False if the user
 * interrupted the program meanwhile (the interpreter set a hook, as `lua` does on Ctrl-C): the
 * caller cleans up and returns to Lua, where the hook takes over. */
VI_RAISES bool vi_loop_drive(lua_State *L, vi_loop_box *box, const bool *done);

/* Turns until `*done`, or for so long; once at least. False if the user interrupted it. */
bool vi_loop_drive_for(lua_State *L, vi_loop_box *box, const bool *done, double seconds);

/* The moment of vi_clock_monotonic() that is so many seconds away; no more than some decades. */
int64_t vi_moment_in(double seconds);

/* The hook that is set now, and whether another one has been set since. */
lua_Hook vi_hook_before(lua_State *L);
bool vi_was_interrupted(lua_State *L, lua_Hook before);

/* The task waits for the transfer from now on, innermost of all, until vi_task_leave. */
void vi_task_enter(vi_task *task, vi_transfer *transfer);

/* The transfer's task, if it has one, no longer waits for it, nor for what it began to wait for
 * after it and never finished. */
void vi_task_leave(vi_transfer *transfer);

/* Marks a task to be resumed with the values on its stack, if it is suspended on `awaited`; and
 * one whose timer is due, whatever it is suspended on. */
void vi_task_wake(vi_task *task, const void *awaited);
void vi_task_time_out(vi_task *task);

/* Wakes all that join the task, which has ended. */
void vi_task_release_joiners(vi_task *task);

/* Ends every wait of the task, whatever it waits for. */
void vi_task_stop_waiting(vi_task *task);

/* Puts a task at the end of the loop's queue, one that is there already staying where it is; and
 * takes it out, if it is there. */
void vi_task_make_runnable(vi_task *task);
void vi_task_leave_runnable(vi_task *task);

/* Puts a task at the end of a list; takes it out of the one that it is in. */
void vi_task_join_list(vi_task *task, vi_task_list *list);
void vi_task_leave_list(vi_task *task);

/* Waits until the transfer that the Response at index 1 owns is ready, supplying its body
 * meanwhile from the reader in the Response, and returns what `send` (with the request at index 2)
 * or `read` (with the most bytes at index 2) returns. Blocks, suspends the running task, or drives
 * the loop, as the transfer was started. */
VI_RAISES int vi_await_transfer(lua_State *L, vi_transfer *transfer, vi_task *task);

/* Runs a runnable task until it waits or ends; what it raises becomes its outcome. */
void vi_task_resume(lua_State *L, vi_task *task);

/* spawn(fn, ...) -> Task, and task:cancel(), as Lua calls them. */
int vi_task_spawn(lua_State *L);
int vi_task_cancel(lua_State *L);

/* The Task at `index`; raises if it is none. */
VI_RAISES vi_task *vi_check_task(lua_State *L, int index);

/* Pushes what an ended task has come to, and returns how many values that is: what it returned, or
 * nil and an error if it was cancelled. Raises what it raised. */
VI_RAISES int vi_push_outcome(lua_State *L, vi_task *task);

/* Pushes the loop's table of tasks that must not be collected, the unfinished ones, by their
 * address. */
VI_RAISES void vi_push_tasks(lua_State *L);

/* Adds what waits (join, sleep, park, wake) to the module table on top of the stack and to its
 * Task. */
VI_RAISES void vi_open_waits(lua_State *L);

#endif
