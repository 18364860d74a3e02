#include "binding/objects.h"

#include "cache/cache.h"
#include "message/clock.h"

/* A CachingSender's part of the core: its store, which other caches may share, and its policy.
 * User value: a spare Verdict, so that a hit makes no garbage but its response. */
enum { SPARE = 1, USER_VALUES = 1 };

typedef struct cache_box {
  vi_store *store; /* one reference */
  vi_policy policy;
} cache_box;

static int verdict_gc(lua_State *L) {
  vi_verdict_clear(vi_check_box(L, 1, VI_TYPE_VERDICT));
  return 0;
}

/* cache(store, shared) -> Cache */
static int cache_new(lua_State *L) {
  vi_store *store = vi_check_store(L, 1);
  cache_box *box = vi_push_box(L, sizeof *box, USER_VALUES, VI_TYPE_CACHE);
  box->policy.shared = lua_toboolean(L, 2);
  box->store = vi_store_retain(store);
  return 1;
}

static int cache_gc(lua_State *L) {
  cache_box *box = vi_check_box(L, 1, VI_TYPE_CACHE);
  vi_store_release(box->store);
  box->store = NULL;
  return 0;
}

static const cache_box *check_cache(lua_State *L) {
  const cache_box *box = vi_check_box(L, 1, VI_TYPE_CACHE);
  luaL_argcheck(L, box->store, 1, "the cache has been collected");
  return box;
}

/* Pushes an empty Verdict, the spare one if there is one. */
static vi_verdict *push_verdict(lua_State *L, int cache) {
  if (lua_getiuservalue(L, cache, SPARE) == LUA_TUSERDATA)
    return lua_touserdata(L, -1);
  lua_pop(L, 1);
  vi_verdict *verdict = vi_push_box(L, sizeof *verdict, 0, VI_TYPE_VERDICT);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, cache, SPARE);
  return verdict;
}

/* cache:lookup(request, now) -> Response
 * or -> nil, the request to send, the Verdict for update */
static int cache_lookup(lua_State *L) {
  const cache_box *box = check_cache(L);
  const vi_request *request = vi_check_request(L, 2);
  double now = lua_isnoneornil(L, 3) ? vi_clock_wall() : luaL_checknumber(L, 3);
  lua_settop(L, 2);
  vi_verdict *verdict = push_verdict(L, 1);
  vi_response_box *hit = vi_push_response_box(L);
  vi_cache_lookup(box->store, &box->policy, request, now, verdict);
  if (verdict->response) {
    hit->response = verdict->response;
    hit->from_cache = verdict->action == VI_ACTION_HIT;
    verdict->response = NULL;
    vi_verdict_clear(verdict);
    return 1;
  }
  lua_pop(L, 1);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, SPARE); /* the caller keeps it until the answer is there */
  lua_pushnil(L);
  if (verdict->outgoing) {
    vi_request **outgoing = vi_push_request_like(L, 2);
    *outgoing = vi_request_retain(verdict->outgoing);
  } else {
    lua_pushvalue(L, 2);
  }
  lua_pushvalue(L, 3);
  return 3;
}

/* cache:update(verdict, request, response, now) -> Response for the caller
 * or -> nil: send the request again without the cache */
static int cache_update(lua_State *L) {
  const cache_box *box = check_cache(L);
  vi_verdict *verdict = vi_check_box(L, 2, VI_TYPE_VERDICT);
  const vi_request *request = vi_check_request(L, 3);
  const vi_response_box *given = vi_check_response(L, 4);
  double now = lua_isnoneornil(L, 5) ? vi_clock_wall() : luaL_checknumber(L, 5);
  vi_response_box *result = vi_push_response_box(L);
  bool from_cache;
  vi_response *response = vi_cache_update(box->store, &box->policy, request, verdict,
                                          given->response, now, &from_cache);
  vi_verdict_clear(verdict);
  if (response == given->response) { /* the caller's own object, with all it carries */
    vi_response_release(response);
    lua_pushvalue(L, 4);
  } else if (response) {
    result->response = response;
    result->from_cache = from_cache;
    result->attempts = given->attempts;
  } else {
    lua_pushnil(L);
  }
  return 1;
}

void vi_open_cache(lua_State *L) {
  static const luaL_Reg cache_metamethods[] = {{"__gc", cache_gc}, {NULL, NULL}};
  static const luaL_Reg cache_methods[] = {
      {"lookup", cache_lookup}, {"update", cache_update}, {NULL, NULL}};
  static const luaL_Reg verdict_metamethods[] = {{"__gc", verdict_gc}, {NULL, NULL}};
  static const luaL_Reg verdict_methods[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {{"cache", cache_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_CACHE, "Cache", cache_metamethods, cache_methods);
  vi_new_type(L, VI_TYPE_VERDICT, "Verdict", verdict_metamethods, verdict_methods);
  luaL_setfuncs(L, functions, 0);
}
