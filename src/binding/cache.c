/* A CachingSender's part of the core: its store, which other caches may share, and its policy. */
#include "binding/cache_journal.h"
#include "binding/cache_policy.h"
#include "binding/objects.h"

#include "cache/cache.h"
#include "message/clock.h"
#include "message/memory.h"

/* User values of a Cache: a spare Verdict, so that neither a hit nor, unless several are under way
 * at once, a miss makes one; and what its policy points into. */
enum { SPARE = 1, POLICY = 2, USER_VALUES = 2 };

typedef struct cache_box {
  vi_store *store;     /* one reference; NULL: none in this process */
  vi_journal *journal; /* owned; what is to be done in a store elsewhere; NULL: there is none */
  vi_policy policy;
  vi_request *plain; /* what was asked last, where that was a table; one reference, or NULL */
} cache_box;

/* cache(store, policy, journals) -> Cache; the store may be nil where it journals what is to be
 * done in another; the policy is read by vi_read_policy */
static int cache_new(lua_State *L) {
  enum { STORE = 1, POLICY_TABLE, JOURNALS };
  vi_store *store = lua_isnil(L, STORE) ? NULL : vi_check_store(L, STORE);
  lua_settop(L, JOURNALS);
  cache_box *box = vi_push_box(L, sizeof *box, USER_VALUES, VI_TYPE_CACHE);
  vi_read_policy(L, POLICY_TABLE, &box->policy);
  lua_setiuservalue(L, -2, POLICY);
  if (lua_toboolean(L, JOURNALS)) {
    box->journal = vi_malloc(sizeof *box->journal);
    if (!box->journal)
      return luaL_error(L, "out of memory");
    vi_journal_open(box->journal, store);
  }
  if (store)
    box->store = vi_store_retain(store);
  return 1;
}

static int cache_gc(lua_State *L) {
  cache_box *box = vi_check_box(L, 1, VI_TYPE_CACHE);
  if (box->journal)
    vi_journal_close(box->journal);
  vi_free(box->journal);
  vi_store_release(box->store);
  vi_request_release(box->plain);
  box->plain = NULL;
  box->journal = NULL;
  box->store = NULL;
  return 0;
}

static cache_box *check_cache(lua_State *L, int index) {
  cache_box *box = vi_check_box(L, index, VI_TYPE_CACHE);
  luaL_argcheck(L, box->store || box->journal, index, "the cache has been collected");
  return box;
}

static vi_store *store_of(const cache_box *box) {
  return box->journal ? &box->journal->store : box->store;
}

vi_store *vi_check_cache(lua_State *L, int index, const vi_policy **policy) {
  const cache_box *box = check_cache(L, index);
  *policy = &box->policy;
  return store_of(box);
}

static double time_at(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? vi_clock_wall() : luaL_checknumber(L, index);
}

/* Keeps the Verdict at `index`, which is over, for another lookup. */
static void spare_verdict(lua_State *L, int cache, int index) {
  vi_verdict_clear(lua_touserdata(L, index));
  lua_pushvalue(L, index);
  lua_setiuservalue(L, cache, SPARE);
}

/* Pushes an empty Verdict, the spare one if there is one. */
static vi_verdict *push_verdict(lua_State *L, int cache) {
  if (lua_getiuservalue(L, cache, SPARE) == LUA_TUSERDATA) {
    vi_verdict *spare = lua_touserdata(L, -1);
    vi_verdict_clear(spare); /* of what a lookup that raised has left in it */
    return spare;
  }
  lua_pop(L, 1);
  vi_verdict *verdict = vi_push_box(L, sizeof *verdict, 0, VI_TYPE_VERDICT);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, cache, SPARE);
  return verdict;
}

/* A whole number as an integer. */
static void set_number(lua_State *L, const char *name, double value) {
  lua_Integer whole;
  if (lua_numbertointeger(value, &whole) && (double)whole == value)
    lua_pushinteger(L, whole);
  else
    lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static vi_text opt_text(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? (vi_text){NULL, 0} : vi_check_text(L, index);
}

/* Has the Response at `index` remember the verdict's key, if that is not the URL. */
static void set_key(lua_State *L, int index, const vi_verdict *verdict) {
  if (verdict->key.length == 0)
    return;
  lua_pushvalue(L, index);
  vi_set_cache_key(L, vi_buffer_text(&verdict->key));
  lua_pop(L, 1);
}

/* Pushes what is to be sent for the request at `index`. */
static void push_outgoing(lua_State *L, int index, const vi_verdict *verdict) {
  if (!verdict->outgoing) {
    lua_pushvalue(L, index);
    return;
  }
  vi_request **outgoing = vi_push_request_like(L, index);
  *outgoing = vi_request_retain(verdict->outgoing);
}

/* The request at `index`, or one made of a plain table there, which the cache keeps until its next
 * lookup; NULL: the table says more. */
static const vi_request *request_at(lua_State *L, cache_box *box, int index) {
  if (vi_test_box(L, index, VI_TYPE_REQUEST))
    return vi_check_request(L, index);
  vi_request_release(box->plain);
  box->plain = vi_new_plain_request(L, index);
  return box->plain;
}

/* Pushes a Response of what the verdict serves. */
static void push_served(lua_State *L, vi_verdict *verdict) {
  vi_response_box *hit = vi_push_stored_response_box(L);
  hit->response = verdict->response;
  if (!hit->response) {
    hit->stored = vi_stored_retain((vi_stored *)verdict->selected);
    hit->asked_at = verdict->request_time;
  }
  hit->from_cache = verdict->action != VI_ACTION_TIMEOUT;
  hit->cache =
      (vi_cache_facts){.hit = hit->from_cache,
                       .forward = hit->from_cache ? VI_FORWARD_NONE : (uint8_t)verdict->forward,
                       .asked = true,
                       .ttl = verdict->ttl};
  verdict->response = NULL;
}

/* cache:lookup(request, now, key, partition) -> Response
 * or -> nil or a Response, the request to send, the Verdict for update, and the Request
 * or -> false: the request is a table that only Request.from can read */
static int cache_lookup(lua_State *L) {
  enum { CACHE = 1, REQUEST, NOW, KEY, PARTITION, VERDICT, RESPONSE };
  lua_settop(L, PARTITION);
  cache_box *box = check_cache(L, 1);
  const vi_request *request = request_at(L, box, REQUEST);
  if (!request) {
    lua_pushboolean(L, 0);
    return 1;
  }
  double now = time_at(L, NOW);
  const vi_key_choices key = {.custom = opt_text(L, KEY), .partition = opt_text(L, PARTITION)};
  vi_verdict *verdict = push_verdict(L, CACHE);
  verdict->is_lazy = true;
  vi_cache_lookup(store_of(box), &box->policy, request, &key, now, verdict);
  if (box->journal)
    vi_journal_clear(box->journal); /* they were for this lookup */
  if (verdict->response || verdict->action == VI_ACTION_HIT) {
    push_served(L, verdict);
    set_key(L, RESPONSE, verdict);
    if (verdict->action != VI_ACTION_REFRESH) {
      vi_verdict_clear(verdict);
      return 1;
    }
  } else {
    lua_pushnil(L);
  }
  lua_pushnil(L);
  lua_setiuservalue(L, CACHE, SPARE); /* the caller keeps it until the answer is there */
  vi_replace_by_request(L, REQUEST, box->plain);
  push_outgoing(L, REQUEST, verdict);
  lua_pushvalue(L, VERDICT);
  lua_pushvalue(L, REQUEST);
  return 4;
}

/* cache:inspect(request, now, key, partition) -> { action, forwarded, key, variants, age, ttl,
 * status_code }: what lookup would do */
static int cache_inspect(lua_State *L) {
  enum { CACHE = 1, REQUEST, NOW, KEY, PARTITION };
  static const char *const actions[] = {
      [VI_ACTION_BYPASS] = "bypass",     [VI_ACTION_FETCH] = "fetch",
      [VI_ACTION_HIT] = "hit",           [VI_ACTION_REFRESH] = "refresh",
      [VI_ACTION_VALIDATE] = "validate", [VI_ACTION_COMPLETE] = "complete",
      [VI_ACTION_TIMEOUT] = "timeout",
  };
  lua_settop(L, PARTITION);
  const cache_box *box = check_cache(L, 1);
  const vi_request *request = vi_check_request(L, REQUEST);
  double now = time_at(L, NOW);
  const vi_key_choices key = {.custom = opt_text(L, KEY), .partition = opt_text(L, PARTITION)};
  vi_verdict *verdict = vi_push_box(L, sizeof *verdict, 0, VI_TYPE_VERDICT);
  verdict->is_peek = true;
  vi_cache_lookup(store_of(box), &box->policy, request, &key, now, verdict);
  lua_newtable(L);
  vi_set_text(L, "action", vi_text_of(actions[verdict->action]));
  vi_set_text(L, "key", vi_verdict_key(verdict, request));
  if (verdict->forward)
    vi_set_text(L, "forwarded", vi_text_of(vi_forward_name(verdict->forward)));
  set_number(L, "variants", (double)verdict->count);
  if (verdict->selected) {
    set_number(L, "age", vi_stored_age(verdict->selected, now));
    set_number(L, "ttl", vi_stored_ttl(verdict->selected, now));
    set_number(L, "status_code", verdict->selected->status);
  }
  vi_verdict_clear(verdict);
  if (box->journal)
    vi_journal_clear(box->journal);
  return 1;
}

/* cache:key(request, key, partition) -> the key that lookup will ask for, and its generation for
 * load; nil: none */
static int cache_key(lua_State *L) {
  enum { CACHE = 1, REQUEST, KEY, PARTITION };
  lua_settop(L, PARTITION);
  const cache_box *box = check_cache(L, 1);
  const vi_request *request = vi_check_request(L, REQUEST);
  const vi_key_choices key = {.custom = opt_text(L, KEY), .partition = opt_text(L, PARTITION)};
  if (vi_decide(&box->policy, request, NULL, 0, 0).action == VI_ACTION_BYPASS)
    return 0;
  vi_verdict *verdict = push_verdict(L, CACHE);
  if (!vi_cache_key(&box->policy, request, &key, verdict))
    return luaL_error(L, "out of memory");
  vi_push_text(L, vi_verdict_key(verdict, request));
  lua_pushinteger(L, vi_store_generation(store_of(box), vi_verdict_key(verdict, request)));
  vi_verdict_clear(verdict);
  return 2;
}

/* cache:load(key, list of encoded entries, generation, shows) -> how many of them are none; what
 * the next lookup, or with `shows` the next inspect alone, finds in a store elsewhere: nothing, if
 * the key was invalidated since that generation, for they may have been read before */
static int cache_load(lua_State *L) {
  enum { CACHE = 1, KEY, ENTRIES, GENERATION, SHOWS };
  const cache_box *box = check_cache(L, 1);
  vi_text key = vi_check_text(L, KEY);
  lua_Integer since = luaL_checkinteger(L, GENERATION);
  bool shows = lua_toboolean(L, SHOWS);
  lua_settop(L, ENTRIES);
  if (since != (lua_Integer)vi_store_generation(store_of(box), key)) {
    lua_pushnil(L);
    lua_replace(L, ENTRIES);
  }
  lua_pushinteger(L, vi_load_journal(L, ENTRIES, key, box->journal, shows));
  return 1;
}

/* Pushes the Response that the verdict holds after an update: over the core of the one at `index`,
 * the sender's, with all that that carries; or another. */
static vi_response_box *push_updated(lua_State *L, int index, vi_verdict *verdict,
                                     bool from_cache) {
  if (verdict->response == vi_check_response(L, index)->response)
    return vi_push_response_like(L, index);
  vi_response_box *result = vi_push_response_box(L);
  result->response = verdict->response;
  verdict->response = NULL;
  vi_share_facts(L, index);
  result->from_cache = from_cache;
  return result;
}

/* cache:update(verdict, request, response, now, choices) -> Response for the caller, or nil: send
 * the request again without the cache; and a list of what is to be done in a store elsewhere, or
 * nil */
static int cache_update(lua_State *L) {
  enum { CACHE = 1, VERDICT, REQUEST, GIVEN, NOW, CHOICES };
  lua_settop(L, CHOICES);
  const cache_box *box = check_cache(L, 1);
  vi_verdict *verdict = vi_check_box(L, VERDICT, VI_TYPE_VERDICT);
  const vi_request *request = vi_check_request(L, REQUEST);
  const vi_response_box *given = vi_check_response(L, GIVEN);
  double now = time_at(L, NOW);
  vi_choices choices;
  const vi_choices *said = vi_read_choices(L, CHOICES, &choices);
  vi_outcome outcome = vi_cache_update(store_of(box), &box->policy, request, verdict,
                                       given->response, given->streamed, said, now);
  verdict->response = outcome.response; /* holds it while it has no box */
  const vi_cache_facts facts = {.asked = true,
                                .forward = (uint8_t)verdict->forward,
                                .forward_status = (int16_t)given->response->status,
                                .stored = outcome.stored,
                                .refusal = (uint8_t)outcome.refusal,
                                .ttl = outcome.ttl};
  if (outcome.response) {
    push_updated(L, GIVEN, verdict, outcome.from_cache)->cache = facts;
    set_key(L, -1, verdict);
  } else {
    lua_pushnil(L);
  }
  spare_verdict(L, CACHE, VERDICT);
  vi_push_journal(L, box->journal, &box->policy, now);
  return 2;
}

/* cache:minds(verdict, request, response, overrules) -> whether update wants to know choices */
static int cache_minds(lua_State *L) {
  const cache_box *box = check_cache(L, 1);
  const vi_verdict *verdict = vi_check_box(L, 2, VI_TYPE_VERDICT);
  const vi_request *request = vi_check_request(L, 3);
  const vi_response *head = vi_check_response(L, 4)->response;
  lua_pushboolean(L, vi_cache_minds(&box->policy, request, verdict, head, lua_toboolean(L, 5),
                                    vi_clock_wall()));
  return 1;
}

/* cache:serves(request, head, other) -> whether the answer to one request, of which the head is
 * there, may be for the other, too */
static int cache_serves(lua_State *L) {
  const cache_box *box = check_cache(L, 1);
  const vi_request *request = vi_check_request(L, 2);
  const vi_response *head = vi_check_response(L, 3)->response;
  const vi_request *other = vi_check_request(L, 4);
  lua_pushboolean(L, vi_cache_serves(&box->policy, request, head, other, vi_clock_wall()));
  return 1;
}

/* cache:rescue(verdict, request, now) -> Response in the place of an error, or nil */
static int cache_rescue(lua_State *L) {
  enum { CACHE = 1, VERDICT, REQUEST, NOW };
  lua_settop(L, NOW);
  const cache_box *box = check_cache(L, 1);
  vi_verdict *verdict = vi_check_box(L, VERDICT, VI_TYPE_VERDICT);
  const vi_request *request = vi_check_request(L, REQUEST);
  double now = time_at(L, NOW);
  vi_response_box *result = vi_push_response_box(L);
  result->response = vi_cache_rescue(store_of(box), &box->policy, request, verdict, now);
  result->from_cache = true;
  result->cache = (vi_cache_facts){.asked = true, .forward = (uint8_t)verdict->forward};
  if (result->response) {
    result->cache.ttl = vi_stored_ttl(verdict->selected, now);
    set_key(L, -1, verdict);
  } else {
    lua_pushnil(L);
  }
  vi_verdict_clear(verdict);
  return 1;
}

void vi_open_cache(lua_State *L) {
  static const luaL_Reg cache_metamethods[] = {{"__gc", cache_gc}, {NULL, NULL}};
  static const luaL_Reg cache_methods[] = {
      {"lookup", cache_lookup}, {"update", cache_update}, {"rescue", cache_rescue},
      {"serves", cache_serves}, {"minds", cache_minds},   {"inspect", cache_inspect},
      {"key", cache_key},       {"load", cache_load},     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"cache", cache_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_CACHE, "Cache", cache_metamethods, cache_methods);
  luaL_setfuncs(L, functions, 0);
}
