/* Senders in C: classes at the end of a chain, whose `send` has the host work on the request and
 * suspends its task until the host has completed it. */
#include "embed/answer.h"
#include "embed/named.h"

static const char COMPLETION[] = "viesti.Completion";

enum { SELF = 1, REQUEST, BOX };

/* Closes it for the host, who is told if he does not know. */
static int cancel(lua_State *L) {
  viesti_completion *completion = lua_touserdata(L, 1);
  vi_completion_cancel(completion);
  return 0;
}

static int collect(lua_State *L) {
  viesti_completion *completion = lua_touserdata(L, 1);
  vi_completion_cancel(completion);
  vi_completion_free(completion);
  return 0;
}

/* A closed completion at BOX, closed again when the call that is under way ends, however. */
static viesti_completion *push_completion(lua_State *L, const vi_named *named) {
  static const luaL_Reg metamethods[] = {{"__close", cancel}, {"__gc", collect}, {NULL, NULL}};
  viesti_completion *completion = lua_newuserdatauv(L, sizeof *completion, 0);
  *completion =
      (viesti_completion){.sender = &named->sender, .runtime = named->runtime, .over = true};
  if (luaL_newmetatable(L, COMPLETION))
    luaL_setfuncs(L, metamethods, 0);
  lua_setmetatable(L, -2);
  lua_toclose(L, BOX);
  return completion;
}

static int refuse(lua_State *L, vi_error_kind kind, const char *message) {
  vi_error error;
  vi_error_set(&error, kind, "%s", message);
  return vi_push_failure(L, &error, REQUEST);
}

static int finish(lua_State *L, viesti_completion *completion) {
  if (completion->error.kind != VI_ERROR_NONE)
    return vi_push_failure(L, &completion->error, REQUEST);
  vi_response_box *box = vi_push_response_box(L);
  box->response = completion->response;
  completion->response = NULL;
  box->weight = vi_add_weight(L, vi_response_size(box->response));
  return 1;
}

static int continue_send(lua_State *L, int status, lua_KContext context) {
  (void)status;
  viesti_completion *completion = (viesti_completion *)context;
  completion->task = NULL;
  if (completion->over)
    return finish(L, completion);
  vi_completion_cancel(completion);
  vi_error_set(&completion->error,
               completion->request->deadline > 0 ? VI_ERROR_DEADLINE : VI_ERROR_TIMEOUT,
               "the sender has not completed it in time");
  completion->error.maybe_sent = true;
  return vi_push_failure(L, &completion->error, REQUEST);
}

/* Until the host completes it, or its time is up. */
static int suspend(lua_State *L, viesti_completion *completion, vi_task *task) {
  double left = completion->view.timeout;
  if (left > 0 && !vi_timers_add(&task->owner->loop->timers, &task->timer, vi_moment_in(left)))
    return luaL_error(L, "not enough memory");
  completion->task = task;
  task->awaited = completion;
  return lua_yieldk(L, 0, (lua_KContext)completion, continue_send);
}

/* send(self, request) -> Response, or nil and an Error. Upvalues: the sender, and Request.from. */
static int send_by_host(lua_State *L) {
  const vi_named *named = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, REQUEST);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, REQUEST);
  lua_call(L, 1, 1);
  lua_replace(L, REQUEST);
  vi_request *request = vi_check_request(L, REQUEST);
  vi_task *task = vi_calling_task(L, named->runtime->loop, "send");
  if (request->streams_body || request->multipart)
    return refuse(L, VI_ERROR_REFUSED, "a sender in C takes no body by pieces or parts");
  viesti_completion *completion = push_completion(L, named);
  if (!vi_completion_open(completion, request))
    return luaL_error(L, "not enough memory");
  if (completion->view.timeout < 0)
    return refuse(L, VI_ERROR_DEADLINE, "the request's deadline is over");
  completion->over = false;
  named->sender.start(named->sender.context, &completion->view, completion);
  if (completion->over)
    return finish(L, completion);
  if (!task) {
    const char *refused = named->runtime->said.error; /* what the host tried */
    return refuse(L, VI_ERROR_SCRIPT,
                  refused[0] ? refused
                             : "the sender has not completed it at once: that takes viesti_submit");
  }
  return suspend(L, completion, task);
}

/* A child of Sender that does not block. */
static int push_class(lua_State *L) {
  enum { NAMED = 1, NAME, SENDER, CLASS };
  vi_embed_require(L, "viesti.senders.sender");
  lua_getfield(L, SENDER, "extend");
  lua_pushvalue(L, SENDER);
  lua_pushvalue(L, NAME);
  lua_call(L, 2, 1);
  lua_pushboolean(L, 1);
  lua_setfield(L, CLASS, "is_async");
  lua_pushvalue(L, NAMED);
  vi_embed_require(L, "viesti.message.request");
  lua_getfield(L, -1, "from");
  lua_remove(L, -2);
  lua_pushcclosure(L, send_by_host, 2);
  lua_setfield(L, CLASS, "send");
  return 1;
}

viesti_status viesti_add_sender(viesti *runtime, const char *name, const viesti_sender *sender) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  vi_named named = {0};
  size_t least = offsetof(viesti_sender, start) + sizeof named.sender.start;
  if (!name || !vi_embed_read(&named.sender, sizeof named.sender, sender, least) ||
      !named.sender.start)
    return vi_embed_fail(runtime, VIESTI_MISUSE,
                         "viesti_add_sender: no name, or a sender without size or start");
  return vi_embed_add_named(runtime, name, &named, push_class);
}
