/* Cache stores as Lua objects. */
#include "binding/objects.h"

#include "cache/memory_store.h"

vi_store *vi_check_store(lua_State *L, int index) {
  vi_store *store = *(vi_store **)vi_check_box(L, index, VI_TYPE_STORE);
  luaL_argcheck(L, store, index, "the store has been collected");
  return store;
}

static size_t check_limit(lua_State *L, int index) {
  lua_Integer limit = luaL_optinteger(L, index, 0);
  luaL_argcheck(L, limit >= 0, index, "a limit must be 0 or more");
  return (size_t)limit;
}

/* store(max_size, max_bytes, max_entry_bytes) -> Store; nil for no limit */
static int store_new(lua_State *L) {
  vi_memory_limits limits = {check_limit(L, 1), check_limit(L, 2), check_limit(L, 3)};
  vi_store **box = vi_push_box(L, sizeof *box, 0, VI_TYPE_STORE);
  *box = vi_memory_store_new(&limits);
  return *box ? 1 : luaL_error(L, "out of memory");
}

void vi_push_store(lua_State *L, vi_store *store) {
  vi_store **box = vi_push_box(L, sizeof *box, 0, VI_TYPE_STORE);
  *box = vi_store_retain(store);
}

static int store_gc(lua_State *L) {
  vi_store **box = vi_check_box(L, 1, VI_TYPE_STORE);
  vi_store_release(*box);
  *box = NULL;
  return 0;
}

/* store:clear() -> true, as other stores' where it could be done */
static int store_clear(lua_State *L) {
  vi_store_clear(vi_check_store(L, 1));
  lua_pushboolean(L, true);
  return 1;
}

/* store:remove(url), in normal form */
static int store_remove(lua_State *L) {
  vi_store_invalidate(vi_check_store(L, 1), vi_check_text(L, 2));
  return 0;
}

/* store:purge_by(kind, text) -> how many entries: kind "tag" or "prefix" */
static int store_purge(lua_State *L) {
  static const char *const kinds[] = {"tag", "prefix", NULL};
  vi_store *store = vi_check_store(L, 1);
  vi_purge kind = luaL_checkoption(L, 2, NULL, kinds) == 0 ? VI_PURGE_TAG : VI_PURGE_PREFIX;
  lua_pushinteger(L, (lua_Integer)vi_store_purge(store, kind, vi_check_text(L, 3)));
  return 1;
}

static void set_count(lua_State *L, const char *name, size_t count) {
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, name);
}

static void set_limit(lua_State *L, const char *name, size_t limit) {
  if (limit > 0)
    set_count(L, name, limit);
}

static int store_limits(lua_State *L) {
  const vi_memory_limits *limits = vi_memory_store_limits(vi_check_store(L, 1));
  lua_newtable(L);
  set_limit(L, "max_size", limits->max_size);
  set_limit(L, "max_bytes", limits->max_bytes);
  set_limit(L, "max_entry_bytes", limits->max_entry_bytes);
  return 1;
}

static int store_count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)vi_store_count(vi_check_store(L, 1)));
  return 1;
}

static int store_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)vi_store_bytes(vi_check_store(L, 1)));
  return 1;
}

/* store:stats() -> { hits = 1, ..., bytes = 2, count = 3 } */
static int store_stats(lua_State *L) {
  static const char *const names[VI_STORE_EVENTS] = {
      [VI_STORE_HITS] = "hits",           [VI_STORE_MISSES] = "misses",
      [VI_STORE_STALE] = "stale",         [VI_STORE_STORES] = "stores",
      [VI_STORE_EVICTIONS] = "evictions", [VI_STORE_INVALIDATIONS] = "invalidations",
      [VI_STORE_ERRORS] = "errors",
  };
  vi_store *store = vi_check_store(L, 1);
  size_t counts[VI_STORE_EVENTS];
  vi_store_counts(store, counts);
  lua_createtable(L, 0, VI_STORE_EVENTS + 2);
  for (size_t event = 0; event < VI_STORE_EVENTS; event++)
    set_count(L, names[event], counts[event]);
  set_count(L, "bytes", vi_store_bytes(store));
  set_count(L, "count", vi_store_count(store));
  return 1;
}

void vi_open_store(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", store_gc}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"clear", store_clear},    {"remove", store_remove},
                                     {"limits", store_limits},  {"count", store_count},
                                     {"bytes", store_bytes},    {"stats", store_stats},
                                     {"purge_by", store_purge}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"store", store_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_STORE, "Store", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
