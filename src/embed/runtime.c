/* The life of a runtime, and what all calls into it have in common. */
#include "embed/runtime.h"

#include "message/memory.h"
#include "message/version.h"
#include "transport/features.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *viesti_version(void) {
  return VI_VERSION;
}

int viesti_has(const char *feature) {
  for (size_t i = 0; feature && vi_feature_name(i); i++)
    if (strcmp(vi_feature_name(i), feature) == 0)
      return vi_feature_is_there(i);
  return 0;
}

const char *viesti_last_error(const viesti *runtime) {
  return runtime ? runtime->said.error : "there is no runtime, or was no memory for one";
}

const char *viesti_last_error_kind(const viesti *runtime) {
  return runtime ? runtime->said.kind : "";
}

lua_State *viesti_lua(viesti *runtime) {
  return runtime ? runtime->L : NULL;
}

int viesti_last_error_maybe_sent(const viesti *runtime) {
  return runtime && runtime->said.maybe_sent;
}

void vi_embed_say_nothing(viesti *runtime) {
  runtime->said = (vi_said){.error = ""};
}

static void say_kind(viesti *runtime, vi_error_kind kind) {
  snprintf(runtime->said.kind, sizeof runtime->said.kind, "%s", vi_error_kind_name(kind));
}

viesti_status vi_embed_fail(viesti *runtime, viesti_status status, const char *message) {
  vi_embed_say_nothing(runtime);
  if (status == VIESTI_OUT_OF_MEMORY)
    say_kind(runtime, VI_ERROR_OUT_OF_MEMORY);
  snprintf(runtime->said.error, sizeof runtime->said.error, "%s", message);
  return status;
}

viesti_status vi_embed_misuse(viesti *runtime, const char *function, const char *reason) {
  vi_embed_say_nothing(runtime);
  snprintf(runtime->said.error, sizeof runtime->said.error, "%s: %s", function, reason);
  return VIESTI_MISUSE;
}

viesti_status vi_embed_return(viesti *runtime, viesti_status status) {
  if (runtime->abandoned && !runtime->delivering && !runtime->closing)
    viesti_close(runtime);
  return status;
}

/* What is wrong with the caller's request is raised so. Of a request that a chain makes by itself
 * the sentence begins with the line of Lua that did. */
static bool is_refusal(const char *message) {
  static const char REFUSED[] = "Request: ";
  return strncmp(message, REFUSED, sizeof REFUSED - 1) == 0;
}

viesti_status vi_embed_note_raised(viesti *runtime, viesti_status status) {
  vi_said *said = &runtime->said;
  if (status == VIESTI_OK || said->is_error || is_refusal(said->error))
    return status;
  said->maybe_sent = true; /* nobody knows how far it came */
  if (status == VIESTI_FAILED)
    say_kind(runtime, VI_ERROR_SCRIPT);
  return status;
}

bool vi_embed_is_usable(viesti *runtime) {
  if (!runtime || !runtime->opened)
    return false;
  if (!runtime->in_lua)
    return true;
  vi_embed_fail(runtime, VIESTI_MISUSE,
                "the runtime is called from inside of its chain, or from another thread");
  return false;
}

bool vi_embed_read(void *to, size_t size, const void *from, size_t least) {
  size_t given;
  if (!from)
    return false;
  memcpy(&given, from, sizeof given); /* all such structs begin with it */
  memset(to, 0, size);
  if (given < least)
    return false;
  memcpy(to, from, given < size ? given : size);
  return true;
}

/* The message handler: whatever was raised as a sentence. */
static int describe(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Memory that ran out inside a protected call of the chain's own comes as a sentence. */
static bool is_of_memory(int status, const char *message, const char *kind) {
  return status == LUA_ERRMEM || strcmp(kind, "out_of_memory") == 0 ||
         (message && strcmp(message, "not enough memory") == 0);
}

viesti_status vi_embed_call(viesti *runtime, lua_CFunction function, void *argument) {
  lua_State *L = runtime->L;
  vi_embed_say_nothing(runtime);
  if (!lua_checkstack(L, 4))
    return vi_embed_fail(runtime, VIESTI_OUT_OF_MEMORY, "not enough memory");
  int top = lua_gettop(L);
  lua_pushcfunction(L, describe); /* light C functions: no allocation */
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, argument);
  runtime->in_lua = true;
  int status = lua_pcall(L, 1, 0, top + 1);
  if (status == LUA_OK) {
    vi_embed_say_nothing(runtime); /* of what the host was refused meanwhile */
  } else {
    const char *message = lua_tostring(L, -1);
    bool memory = is_of_memory(status, message, runtime->said.kind);
    snprintf(runtime->said.error, sizeof runtime->said.error, "%s",
             message ? message : "an error that is no string was raised");
    if (memory)
      say_kind(runtime, VI_ERROR_OUT_OF_MEMORY);
    status = memory ? VIESTI_OUT_OF_MEMORY : VIESTI_FAILED;
  }
  lua_settop(L, top);
  if (status == VIESTI_OUT_OF_MEMORY && runtime->account)
    lua_gc(L, LUA_GCCOLLECT); /* bodies that are garbage leave room for the next call */
  runtime->in_lua = false;
  return (viesti_status)status;
}

static void *resize(const viesti_options *options, void *block, size_t before, size_t size) {
  if (options->allocate)
    return options->allocate(options->allocate_context, block, before, size);
  if (size > 0)
    return realloc(block, size);
  free(block);
  return NULL;
}

/* lua_Alloc. Without a block `before` tells what the new one is for. */
static void *allocate(void *user, void *block, size_t before, size_t size) {
  const viesti *runtime = user;
  before = block ? before : 0;
  size_t more = size > before ? size - before : 0;
  if (!vi_account_take(runtime->account, more))
    return NULL;
  void *result = resize(&runtime->options, block, before, size);
  if (!result && size > 0)
    vi_account_give(runtime->account, more);
  else if (size < before)
    vi_account_give(runtime->account, before - size);
  return result;
}

static lua_State *new_state(viesti *runtime) {
  if (!runtime->options.allocate && !runtime->account)
    return luaL_newstate();
  return lua_newstate(allocate, runtime);
}

/* A category's action: (message, category). */
static int forward_warning(lua_State *L) {
  const viesti *runtime = lua_touserdata(L, lua_upvalueindex(1));
  runtime->options.warn(runtime->options.context, luaL_tolstring(L, 2, NULL),
                        luaL_checkstring(L, 1));
  return 0;
}

static void route_warnings(lua_State *L, viesti *runtime) {
  vi_embed_require(L, "viesti.base.warnings");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_getfield(L, -1, "set");
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, runtime);
    lua_pushcclosure(L, forward_warning, 1);
    lua_call(L, 2, 0);
  }
}

/* log(text), for chains' sources. */
static int forward_log(lua_State *L) {
  const viesti *runtime = lua_touserdata(L, lua_upvalueindex(1));
  viesti_bytes text;
  text.data = luaL_tolstring(L, 1, &text.length);
  runtime->options.log(runtime->options.context, text);
  return 0;
}

static void add_log(lua_State *L, viesti *runtime) {
  vi_embed_push_names(L);
  lua_pushlightuserdata(L, runtime);
  lua_pushcclosure(L, forward_log, 1);
  lua_setfield(L, -2, "log");
}

static int open_protected(lua_State *L) {
  viesti *runtime = lua_touserdata(L, 1);
  lua_gc(L, LUA_GCGEN, 0, 0); /* as lua itself: modules are not looked at again and again */
  luaL_openlibs(L);
  vi_embed_preload(L);
  vi_embed_require(L, "viesti");
  if (runtime->account)
    vi_bound_state(L, runtime->account);
  runtime->loop = vi_default_loop(L);
  if (!vi_loop_add_bell(runtime->loop->loop))
    return luaL_error(L, "no descriptor for viesti_wakeup");
  if (runtime->options.warn)
    route_warnings(L, runtime);
  if (runtime->options.log)
    add_log(L, runtime);
  return 0;
}

viesti_status viesti_open(viesti **out, const viesti_options *options) {
  if (!out)
    return VIESTI_MISUSE;
  viesti *runtime = *out = vi_calloc(sizeof *runtime);
  if (!runtime)
    return VIESTI_OUT_OF_MEMORY;
  if (options &&
      !vi_embed_read(&runtime->options, sizeof runtime->options, options, sizeof(size_t)))
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_open: options without a size");
  size_t limit = runtime->options.memory_limit;
  runtime->account = limit ? vi_account_new(limit) : NULL;
  runtime->L = limit && !runtime->account ? NULL : new_state(runtime);
  if (!runtime->L)
    return vi_embed_fail(runtime, VIESTI_OUT_OF_MEMORY, "not enough memory");
  viesti_status status = vi_embed_call(runtime, open_protected, runtime);
  runtime->opened = status == VIESTI_OK;
  if (runtime->opened && runtime->options.store) {
    status = viesti_add_store(runtime, "store", runtime->options.store);
    runtime->opened = status == VIESTI_OK;
  }
  return status;
}

static void close_state(viesti *runtime) {
  runtime->in_lua = true; /* what is collected may be a request of the host's sender */
  if (runtime->L)
    lua_close(runtime->L);
}

void viesti_close(viesti *runtime) {
  if (!runtime)
    return;
  if (runtime->in_lua || runtime->delivering) {
    runtime->abandoned = true;
    return;
  }
  if (runtime->opened)
    vi_embed_cancel_all(runtime);
  close_state(runtime);
  vi_embed_forget_named(runtime);
  vi_account_release(runtime->account);
  vi_free(runtime);
}
