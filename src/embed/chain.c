/* A runtime's chain, loaded from source: a Pipeline, which goes by what was loaded last. */
#include "embed/runtime.h"

#include <string.h>

/* Where the registry keeps them: the Pipeline, the ChainFile that is read again, the names. */
static const char CHAIN_KEY = 'c', FILE_KEY = 'f', NAMES_KEY = 'n';

void vi_embed_push_names(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &NAMES_KEY) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &NAMES_KEY);
}

/* Raises why there is no chain; where that is want of memory without the name of the source before
 * it, by which the runtime would not know it. */
static int raise_reason(lua_State *L) {
  static const char MEMORY[] = "not enough memory";
  size_t length = 0, least = sizeof MEMORY - 1;
  const char *reason = lua_tolstring(L, -1, &length);
  if (reason && length > least && strcmp(reason + length - least, MEMORY) == 0)
    lua_pushstring(L, MEMORY);
  return lua_error(L);
}

/* Has the chain go by the ChainFile on top of the stack, which it takes off. */
static void go_by(lua_State *L) {
  vi_embed_require(L, "viesti.chains.pipeline");
  lua_getfield(L, -1, "open");
  lua_replace(L, -2);
  lua_insert(L, -2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY);
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2))
    raise_reason(L);
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY);
}

typedef struct load_call {
  viesti *runtime;
  const char *text, *path; /* one or the other */
  const char *name;        /* of a text, for messages; NULL: a default */
} load_call;

static void set_string(lua_State *L, const char *field, const char *string) {
  lua_pushstring(L, string);
  lua_setfield(L, -2, field);
}

static void push_file(lua_State *L, const load_call *arguments) {
  vi_embed_require(L, "viesti.chains.chain_file");
  lua_createtable(L, 0, 3);
  set_string(L, "text", arguments->text);
  set_string(L, "path", arguments->path);
  set_string(L, "name", arguments->name);
  vi_embed_push_names(L);
  lua_pushboolean(L, !arguments->runtime->options.untrusted);
  lua_call(L, 3, 1);
}

/* The value on top is what viesti_reload reads. */
static void keep_file(lua_State *L, viesti *runtime, vi_file file) {
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &FILE_KEY);
  runtime->file = file;
}

static int load_protected(lua_State *L) {
  const load_call *arguments = lua_touserdata(L, 1);
  push_file(L, arguments);
  if (arguments->path)
    keep_file(L, arguments->runtime, VI_FILE_DUE); /* a broken one, too: it will be mended */
  go_by(L);
  if (arguments->text) {
    lua_pushnil(L);
    keep_file(L, arguments->runtime, VI_FILE_NONE);
  }
  return 0;
}

viesti_status viesti_load(viesti *runtime, const char *text, const char *name) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (!text)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_load: the text is NULL");
  load_call arguments = {.runtime = runtime, .text = text, .name = name};
  return vi_embed_return(runtime, vi_embed_call(runtime, load_protected, &arguments));
}

/* What was read without an end, for want of memory, is still to be read. */
static viesti_status note_reading(viesti *runtime, viesti_status status) {
  if (status != VIESTI_OUT_OF_MEMORY && runtime->file == VI_FILE_DUE)
    runtime->file = VI_FILE_READ;
  return vi_embed_return(runtime, status);
}

viesti_status viesti_load_file(viesti *runtime, const char *path) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (!path)
    return vi_embed_misuse(runtime, "viesti_load_file", "the path is NULL");
  if (!path[0])
    return vi_embed_fail(runtime, VIESTI_FAILED, "viesti_load_file: the path is empty");
  load_call arguments = {.runtime = runtime, .path = path};
  return note_reading(runtime, vi_embed_call(runtime, load_protected, &arguments));
}

/* One that is gone for the moment has not. */
static bool has_changed(lua_State *L) {
  lua_getfield(L, -1, "has_changed");
  lua_pushvalue(L, -2);
  lua_call(L, 1, 2);
  bool changed = lua_toboolean(L, -2) && lua_toboolean(L, -1);
  lua_pop(L, 2);
  return changed;
}

static int reload_protected(lua_State *L) {
  viesti *runtime = lua_touserdata(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &FILE_KEY);
  if (runtime->file == VI_FILE_READ && !has_changed(L))
    return 0;
  runtime->file = VI_FILE_DUE;
  go_by(L);
  return 0;
}

viesti_status viesti_reload(viesti *runtime) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (runtime->file == VI_FILE_NONE)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_reload: no file was loaded");
  return note_reading(runtime, vi_embed_call(runtime, reload_protected, runtime));
}

void vi_embed_push_chain(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY) == LUA_TNIL)
    luaL_error(L, "no chain is loaded");
}
