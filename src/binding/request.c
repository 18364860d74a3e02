#include "binding/objects.h"
#include "message/url.h"

#include <stddef.h>
#include <string.h>

/* User values of a Request: what the caller gave, its Headers view once somebody asked for it, the
 * source of a streamed body, the functions that are told of the response's progress and of its
 * head; and of a view the Request that it shows. */
enum { GIVEN = VI_REQUEST_GIVEN, HEADERS, SOURCE, PROGRESS, HEAD, BASE, USER_VALUES = BASE };

typedef struct request_box {
  vi_request *request;            /* one reference, or the view; NULL until opened */
  const struct request_box *base; /* of a view: the box of what it shows, else this one */
  size_t weight;                  /* for vi_remove_weight */
} request_box;

/* What a view shows is held by its user value: so it owns nothing but Lua's memory and needs no
 * finalizer, which would cost several times what the view does. */
typedef struct view_box {
  request_box box;
  vi_request view; /* behind which its own fields stand */
} view_box;

static const char VIEW; /* its address is the key of the metatable of views in the registry */

vi_request *vi_check_request(lua_State *L, int index) {
  const request_box *box = vi_check_box(L, index, VI_TYPE_REQUEST);
  luaL_argcheck(L, box->base->request, index, "the request has been collected");
  return box->request;
}

static request_box *push_box(lua_State *L) {
  request_box *box = vi_push_box(L, sizeof(request_box), HEAD, VI_TYPE_REQUEST);
  box->base = box;
  return box;
}

vi_request **vi_push_request_box(lua_State *L) {
  return &push_box(L)->request;
}

/* Has the Request on top of the stack share what the one at `index` has there. */
static void share_value(lua_State *L, int index, int value) {
  if (lua_getiuservalue(L, index, value) != LUA_TNIL)
    lua_setiuservalue(L, -2, value);
  else
    lua_pop(L, 1);
}

static void share_values(lua_State *L, int index, const vi_request *request) {
  share_value(L, index, GIVEN);
  if (request->streams_body)
    share_value(L, index, SOURCE);
  if (request->reports_progress)
    share_value(L, index, PROGRESS);
  if (request->reports_head)
    share_value(L, index, HEAD);
}

void vi_open_request_box(lua_State *L, vi_request *request) {
  request_box *box = lua_touserdata(L, -1);
  box->request = request;
  box->weight = vi_add_weight(L, request->body.length);
}

vi_request **vi_push_request_like(lua_State *L, int index) {
  index = lua_absindex(L, index);
  const vi_request *request = vi_check_request(L, index);
  vi_request **box = vi_push_request_box(L);
  share_values(L, index, request);
  return box;
}

/* A closed view, of `size` bytes, of the request at `index`. */
static view_box *push_view_box(lua_State *L, int index, size_t size) {
  const request_box *of = lua_touserdata(L, index);
  view_box *box =
      vi_push_bare_box(L, offsetof(view_box, view) + size, USER_VALUES, VI_TYPE_REQUEST);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &VIEW);
  lua_setmetatable(L, -2);
  box->box.base = of->base;
  if (of->base == of)
    lua_pushvalue(L, index);
  else
    lua_getiuservalue(L, index, BASE);
  lua_setiuservalue(L, -2, BASE);
  share_values(L, index, of->request);
  return box;
}

vi_request *vi_push_request_view(lua_State *L, int index) {
  vi_request *request = vi_check_request(L, index);
  view_box *box = push_view_box(L, lua_absindex(L, index), vi_request_view_size(request));
  return box->box.request = vi_request_lay_view(&box->view, request);
}

vi_request *vi_push_request_view_for(lua_State *L, int index, size_t fields, size_t bytes) {
  vi_request *request = vi_check_request(L, index);
  size_t size = vi_request_view_size_for(fields, bytes);
  view_box *box = push_view_box(L, lua_absindex(L, index), size);
  return box->box.request = vi_request_lay_view_for(&box->view, request, fields, bytes);
}

/* The request's table of `further` options at `index`, whose Request is on top of the stack:
 * `source` (what open_source reads the body from) with its `length`, if known, and `again` (it can
 * be read from its start another time), or `parts`; `stream`, `timeout`, `deadline`, `idempotent`,
 * `on_progress`. */
static void read_further(lua_State *L, int index, vi_request *request) {
  int box = lua_gettop(L);
  lua_getfield(L, index, "length");
  request->body_length = (int64_t)luaL_optinteger(L, -1, -1);
  lua_getfield(L, index, "again");
  request->streams_again = lua_toboolean(L, -1);
  lua_getfield(L, index, "stream");
  request->streams_response = lua_toboolean(L, -1);
  if (lua_getfield(L, index, "timeout") != LUA_TNIL)
    request->timeout = luaL_checknumber(L, -1) < 1e9 ? lua_tonumber(L, -1) : 0;
  if (lua_getfield(L, index, "deadline") != LUA_TNIL)
    request->deadline = luaL_checknumber(L, -1);
  lua_getfield(L, index, "idempotent");
  request->idempotent = lua_toboolean(L, -1);
  if (lua_getfield(L, index, "parts") != LUA_TNIL)
    request->multipart = vi_multipart_retain(vi_check_multipart(L, -1));
  request->streams_body = lua_getfield(L, index, "source") != LUA_TNIL;
  lua_setiuservalue(L, box, SOURCE);
  request->reports_progress = lua_getfield(L, index, "on_progress") != LUA_TNIL;
  lua_setiuservalue(L, box, PROGRESS);
  lua_settop(L, box);
}

/* request(method, url, query, fields, body, given, further) -> Request, or nil and what is wrong.
 * All checked and normalised by request.lua; all but `method` and `url` may be nil. */
static int request_new(lua_State *L) {
  enum { METHOD = 1, URL, QUERY, FIELDS, BODY, ALL, FURTHER };
  lua_settop(L, FURTHER);
  vi_text method = vi_check_text(L, METHOD), url = vi_check_text(L, URL);
  vi_text query = lua_isnil(L, QUERY) ? VI_TEXT("") : vi_check_text(L, QUERY);
  vi_text body = lua_isnil(L, BODY) ? VI_TEXT("") : vi_check_text(L, BODY);
  request_box *box = push_box(L);
  lua_pushvalue(L, ALL);
  lua_setiuservalue(L, -2, GIVEN);
  vi_error error;
  vi_request *request = box->request =
      vi_request_new(method, url, query, lua_isnil(L, BODY) ? NULL : &body, &error);
  if (request && (lua_isnil(L, FIELDS) ||
                  vi_read_fields(L, FIELDS, true, &request->headers, &request->omitted))) {
    if (!lua_isnil(L, FURTHER))
      read_further(L, FURTHER, request);
    box->weight = vi_add_weight(L, body.length);
    return 1;
  }
  if (!request)
    lua_pushstring(L, error.message);
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

void vi_replace_by_request(lua_State *L, int index, vi_request *request) {
  if (vi_test_box(L, index, VI_TYPE_REQUEST))
    return;
  index = lua_absindex(L, index);
  vi_request **box = vi_push_request_box(L);
  *box = vi_request_retain(request);
  lua_replace(L, index);
}

vi_request *vi_take_request(lua_State *L, int index, int what) {
  if (!vi_test_box(L, index, VI_TYPE_REQUEST)) {
    if (!vi_push_plain_request(L, index)) { /* it says more, or something is wrong with it */
      lua_getfield(L, lua_upvalueindex(1), "of_options");
      lua_pushvalue(L, index);
      if (what)
        lua_pushvalue(L, what);
      lua_call(L, what ? 2 : 1, 1);
    }
    lua_replace(L, index);
  }
  return vi_check_request(L, index);
}

/* Request.from(given, what) -> Request; `what` was called with it, `send` if not said */
static int request_from(lua_State *L) {
  lua_settop(L, 2);
  if (!vi_test_box(L, 1, VI_TYPE_REQUEST))
    vi_take_request(L, 1, 2);
  lua_settop(L, 1);
  return 1;
}

bool vi_push_reader(lua_State *L, int index, vi_error *error) {
  lua_getfield(L, lua_upvalueindex(1), "open_source");
  lua_getiuservalue(L, index, SOURCE);
  lua_call(L, 1, 2);
  if (lua_isnil(L, -2))
    return vi_error_set(error, VI_ERROR_REFUSED, "%s", lua_tostring(L, -1));
  lua_pop(L, 1);
  return true;
}

void vi_push_progress(lua_State *L, int index) {
  lua_getiuservalue(L, index, PROGRESS);
}

void vi_push_on_head(lua_State *L, int index) {
  lua_getiuservalue(L, index, HEAD);
}

/* request_with_head(request, on_head) -> a view that calls on_head(response without body) when the
 * head of the response is there, if it is not streamed */
static int request_with_head(lua_State *L) {
  vi_check_request(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  vi_push_request_view(L, 1)->reports_head = true;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, HEAD);
  return 1;
}

/* request_moved(request, url, query, given) -> a copy at that URL, with the query added to it,
 * which remembers `given`; nil if something is wrong with the URL */
static int request_moved(lua_State *L) {
  const vi_request *request = vi_check_request(L, 1);
  vi_text url = vi_check_text(L, 2), query = vi_check_text(L, 3);
  vi_request *copy = *vi_push_request_like(L, 1) = vi_request_copy(request);
  if (!copy)
    return luaL_error(L, "out of memory");
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, GIVEN);
  if (!vi_url_normalize(url, query, &copy->url, NULL))
    return 0;
  request_box *box = lua_touserdata(L, -1);
  box->weight = vi_add_weight(L, copy->body.length);
  return 1;
}

/* request_with_limits(given, deadline, timeout) -> a view of the request that has these where it
 * has none that come first, or the Request of a table; nil: none */
static int request_with_limits(lua_State *L) {
  bool is_shared = vi_test_box(L, 1, VI_TYPE_REQUEST);
  vi_request *request = vi_take_request(L, 1, 0);
  double deadline = luaL_optnumber(L, 2, 0), timeout = luaL_optnumber(L, 3, -1);
  bool has_deadline = deadline <= 0 || (request->deadline > 0 && request->deadline <= deadline);
  bool has_timeout = timeout < 0 || (request->timeout > 0 && request->timeout <= timeout);
  if (has_deadline && has_timeout) {
    lua_settop(L, 1);
    return 1;
  }
  lua_settop(L, 1);
  if (is_shared)
    request = vi_push_request_view(L, 1);
  if (!has_deadline)
    request->deadline = deadline;
  if (!has_timeout)
    request->timeout = timeout;
  return 1;
}

/* origin(given) -> "scheme://host" or "scheme://host:port" of a request's URL, and the Request,
 * which is made if a table of its options is given */
static int request_origin(lua_State *L) {
  vi_text url = vi_buffer_text(&vi_take_request(L, 1, 0)->url);
  vi_text origin = vi_url_origin(url), secret = vi_url_credentials(url);
  if (secret.length == 0) {
    vi_push_text(L, origin);
  } else {
    const char *host = secret.data + secret.length;
    vi_push_text(L, (vi_text){origin.data, (size_t)(secret.data - origin.data)});
    vi_push_text(L, (vi_text){host, (size_t)(origin.data + origin.length - host)});
    lua_concat(L, 2);
  }
  lua_pushvalue(L, 1);
  return 2;
}

static int request_gc(lua_State *L) {
  request_box *box = vi_check_box(L, 1, VI_TYPE_REQUEST);
  if (box->base != box)
    return 0; /* a view has no finalizer, and owns nothing */
  vi_request_release(box->request);
  vi_remove_weight(L, box->weight);
  box->request = NULL;
  box->weight = 0;
  return 0;
}

/* Those of a view without fields of its own are its base's. */
static int push_headers(lua_State *L, vi_request *request) {
  const request_box *box = lua_touserdata(L, 1);
  if (box->base != box && !request->has_own_headers) {
    lua_getiuservalue(L, 1, BASE);
    lua_replace(L, 1);
    request = box->base->request;
  }
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
  } else if (strcmp(key, "timeout") == 0) {
    if (request->timeout < 0)
      return 0;
    lua_pushnumber(L, request->timeout);
  } else if (strcmp(key, "deadline") == 0) {
    if (request->deadline <= 0)
      return 0;
    lua_pushnumber(L, request->deadline);
  } else if (strcmp(key, "idempotent") == 0) {
    if (!request->idempotent)
      return 0;
    lua_pushboolean(L, 1);
  } else if (strcmp(key, "stream") == 0) {
    lua_pushboolean(L, request->streams_response);
  } else if (lua_getiuservalue(L, 1, GIVEN) == LUA_TNIL) {
    return 0;
  } else {
    lua_getfield(L, lua_upvalueindex(1), "given_field");
    lua_insert(L, -2);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
  }
  return 1;
}

/* request_given(request) -> the table that request.lua remembers, and the source of a streamed
 * body, not for anybody else; nil for what there is not */
static int request_given(lua_State *L) {
  vi_check_request(L, 1);
  lua_getiuservalue(L, 1, GIVEN);
  lua_getiuservalue(L, 1, SOURCE);
  return 2;
}

/* request_decides(request, name) -> whether it says itself what that field is to be, or that there
 * is to be none */
static int request_decides(lua_State *L) {
  const vi_request *request = vi_check_request(L, 1);
  vi_text name = vi_check_text(L, 2);
  lua_pushboolean(L, vi_headers_has(&request->headers, name) ||
                         vi_headers_has(&request->omitted, name));
  return 1;
}

/* request_size(request) -> bytes of its body, 0 if it has none; nil if nobody knows */
static int request_size(lua_State *L) {
  const vi_request *request = vi_check_request(L, 1);
  if (request->multipart || (request->streams_body && request->body_length < 0))
    return 0;
  lua_pushinteger(L, (lua_Integer)(request->streams_body ? request->body_length
                                                         : (int64_t)request->body.length));
  return 1;
}

static int request_newindex(lua_State *L) {
  return vi_raise(L, "a Request cannot be changed; request:with{ %s = ... } makes a changed copy",
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

/* As that of all Requests, but for the finalizer. */
static void make_metatable_of_views(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, VI_TYPE_REQUEST);
  lua_newtable(L);
  vi_add_pairs(L, lua_gettop(L) - 1);
  lua_pushnil(L);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &VIEW);
  lua_pop(L, 1);
}

void vi_open_request(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__index", request_index},
                                         {"__newindex", request_newindex},
                                         {"__gc", request_gc},
                                         {"__tostring", request_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg methods[] = {{"is_idempotent", request_is_idempotent},
                                     {"is_replayable", request_is_replayable},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"request", request_new},
                                       {"request_given", request_given},
                                       {"request_decides", request_decides},
                                       {"request_size", request_size},
                                       {"request_moved", request_moved},
                                       {"request_with_head", request_with_head},
                                       {NULL, NULL}};
  /* Their upvalue 1 is Request's table of methods. */
  static const luaL_Reg takers[] = {
      {"request_with_limits", request_with_limits}, {"origin", request_origin}, {NULL, NULL}};
  static const luaL_Reg from[] = {{"from", request_from}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_REQUEST, "Request", metamethods, methods);
  make_metatable_of_views(L);
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "Request");
  lua_pushvalue(L, -1);
  luaL_setfuncs(L, from, 1);
  luaL_setfuncs(L, takers, 1);
}
