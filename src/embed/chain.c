/* A runtime's chain: loaded from source, and a request through it while the caller waits. */
#include "embed/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char CHAIN_KEY = 'c', NAMES_KEY = 'n'; /* where the registry keeps them */

void vi_embed_push_names(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &NAMES_KEY) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &NAMES_KEY);
}

typedef struct load_call {
  vi_text text;
  const char *name, *path; /* one or the other, or neither */
} load_call;

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

static int load_protected(lua_State *L) {
  const load_call *arguments = lua_touserdata(L, 1);
  vi_embed_require(L, "viesti.load");
  vi_push_text(L, arguments->text);
  vi_embed_push_names(L);
  lua_createtable(L, 0, 1);
  if (arguments->path)
    lua_pushfstring(L, "@%s", arguments->path);
  else
    lua_pushstring(L, arguments->name);
  lua_setfield(L, -2, "name");
  lua_call(L, 3, 2);
  if (lua_isnil(L, -2))
    return raise_reason(L);
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY);
  return 0;
}

viesti_status viesti_load(viesti *runtime, const char *text, const char *name) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (!text)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_load: the text is NULL");
  load_call arguments = {.text = vi_text_of(text), .name = name};
  return vi_embed_call(runtime, load_protected, &arguments);
}

/* Fills `text` with what is in the file. False, with errno set, if it cannot be read. */
static bool read_file(const char *path, vi_buffer *text) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return false;
  char piece[4096];
  bool read = true;
  for (size_t length; read && (length = fread(piece, 1, sizeof piece, file)) > 0;)
    read = vi_buffer_append(text, piece, length);
  int reason = read ? errno : ENOMEM;
  read = read && !ferror(file);
  fclose(file);
  errno = reason;
  return read;
}

viesti_status viesti_load_file(viesti *runtime, const char *path) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (!path)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_load_file: the path is NULL");
  vi_buffer text = {0};
  viesti_status status;
  if (read_file(path, &text)) {
    load_call arguments = {.text = vi_buffer_text(&text), .path = path};
    status = vi_embed_call(runtime, load_protected, &arguments);
  } else {
    char reason[400];
    status = errno == ENOMEM ? VIESTI_OUT_OF_MEMORY : VIESTI_FAILED;
    runtime->said.kind[0] = '\0';
    snprintf(reason, sizeof reason, "cannot read %s: %s", path, strerror(errno));
    vi_embed_fail(runtime, status, reason);
  }
  vi_buffer_free(&text);
  return status;
}

bool vi_embed_read_request(viesti_request *to, const viesti_request *from) {
  size_t least = offsetof(viesti_request, url) + sizeof from->url;
  return vi_embed_read(to, sizeof *to, from, least) && to->url &&
         (to->header_count == 0 || to->headers);
}

static void push_fields(lua_State *L, const viesti_request *request) {
  lua_createtable(L, (int)request->header_count, 0);
  for (size_t i = 0; i < request->header_count; i++) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, request->headers[i].name);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, request->headers[i].value);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* As a Lua program would give it: of a URL alone where there is no more, which costs the least. */
static void push_request(lua_State *L, const viesti_request *request) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, request->url);
  lua_setfield(L, -2, "url");
  if (request->method) {
    lua_pushstring(L, request->method);
    lua_setfield(L, -2, "method");
  }
  if (request->body) {
    lua_pushlstring(L, request->body, request->body_length);
    lua_setfield(L, -2, "content");
  }
  if (request->timeout != 0) {
    lua_pushnumber(L, request->timeout);
    lua_setfield(L, -2, "timeout");
  }
  if (request->header_count > 0) {
    push_fields(L, request);
    lua_setfield(L, -2, "headers");
  }
}

void vi_embed_push_send(lua_State *L, const viesti_request *request) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &CHAIN_KEY) == LUA_TNIL)
    luaL_error(L, "no chain is loaded");
  lua_getfield(L, -1, "send");
  lua_insert(L, -2);
  push_request(L, request);
}

typedef struct send_call {
  viesti *runtime;
  viesti_request request;
  viesti_response *response;
} send_call;

static int send_protected(lua_State *L) {
  send_call *arguments = lua_touserdata(L, 1);
  vi_embed_push_send(L, &arguments->request);
  lua_call(L, 2, 2);
  arguments->response = vi_embed_take_response(L, -2, arguments->runtime);
  return 0;
}

viesti_status viesti_send(viesti *runtime, const viesti_request *request,
                          viesti_response **response) {
  if (response)
    *response = NULL;
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  send_call arguments = {.runtime = runtime};
  if (!response || !vi_embed_read_request(&arguments.request, request))
    return vi_embed_fail(runtime, VIESTI_MISUSE,
                         "viesti_send: no response to fill, or a request without size, url or "
                         "headers");
  viesti_status status = vi_embed_call(runtime, send_protected, &arguments);
  *response = arguments.response;
  if (atomic_load(&runtime->woken)) /* which the loop may have seen instead of a step */
    vi_loop_ring(runtime->loop->loop);
  vi_embed_deliver(runtime);
  return status;
}
