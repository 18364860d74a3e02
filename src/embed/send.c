/* Requests through the chain, as a Lua program would send them: one while the caller waits. */
#include "embed/runtime.h"

const char *vi_embed_read_request(viesti_request *to, const viesti_request *from) {
  size_t least = offsetof(viesti_request, url) + sizeof from->url;
  if (!from)
    return "the request is NULL";
  if (!vi_embed_read(to, sizeof *to, from, least))
    return "the request does not begin with its size";
  if (!to->url)
    return "the request's url is NULL";
  if (!to->body && to->body_length > 0)
    return "the request's body is NULL, but its length is not 0";
  if (to->body && !to->method)
    return "a body needs a method, \"POST\" say";
  if (to->header_count > 0 && !to->headers)
    return "the request's headers are NULL, but their count is not 0";
  for (size_t i = 0; i < to->header_count; i++)
    if (!to->headers[i].name || !to->headers[i].value)
      return "the name or the value of one of the request's headers is NULL";
  return NULL;
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

/* Pushes the method `send` of the object on top, that object, and a table of the request. */
static void push_sending(lua_State *L, const viesti_request *request) {
  lua_getfield(L, -1, "send");
  lua_insert(L, -2);
  push_request(L, request);
}

void vi_embed_push_later_send(lua_State *L, const viesti_request *request) {
  vi_embed_push_chain(L);
  lua_getfield(L, -1, "edition");
  lua_replace(L, -2);
  lua_getfield(L, -1, "reserve");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  push_sending(L, request);
}

typedef struct send_call {
  viesti *runtime;
  viesti_request request;
  viesti_response *response;
  bool is_under_way; /* the chain has been asked */
} send_call;

static int send_protected(lua_State *L) {
  send_call *arguments = lua_touserdata(L, 1);
  vi_embed_push_chain(L);
  push_sending(L, &arguments->request);
  arguments->is_under_way = true;
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
  const char *wrong = response ? vi_embed_read_request(&arguments.request, request)
                               : "there is no pointer for the response";
  if (wrong)
    return vi_embed_misuse(runtime, "viesti_send", wrong);
  viesti_status status = vi_embed_call(runtime, send_protected, &arguments);
  if (arguments.is_under_way)
    vi_embed_note_raised(runtime, status);
  *response = arguments.response;
  if (atomic_load(&runtime->woken)) /* which the loop may have seen instead of a step */
    vi_loop_ring(runtime->loop->loop);
  vi_embed_deliver(runtime);
  return vi_embed_return(runtime, status);
}
