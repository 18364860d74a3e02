#include "binding/objects.h"

#include <string.h>

/* User values of a Request: what the caller gave (a table, for reading back and for copies), its
 * Headers view once somebody asked for it, and the source of a streamed body. */
enum { GIVEN = 1, HEADERS = 2, SOURCE = 3, USER_VALUES = 3 };

vi_request *vi_check_request(lua_State *L, int index) {
  vi_request *request = *(vi_request **)vi_check_box(L, index, VI_TYPE_REQUEST);
  luaL_argcheck(L, request, index, "the request has been collected");
  return request;
}

vi_request **vi_push_request_box(lua_State *L) {
  vi_request **box = lua_newuserdatauv(L, sizeof *box, USER_VALUES);
  *box = NULL;
  vi_set_type(L, VI_TYPE_REQUEST);
  return box;
}

/* request(method, url, query, fields, body, given) -> Request, or nil and what is wrong.
 * All checked and normalised by request.lua; all but `method` and `url` may be nil. */
static int request_new(lua_State *L) {
  lua_settop(L, 6);
  vi_text method = vi_check_text(L, 1), url = vi_check_text(L, 2);
  vi_text query = lua_isnil(L, 3) ? VI_TEXT("") : vi_check_text(L, 3);
  vi_text body = lua_isnil(L, 5) ? VI_TEXT("") : vi_check_text(L, 5);
  vi_request **box = vi_push_request_box(L);
  lua_pushvalue(L, 6);
  lua_setiuservalue(L, -2, GIVEN);
  vi_error error;
  *box = vi_request_new(method, url, query, lua_isnil(L, 5) ? NULL : &body, &error);
  if (*box && (lua_isnil(L, 4) || vi_read_fields(L, 4, true, &(*box)->headers)))
    return 1;
  if (!*box)
    lua_pushstring(L, error.message);
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

/* request:set_stream(source, length, again, streams_response): the last touches of request.lua on a
 * request that it has just made. `source` is what open_source reads from, nil for no streamed body;
 * `length` may be nil; `again` says whether the source can be read from its start another time. */
static int request_set_stream(lua_State *L) {
  vi_request *request = vi_check_request(L, 1);
  request->streams_body = !lua_isnil(L, 2);
  request->body_length = (int64_t)luaL_optinteger(L, 3, -1);
  request->streams_again = lua_toboolean(L, 4);
  request->streams_response = lua_toboolean(L, 5);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, SOURCE);
  lua_settop(L, 1);
  return 1;
}

void vi_push_reader(lua_State *L, int index) {
  lua_getfield(L, lua_upvalueindex(1), "open_source");
  lua_getiuservalue(L, index, SOURCE);
  lua_call(L, 1, 1);
}

static int request_gc(lua_State *L) {
  vi_request **box = vi_check_box(L, 1, VI_TYPE_REQUEST);
  vi_request_release(*box);
  *box = NULL;
  return 0;
}

static int push_headers(lua_State *L, vi_request *request) {
  if (lua_getiuservalue(L, 1, HEADERS) != LUA_TNIL)
    return 1;
  vi_push_headers(L, &request->headers, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, HEADERS);
  return 1;
}

/* The few fields that the core knows; methods; then what the caller gave, through request.lua. */
static int request_index(lua_State *L) {
  vi_request *request = vi_check_request(L, 1);
  const char *key = luaL_checkstring(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  if (strcmp(key, "method") == 0) {
    vi_push_text(L, vi_buffer_text(&request->method));
  } else if (strcmp(key, "url") == 0) {
    vi_push_text(L, vi_buffer_text(&request->url));
  } else if (strcmp(key, "headers") == 0) {
    return push_headers(L, request);
  } else if (strcmp(key, "body") == 0) {
    if (!request->has_body || request->streams_body)
      return 0;
    vi_push_text(L, vi_buffer_text(&request->body));
  } else if (strcmp(key, "stream") == 0) {
    lua_pushboolean(L, request->streams_response);
  } else {
    lua_getfield(L, lua_upvalueindex(1), "given_field");
    lua_getiuservalue(L, 1, GIVEN);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
  }
  return 1;
}

static int request_given(lua_State *L) {
  vi_check_request(L, 1);
  lua_getiuservalue(L, 1, GIVEN);
  return 1;
}

static int request_newindex(lua_State *L) {
  return luaL_error(L, "a Request cannot be changed; request:with{ %s = ... } makes a changed copy",
                    luaL_checkstring(L, 2));
}

static int request_is_idempotent(lua_State *L) {
  lua_pushboolean(L, vi_request_is_idempotent(vi_check_request(L, 1)));
  return 1;
}

static int request_is_replayable(lua_State *L) {
  lua_pushboolean(L, vi_request_is_replayable(vi_check_request(L, 1)));
  return 1;
}

static int request_tostring(lua_State *L) {
  vi_request *request = vi_check_request(L, 1);
  vi_push_public_url(L, vi_buffer_text(&request->url));
  lua_pushfstring(L, "Request(%s %s)", request->method.data, lua_tostring(L, -1));
  return 1;
}

void vi_open_request(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__index", request_index},
                                         {"__newindex", request_newindex},
                                         {"__gc", request_gc},
                                         {"__tostring", request_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg methods[] = {{"is_idempotent", request_is_idempotent},
                                     {"is_replayable", request_is_replayable},
                                     {"set_stream", request_set_stream},
                                     {"given", request_given},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"request", request_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_REQUEST, "Request", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
