/* viesti.h over a lua_State. Everything that may raise runs inside one of the *_protected
 * functions; what crosses the border are plain values and counted responses. */
#include "binding/objects.h"
#include "embed/baked.h"
#include "message/memory.h"
#include "viesti.h"

#include <lualib.h>
#include <stdio.h>
#include <string.h>

int luaopen_viesti_core(lua_State *L);

struct viesti {
  lua_State *L;
  viesti_warn warn;
  void *context;
  bool opened; /* viesti_open went well */
  char error[512];
  char kind[24]; /* of the request's error, as in Lua */
};

static const char CHAIN_KEY = 'c'; /* where the registry keeps the chain */

const char *viesti_version(void) {
  return "0.1.0";
}

const char *viesti_last_error(const viesti *runtime) {
  return runtime ? runtime->error : "out of memory";
}

const char *viesti_last_error_kind(const viesti *runtime) {
  return runtime ? runtime->kind : "";
}

static viesti_status fail(viesti *runtime, viesti_status status, const char *message) {
  snprintf(runtime->error, sizeof runtime->error, "%s", message);
  return status;
}

/* The message handler: whatever was raised as a sentence. */
static int describe(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Calls `function` with one light argument under protection; its one result stays on the stack
 * when VIESTI_OK is returned. */
static viesti_status call(viesti *runtime, lua_CFunction function, void *argument) {
  lua_State *L = runtime->L;
  lua_settop(L, 0);
  runtime->error[0] = runtime->kind[0] = '\0';
  lua_pushcfunction(L, describe); /* light C functions: no allocation */
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, argument);
  int status = lua_pcall(L, 1, 1, 1);
  if (status == LUA_OK)
    return VIESTI_OK;
  const char *message = lua_tostring(L, -1);
  return fail(runtime, status == LUA_ERRMEM ? VIESTI_OUT_OF_MEMORY : VIESTI_FAILED,
              message ? message : "an error that is no string was raised");
}

/* package.preload's function: upvalue 1 is the module's place in the list. */
static int load_baked(lua_State *L) {
  const vi_baked *module = lua_touserdata(L, lua_upvalueindex(1));
  lua_pushfstring(L, "=%s", module->name);
  if (luaL_loadbufferx(L, (const char *)module->text, module->length, lua_tostring(L, -1), "t"))
    return lua_error(L);
  lua_pushstring(L, module->name);
  lua_call(L, 1, 1);
  return 1;
}

static void preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const vi_baked *module = vi_baked_modules; module->name; module++) {
    lua_pushlightuserdata(L, (void *)module);
    lua_pushcclosure(L, load_baked, 1);
    lua_setfield(L, -2, module->name);
  }
  lua_pushcfunction(L, luaopen_viesti_core);
  lua_setfield(L, -2, "viesti.core");
  lua_pop(L, 1);
}

static void require(lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
}

/* A category's action: (message, category). */
static int forward_warning(lua_State *L) {
  const viesti *runtime = lua_touserdata(L, lua_upvalueindex(1));
  runtime->warn(runtime->context, luaL_tolstring(L, 2, NULL), luaL_checkstring(L, 1));
  return 0;
}

static void route_warnings(lua_State *L, viesti *runtime) {
  require(L, "viesti.warnings");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_getfield(L, -1, "set");
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, runtime);
    lua_pushcclosure(L, forward_warning, 1);
    lua_call(L, 2, 0);
  }
}

static int open_protected(lua_State *L) {
  viesti *runtime = lua_touserdata(L, 1);
  luaL_openlibs(L);
  preload(L);
  require(L, "viesti");
  if (runtime->warn)
    route_warnings(L, runtime);
  lua_pushnil(L);
  return 1;
}

viesti_status viesti_open(viesti **out, const viesti_options *options) {
  viesti *runtime = *out = vi_calloc(sizeof *runtime);
  if (!runtime)
    return VIESTI_OUT_OF_MEMORY;
  if (options && options->size >= sizeof *options) {
    runtime->warn = options->warn;
    runtime->context = options->context;
  }
  runtime->L = luaL_newstate();
  if (!runtime->L)
    return fail(runtime, VIESTI_OUT_OF_MEMORY, "out of memory");
  viesti_status status = call(runtime, open_protected, runtime);
  runtime->opened = status == VIESTI_OK;
  return status;
}

void viesti_close(viesti *runtime) {
  if (!runtime)
    return;
  if (runtime->L)
    lua_close(runtime->L);
  vi_free(runtime);
}

typedef struct load_call {
  const char *text, *name;
} load_call;

static int load_protected(lua_State *L) {
  const load_call *arguments = lua_touserdata(L, 1);
  require(L, "viesti.load");
  lua_pushstring(L, arguments->text);
  lua_pushnil(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, arguments->name);
  lua_setfield(L, -2, "name");
  lua_call(L, 3, 2);
  if (lua_isnil(L, -2))
    return lua_error(L);
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY);
  lua_pushnil(L);
  return 1;
}

viesti_status viesti_load(viesti *runtime, const char *text, const char *name) {
  if (!runtime || !runtime->opened)
    return VIESTI_MISUSE;
  if (!text)
    return fail(runtime, VIESTI_MISUSE, "viesti_load: the text is NULL");
  load_call arguments = {text, name};
  return call(runtime, load_protected, &arguments);
}

static void push_request_options(lua_State *L, const viesti_request *request) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, request->method); /* NULL pushes nil */
  lua_setfield(L, -2, "method");
  lua_pushstring(L, request->url);
  lua_setfield(L, -2, "url");
  if (request->body) {
    lua_pushlstring(L, request->body, request->body_length);
    lua_setfield(L, -2, "content");
  }
  lua_createtable(L, (int)request->header_count, 0);
  for (size_t i = 0; i < request->header_count; i++) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, request->headers[i].name);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, request->headers[i].value);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "headers");
}

typedef struct send_call {
  viesti *runtime;
  const viesti_request *request;
} send_call;

/* nil and an error are at the top: raises the error's sentence, its kind kept for the caller. */
static int raise_error(lua_State *L, viesti *runtime) {
  if (lua_istable(L, -1) && lua_getfield(L, -1, "kind") == LUA_TSTRING)
    snprintf(runtime->kind, sizeof runtime->kind, "%s", lua_tostring(L, -1));
  if (lua_istable(L, -2))
    lua_pop(L, 1);
  luaL_tolstring(L, -1, NULL);
  return lua_error(L);
}

static int send_protected(lua_State *L) {
  const send_call *arguments = lua_touserdata(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY) == LUA_TNIL)
    return luaL_error(L, "no chain is loaded");
  lua_getfield(L, -1, "send");
  lua_insert(L, -2);
  require(L, "viesti");
  lua_getfield(L, -1, "Request");
  lua_remove(L, -2);
  push_request_options(L, arguments->request);
  lua_call(L, 1, 1);
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2) && !lua_isnil(L, -1))
    return raise_error(L, arguments->runtime);
  lua_pop(L, 1);
  if (!vi_test_box(L, -1, VI_TYPE_RESPONSE))
    return luaL_error(L, "the chain returned %s instead of a response", luaL_typename(L, -1));
  const vi_response_box *box = vi_check_response(L, -1);
  if (box->streamed)
    return luaL_error(L, "the chain returned a streamed response, which C cannot read yet");
  return 1;
}

viesti_status viesti_send(viesti *runtime, const viesti_request *request,
                          viesti_response **response) {
  if (response)
    *response = NULL;
  if (!runtime || !runtime->opened)
    return VIESTI_MISUSE;
  if (!response || !request || request->size < sizeof *request || !request->url ||
      (request->header_count > 0 && !request->headers))
    return fail(runtime, VIESTI_MISUSE,
                "viesti_send: no response to fill, or a request without size, url or headers");
  send_call arguments = {runtime, request};
  viesti_status status = call(runtime, send_protected, &arguments);
  if (status != VIESTI_OK)
    return status;
  vi_response_box *box = lua_touserdata(runtime->L, -1);
  *response = (viesti_response *)vi_response_retain(box->response);
  lua_settop(runtime->L, 0);
  return VIESTI_OK;
}
