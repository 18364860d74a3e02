/* What the files behind viesti.h share: the runtime, and calls into its Lua state.
 *
 * Everything that may raise runs inside a function that vi_embed_call protects; what crosses the
 * border are plain values and counted ones. */
#ifndef VI_EMBED_RUNTIME_H
#define VI_EMBED_RUNTIME_H

#include "binding/objects.h"
#include "binding/transport.h"
#include "viesti.h"

#include <stdatomic.h>

/* What the last call came to. */
typedef struct vi_said {
  char error[512];
  char kind[24];   /* of the request's error, as in Lua */
  bool maybe_sent; /* whether any of that request may have been sent */
  bool is_error;   /* the chain has returned an error: it has said all that itself */
} vi_said;

struct vi_submission;
struct vi_named; /* a sender or policy of the host's */

/* The file that viesti_reload reads. */
typedef enum vi_file {
  VI_FILE_NONE,
  VI_FILE_READ, /* to be read again when it has changed */
  VI_FILE_DUE,  /* in any case: there was no memory to read it to its end */
} vi_file;

struct viesti {
  lua_State *L;
  vi_loop_box *loop; /* kept by the state */
  viesti_options options;
  vi_account *account; /* of the state's memory and of bodies, one reference; NULL: no limit */
  vi_said said;
  bool opened;     /* viesti_open went well */
  bool in_lua;     /* the host is called by a chain */
  bool delivering; /* or is told an outcome; */
  bool closing;    /* no more requests; */
  bool abandoned;  /* to be closed when the call returns that runs the host's callback */
  vi_file file;
  atomic_bool woken;
  viesti_ticket last_ticket;
  size_t pending;
  struct vi_submission *done_first, *done_last; /* whose callbacks are due */
  struct vi_submission *under_way;
  struct vi_named *named;
};

/* Calls `function` with one light argument under protection; it returns nothing. */
viesti_status vi_embed_call(viesti *runtime, lua_CFunction function, void *argument);

/* Says why a call ends with that status, and returns it. */
viesti_status vi_embed_fail(viesti *runtime, viesti_status status, const char *message);

/* Likewise of the function of that name, which was not called as it has to be. */
viesti_status vi_embed_misuse(viesti *runtime, const char *function, const char *reason);

/* There is nothing to say of the last call. */
void vi_embed_say_nothing(viesti *runtime);

/* Returns from a call: closes the runtime if a function of the host's has asked for that meanwhile,
 * after which it is not to be touched, and returns the status. */
viesti_status vi_embed_return(viesti *runtime, viesti_status status);

/* Adds of what kind it is that the chain was sent a request and raised. Returns the status. */
viesti_status vi_embed_note_raised(viesti *runtime, viesti_status status);

/* Whether the runtime can be called now; if not, it has been said why not. */
bool vi_embed_is_usable(viesti *runtime);

/* Copies a struct of the caller's, who may know fewer fields than we or more: what he does not name
 * is zero. False: it is NULL, or smaller than `least`. */
bool vi_embed_read(void *to, size_t size, const void *from, size_t least);

/* Pushes require(name). */
VI_RAISES void vi_embed_require(lua_State *L, const char *name);

/* Has the state find the Lua modules of the library. */
VI_RAISES void vi_embed_preload(lua_State *L);

/* Pushes the runtime's table of what stands under which name in sources. */
VI_RAISES void vi_embed_push_names(lua_State *L);

/* Pushes the chain. Raises where none is loaded. */
VI_RAISES void vi_embed_push_chain(lua_State *L);

/* Pushes a function and two arguments: the call, made some time, sends the request through the
 * chain that is loaded now. */
VI_RAISES void vi_embed_push_later_send(lua_State *L, const viesti_request *request);

/* Reads a request of the caller's. Returns what is wrong with it, NULL: nothing. */
const char *vi_embed_read_request(viesti_request *to, const viesti_request *from);

/* The response at `index`, as the host gets it, one reference; or raises the error behind nil, what
 * is known of it kept for the caller. */
VI_RAISES viesti_response *vi_embed_take_response(lua_State *L, int index, viesti *runtime);

/* A response as the host gets it, which takes over one reference of the core's. NULL: out of
 * memory, and the reference is given back. */
viesti_response *vi_embed_response(vi_response *core, bool from_cache, int attempts);

/* Calls back all whose requests are done, if nobody does so already. */
void vi_embed_deliver(viesti *runtime);

/* Cancels all that is under way and calls back. */
void vi_embed_cancel_all(viesti *runtime);

/* Tells the host's senders that the runtime is closed, and forgets them. */
void vi_embed_forget_named(viesti *runtime);

#endif
