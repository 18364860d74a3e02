/* viesti.stores.sqlite: files of responses as Lua objects, for lua/viesti/sqlite.lua, which checks
 * what users give. Needs nothing of viesti's core. */
#include "stores/sqlite_file.h"

#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdlib.h>

static const char TYPE[] = "viesti.stores.sqlite";

typedef struct object {
  vi_sqlite *file; /* NULL: collected */
  vi_sqlite_found found;
} object;

static object *check_object(lua_State *L) {
  object *self = luaL_checkudata(L, 1, TYPE);
  luaL_argcheck(L, self->file, 1, "the store was collected");
  return self;
}

static vi_bytes check_bytes(lua_State *L, int index) {
  vi_bytes bytes;
  bytes.data = luaL_checklstring(L, index, &bytes.length);
  return bytes;
}

static lua_Integer check_limit(lua_State *L, int index) {
  lua_Integer limit = luaL_optinteger(L, index, 0);
  luaL_argcheck(L, limit >= 0, index, "a limit must be 0 or more");
  return limit;
}

/* max_size, max_bytes and max_entry_bytes, which follow each other from `index` on. */
static vi_sqlite_limits check_limits(lua_State *L, int index) {
  return (vi_sqlite_limits){check_limit(L, index), check_limit(L, index + 1),
                            check_limit(L, index + 2)};
}

/* open(path, max_size, max_bytes, max_entry_bytes, wait) -> object, or nil and what is wrong with
 * the path */
static int object_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *wrong = NULL;
  vi_sqlite_limits limits = check_limits(L, 2);
  double wait = luaL_checknumber(L, 5);
  object *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (object){0};
  luaL_setmetatable(L, TYPE);
  self->file = vi_sqlite_new(path, &limits, wait, &wrong);
  if (self->file)
    return 1;
  if (!wrong)
    return luaL_error(L, "out of memory");
  lua_pushnil(L);
  lua_pushstring(L, wrong);
  return 2;
}

static int object_gc(lua_State *L) {
  object *self = luaL_checkudata(L, 1, TYPE);
  if (self->file)
    vi_sqlite_free(self->file);
  free(self->found.data);
  *self = (object){0};
  return 0;
}

static int object_close(lua_State *L) {
  vi_sqlite_close(check_object(L)->file);
  return 0;
}

/* Keeps room for what is usual, not for the largest entry ever. */
static void shrink(vi_sqlite_found *found) {
  enum { USUAL = 1024 * 1024 };
  if (found->capacity <= USUAL)
    return;
  free(found->data);
  found->data = NULL;
  found->capacity = 0;
}

/* object:get(key) -> list of entries, generation. They are copied before Lua sees them: where it
 * runs out of memory, no query is left half done. */
static int object_get(lua_State *L) {
  object *self = check_object(L);
  vi_sqlite_found *found = &self->found;
  vi_sqlite_get(self->file, check_bytes(L, 2), found);
  lua_createtable(L, found->count, 0);
  size_t start = 0;
  for (int i = 0; i < found->count; i++) {
    lua_pushlstring(L, found->data + start, found->ends[i] - start);
    lua_rawseti(L, -2, i + 1);
    start = found->ends[i];
  }
  shrink(found);
  lua_pushinteger(L, found->generation);
  return 2;
}

/* The strings of a list, which stays where it is. */
static vi_bytes *check_tags(lua_State *L, int index, int *count) {
  *count = 0;
  if (lua_isnoneornil(L, index))
    return NULL;
  luaL_checktype(L, index, LUA_TTABLE);
  int length = (int)luaL_len(L, index);
  vi_bytes *tags = lua_newuserdatauv(L, sizeof *tags * ((size_t)length + 1), 0);
  for (int i = 0; i < length; i++, lua_pop(L, 1)) {
    luaL_argcheck(L, lua_geti(L, index, i + 1) == LUA_TSTRING, index, "tags must be strings");
    tags[i].data = lua_tolstring(L, -1, &tags[i].length);
  }
  *count = length;
  return tags;
}

/* object:put(key, variant, entry, seconds, tags, generation, body, max_size, max_bytes,
 * max_entry_bytes) -> whether it is kept */
static int object_put(lua_State *L) {
  object *self = check_object(L);
  vi_sqlite_put put = {.key = check_bytes(L, 2),
                       .variant = check_bytes(L, 3),
                       .entry = check_bytes(L, 4),
                       .seconds = luaL_optnumber(L, 5, HUGE_VAL),
                       .checked = !lua_isnoneornil(L, 7),
                       .generation = lua_isinteger(L, 7) ? lua_tointeger(L, 7) : -1,
                       .body = luaL_optinteger(L, 8, 0),
                       .limits = check_limits(L, 9)};
  lua_settop(L, 11);
  put.tags = check_tags(L, 6, &put.tag_count);
  lua_pushboolean(L, vi_sqlite_store(self->file, &put));
  return 1;
}

/* object:begin_body(expected) -> its number, or nil */
static int object_begin_body(lua_State *L) {
  int64_t body = vi_sqlite_begin_body(check_object(L)->file, luaL_optinteger(L, 2, 0));
  lua_pushinteger(L, body);
  return body != 0;
}

/* object:write_body(body, number, bytes) -> whether there was room */
static int object_write_body(lua_State *L) {
  lua_pushboolean(L, vi_sqlite_write_body(check_object(L)->file, luaL_checkinteger(L, 2),
                                          luaL_checkinteger(L, 3), check_bytes(L, 4)));
  return 1;
}

/* object:read_body(body, number) -> bytes, or nil */
static int object_read_body(lua_State *L) {
  object *self = check_object(L);
  vi_sqlite_found *found = &self->found;
  if (!vi_sqlite_read_body(self->file, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), found))
    return 0;
  lua_pushlstring(L, found->data, found->ends[0]);
  shrink(found);
  return 1;
}

static int object_drop_body(lua_State *L) {
  vi_sqlite_drop_body(check_object(L)->file, luaL_checkinteger(L, 2));
  return 0;
}

static int object_remove(lua_State *L) {
  vi_sqlite_remove(check_object(L)->file, check_bytes(L, 2), check_bytes(L, 3));
  return 0;
}

/* What did not work, as nil and the reason. */
static int push_result(lua_State *L, const object *self, bool done) {
  if (!done) {
    lua_pushnil(L);
    lua_pushstring(L, self->file->error);
    return 2;
  }
  lua_pushboolean(L, true);
  return 1;
}

static int object_invalidate(lua_State *L) {
  object *self = check_object(L);
  return push_result(L, self, vi_sqlite_invalidate(self->file, check_bytes(L, 2)));
}

static int object_clear(lua_State *L) {
  object *self = check_object(L);
  return push_result(L, self, vi_sqlite_clear(self->file));
}

static int purge(lua_State *L, vi_sqlite_query query) {
  object *self = check_object(L);
  int64_t count = vi_sqlite_purge(self->file, query, check_bytes(L, 2));
  if (count < 0)
    return push_result(L, self, false);
  lua_pushinteger(L, count);
  return 1;
}

static int object_purge_tag(lua_State *L) {
  return purge(L, VI_SQL_PURGE_TAG);
}

static int object_purge_prefix(lua_State *L) {
  return purge(L, VI_SQL_PURGE_PREFIX);
}

/* object:totals() -> entries, bytes; 0 where the file cannot be read */
static int object_totals(lua_State *L) {
  int64_t entries, bytes;
  vi_sqlite_totals(check_object(L)->file, &entries, &bytes);
  lua_pushinteger(L, entries);
  lua_pushinteger(L, bytes);
  return 2;
}

/* object:next(number) -> of the entry behind that one its number, key, bytes, and when its time is
 * over, in seconds since 1970; false: there is none; or nil and why it cannot be read */
static int object_next(lua_State *L) {
  object *self = check_object(L);
  vi_sqlite_entry entry = {.id = luaL_checkinteger(L, 2)};
  vi_sqlite_found *key = &self->found;
  if (!vi_sqlite_next(self->file, &entry, key))
    return push_result(L, self, false);
  if (key->count == 0) {
    lua_pushboolean(L, false);
    return 1;
  }
  lua_pushinteger(L, entry.id);
  lua_pushlstring(L, key->data, key->ends[0]);
  shrink(key);
  lua_pushinteger(L, entry.bytes);
  lua_pushnumber(L, (lua_Number)entry.expires / 1e6);
  return 4;
}

/* object:unusable() -> what is wrong with the path, or nil */
static int object_unusable(lua_State *L) {
  const vi_sqlite *file = check_object(L)->file;
  if (!file->unusable)
    return 0;
  lua_pushstring(L, file->error);
  return 1;
}

/* object:set_aside() -> the new name of a file that was damaged, each once; or nil */
static int object_set_aside(lua_State *L) {
  vi_sqlite *file = check_object(L)->file;
  if (file->set_aside == 0)
    return 0;
  lua_pushfstring(L, "%s.broken-%d", file->path, file->set_aside);
  file->set_aside = 0;
  return 1;
}

static void set_count(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

/* object:stats() -> what this object has done */
static int object_stats(lua_State *L) {
  const vi_sqlite *file = check_object(L)->file;
  lua_createtable(L, 0, 10);
  set_count(L, "hits", file->stats.hits);
  set_count(L, "misses", file->stats.misses);
  set_count(L, "stores", file->stats.stores);
  set_count(L, "evictions", file->stats.evictions);
  set_count(L, "invalidations", file->stats.invalidations);
  set_count(L, "errors", file->stats.errors);
  if (file->error[0]) {
    lua_pushstring(L, file->error);
    lua_setfield(L, -2, "last_error");
  }
  return 1;
}

__attribute__((visibility("default"))) int luaopen_viesti_stores_sqlite(lua_State *L) {
  static const luaL_Reg methods[] = {{"get", object_get},
                                     {"put", object_put},
                                     {"begin_body", object_begin_body},
                                     {"write_body", object_write_body},
                                     {"read_body", object_read_body},
                                     {"drop_body", object_drop_body},
                                     {"remove", object_remove},
                                     {"invalidate", object_invalidate},
                                     {"clear", object_clear},
                                     {"purge_tag", object_purge_tag},
                                     {"purge_prefix", object_purge_prefix},
                                     {"totals", object_totals},
                                     {"next", object_next},
                                     {"stats", object_stats},
                                     {"unusable", object_unusable},
                                     {"set_aside", object_set_aside},
                                     {"close", object_close},
                                     {"__gc", object_gc},
                                     {NULL, NULL}};
  luaL_newmetatable(L, TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, object_open);
  lua_setfield(L, -2, "open");
  return 1;
}
