/* What asks for new responses in the place of stale ones while the program does something else: a
 * worker that tells the cache what it got, without a step of Lua's. */
#include "binding/cache_policy.h"
#include "binding/objects.h"
#include "binding/transport.h"
#include "binding/verdict.h"
#include "cache/cache.h"
#include "message/clock.h"
#include "message/memory.h"
#include "transport/worker.h"

enum { CACHE = 1 }; /* the user value, which the errands' policy belongs to */

typedef struct refresher_box {
  vi_worker *worker;   /* NULL once closed */
  vi_errand *reported; /* have ended, and Lua is to be told */
} refresher_box;

typedef struct refresh {
  vi_errand errand;    /* owns a reference of its request */
  vi_request *request; /* what was asked for; one reference */
  vi_store *store;     /* likewise */
  const vi_policy *policy;
  vi_verdict verdict;
} refresh;

/* The stale entry stays where there is no answer. */
static void answered(vi_errand *errand, vi_response *response) {
  refresh *self = (refresh *)errand;
  if (!response)
    return;
  vi_outcome outcome = vi_cache_update(self->store, self->policy, self->request, &self->verdict,
                                       response, false, NULL, vi_clock_wall());
  vi_response_release(outcome.response);
}

static void free_refresh(refresh *self) {
  vi_verdict_clear(&self->verdict);
  vi_request_release(self->errand.request);
  vi_request_release(self->request);
  vi_store_release(self->store);
  vi_free(self);
}

static refresher_box *check_refresher(lua_State *L) {
  return vi_check_box(L, 1, VI_TYPE_REFRESHER);
}

/* refresher(cache, session) -> Refresher; nobody else can use the session from then on */
static int refresher_new(lua_State *L) {
  const vi_policy *policy;
  vi_check_cache(L, 1, &policy);
  vi_check_session(L, 2);
  vi_session **session = lua_touserdata(L, 2);
  refresher_box *box = vi_push_box(L, sizeof *box, CACHE, VI_TYPE_REFRESHER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, CACHE);
  vi_session *own = *session;
  *session = NULL;
  box->worker = vi_worker_new(own);
  return box->worker ? 1 : luaL_error(L, "out of memory");
}

static bool can_be_sent(const vi_request *request) {
  return !request->streams_body && !request->multipart && !request->streams_response &&
         !request->reports_progress && !request->reports_head;
}

/* refresher:start(request, outgoing, verdict) -> whether it will be asked for: if so, the verdict
 * is spent */
static int start(lua_State *L) {
  enum { SELF = 1, REQUEST, OUTGOING, VERDICT };
  refresher_box *box = check_refresher(L);
  vi_request *request = vi_check_request(L, REQUEST), *outgoing = vi_check_request(L, OUTGOING);
  vi_verdict *verdict = vi_check_box(L, VERDICT, VI_TYPE_VERDICT);
  const vi_policy *policy;
  lua_getiuservalue(L, SELF, CACHE);
  vi_store *store = vi_check_cache(L, -1, &policy);
  refresh *self = box->worker && can_be_sent(outgoing) ? vi_calloc(sizeof *self) : NULL;
  if (self) {
    self->errand = (vi_errand){.request = vi_request_retain(outgoing), .answered = answered};
    self->request = vi_request_retain(request);
    self->store = vi_store_retain(store);
    self->policy = policy;
    self->verdict = *verdict;
    *verdict = (vi_verdict){0};
    if (!self->errand.request || !self->request || !vi_worker_send(box->worker, &self->errand)) {
      *verdict = self->verdict;
      self->verdict = (vi_verdict){0};
      free_refresh(self);
      self = NULL;
    }
  }
  lua_pushboolean(L, self != NULL);
  return 1;
}

/* refresher:ended() -> the name of one that has ended, each once; nil if there is none */
static int ended(lua_State *L) {
  refresher_box *box = check_refresher(L);
  if (!box->reported && box->worker)
    box->reported = vi_worker_collect(box->worker);
  refresh *self = (refresh *)box->reported;
  if (!self)
    return 0;
  vi_push_verdict_name(L, &self->verdict, self->request);
  box->reported = self->errand.next;
  free_refresh(self);
  return 1;
}

static void free_all(vi_errand *first) {
  while (first) {
    refresh *self = (refresh *)first;
    first = first->next;
    free_refresh(self);
  }
}

/* Ends what is under way. */
static int gc(lua_State *L) {
  refresher_box *box = check_refresher(L);
  if (box->worker) {
    vi_worker_stop(box->worker);
    free_all(vi_worker_collect(box->worker));
  }
  free_all(box->reported);
  vi_worker_free(box->worker);
  *box = (refresher_box){0};
  return 0;
}

/* refresher:close(): waits for what is under way, unless the user interrupts */
static int close_waiting(lua_State *L) {
  enum { LOOK = 200 }; /* milliseconds without a look at the interpreter's hook */
  refresher_box *box = check_refresher(L);
  lua_Hook before = vi_hook_before(L);
  while (box->worker && !vi_worker_wait(box->worker, LOOK) && !vi_was_interrupted(L, before))
    continue;
  return gc(L);
}

void vi_open_refresher(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", gc}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"start", start}, {"ended", ended}, {"close", close_waiting}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"refresher", refresher_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_REFRESHER, "Refresher", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
