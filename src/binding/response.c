#include "binding/objects.h"
#include "binding/transport.h"
#include "cache/answer.h"

#include <string.h>

/* User values of a Response: its Headers view and its decoded content once somebody asked, and the
 * table of further facts that layers add (history, cache, ...); behind them those of the transfer.
 */
enum { HEADERS = 1, CONTENT, FACTS, STORED_USER_VALUES = FACTS, USER_VALUES = VI_RESPONSE_CAUSE };

/* Makes the response of what a cache has found, which few ask for more of than its body. */
static void make(lua_State *L, vi_response_box *box) {
  box->response = vi_answer_whole(box->stored, box->asked_at);
  if (!box->response)
    luaL_error(L, "out of memory");
  vi_stored_release(box->stored);
  box->stored = NULL;
}

vi_response_box *vi_check_response(lua_State *L, int index) {
  vi_response_box *box = vi_check_box(L, index, VI_TYPE_RESPONSE);
  if (box->stored)
    make(L, box);
  luaL_argcheck(L, box->response, index, "the response has been collected");
  return box;
}

vi_response_box *vi_push_response_box(lua_State *L) {
  vi_response_box *box = vi_push_box(L, sizeof *box, USER_VALUES, VI_TYPE_RESPONSE);
  box->attempts = 1;
  return box;
}

vi_response_box *vi_push_stored_response_box(lua_State *L) {
  vi_response_box *box = vi_push_box(L, sizeof *box, STORED_USER_VALUES, VI_TYPE_RESPONSE);
  box->attempts = 1;
  return box;
}

static vi_response *opened(lua_State *L, vi_response *response) {
  if (!response)
    luaL_error(L, "out of memory");
  return response;
}

/* Fills a fresh response from a table { url, status_code, reason, body, fields }. */
static void fill(lua_State *L, vi_response *response) {
  lua_getfield(L, 1, "status_code");
  response->status = (int)luaL_checkinteger(L, -1);
  const struct {
    const char *name;
    vi_buffer *buffer;
  } texts[] = {
      {"url", &response->url}, {"reason", &response->reason}, {"body", &response->body->bytes}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    lua_getfield(L, 1, texts[i].name);
    if (!lua_isnil(L, -1) && !vi_buffer_append_text(texts[i].buffer, vi_check_text(L, -1)))
      luaL_error(L, "out of memory");
  }
  lua_getfield(L, 1, "fields");
  if (!vi_read_fields(L, lua_absindex(L, -1), false, &response->headers, NULL))
    lua_error(L);
}

/* response{ url, status_code, reason, body, fields } -> Response; checked by response.lua */
static int response_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  vi_response_box *box = vi_push_response_box(L);
  box->response = opened(L, vi_response_new());
  int top = lua_gettop(L);
  fill(L, box->response);
  lua_settop(L, top);
  box->weight = vi_add_weight(L, vi_response_size(box->response));
  return 1;
}

static int response_gc(lua_State *L) {
  vi_response_box *box = vi_check_box(L, 1, VI_TYPE_RESPONSE);
  if (box->stream)
    vi_task_leave(box->stream);
  vi_transfer_release(box->stream);
  vi_response_release(box->response);
  vi_stored_release(box->stored);
  vi_remove_weight(L, box->weight);
  box->weight = 0;
  box->stream = NULL;
  box->stored = NULL;
  box->response = NULL;
  return 0;
}

static void copy_entries(lua_State *L, int from, int to) {
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, to);
  }
}

vi_response_box *vi_push_response_like(lua_State *L, int index) {
  static const int kept[] = {CONTENT, FACTS, VI_RESPONSE_READER, VI_RESPONSE_REQUEST,
                             VI_RESPONSE_CAUSE};
  index = lua_absindex(L, index);
  vi_response_box *from = vi_check_response(L, index);
  if (vi_is_being_read(from))
    vi_raise(L, "somebody is reading this response");
  vi_response_box *box = vi_push_response_box(L);
  box->response = vi_response_retain(from->response);
  box->streamed = from->streamed;
  box->begun = from->begun;
  box->cut = from->cut;
  box->unbounded = from->unbounded;
  box->weight = from->weight;
  from->weight = 0;
  box->stream = from->stream; /* there is one stream, and it goes on in the new object */
  from->stream = NULL;
  from->begun = from->cut = from->streamed;
  box->position = from->position;
  box->looper = from->looper;
  box->from_cache = from->from_cache;
  box->attempts = from->attempts;
  box->cache = from->cache;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    lua_getiuservalue(L, index, kept[i]);
    lua_setiuservalue(L, -2, kept[i]);
  }
  return box;
}

/* What the response at `index` has been found to be so far, and the new facts at 4, nil for none;
 * the newer ones win. */
static void push_facts(lua_State *L, int index) {
  bool has_old = lua_getiuservalue(L, index, FACTS) == LUA_TTABLE;
  if (!lua_istable(L, 4))
    return;
  int old = lua_gettop(L);
  lua_newtable(L);
  if (has_old)
    copy_entries(L, old, old + 1);
  copy_entries(L, 4, old + 1);
  lua_remove(L, old);
}

/* response:annotated(from_cache, attempts, facts) -> another Response over the same core */
static int response_annotated(lua_State *L) {
  lua_settop(L, 4);
  vi_response_box *box = vi_push_response_like(L, 1);
  if (!lua_isnil(L, 2))
    box->from_cache = lua_toboolean(L, 2);
  box->attempts = (int)luaL_optinteger(L, 3, box->attempts);
  push_facts(L, 1);
  lua_setiuservalue(L, -2, FACTS);
  return 1;
}

void vi_set_cache_key(lua_State *L, vi_text key) {
  lua_newtable(L);
  if (lua_getiuservalue(L, -2, FACTS) == LUA_TTABLE)
    copy_entries(L, lua_gettop(L), lua_gettop(L) - 1);
  lua_pop(L, 1);
  vi_push_text(L, key);
  lua_setfield(L, -2, "cache_key");
  lua_setiuservalue(L, -2, FACTS);
}

/* response:with_cache_status(collapsed, shown) -> Response that says whether another's request was
 * waited for, in a Cache-Status field, too, if that is to be shown */
static int response_with_cache_status(lua_State *L) {
  vi_response_box *box = vi_push_response_like(L, 1);
  box->cache.collapsed = lua_toboolean(L, 2);
  if (!lua_toboolean(L, 3))
    return 1;
  vi_response *marked = opened(L, vi_response_copy(box->response));
  vi_response_release(box->response);
  box->response = marked;
  if (!vi_cache_status_add(&box->cache, &marked->headers))
    luaL_error(L, "out of memory");
  return 1;
}

/* response:not_stored(): says so of a response of cache:update's, whose store elsewhere did not
 * take it */
static int response_not_stored(lua_State *L) {
  vi_response_box *box = vi_check_response(L, 1);
  box->cache.stored = false;
  box->cache.refusal = VI_REFUSAL_STORE;
  return 0;
}

static int push_headers(lua_State *L, const vi_response *response) {
  if (lua_getiuservalue(L, 1, HEADERS) != LUA_TNIL)
    return 1;
  vi_push_headers(L, &response->headers, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, HEADERS);
  return 1;
}

static int raise_streamed(lua_State *L) {
  return vi_raise(L, "the body is streamed: read it with response:chunks() or :read()");
}

/* The decoded JSON, kept in a table of one so that a body that holds none is tried only once.
 * response.lua supplies the decoder. */
static int push_content(lua_State *L, const vi_response_box *box) {
  if (box->streamed)
    return raise_streamed(L);
  if (lua_getiuservalue(L, 1, CONTENT) == LUA_TNIL) {
    lua_createtable(L, 1, 0);
    lua_getfield(L, lua_upvalueindex(1), "decode_content");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, CONTENT);
  }
  lua_rawgeti(L, -1, 1);
  return 1;
}

static int push_timings(lua_State *L, const vi_timings *timings) {
  lua_createtable(L, 0, 5);
  lua_pushnumber(L, timings->dns);
  lua_setfield(L, -2, "dns");
  lua_pushnumber(L, timings->connect);
  lua_setfield(L, -2, "connect");
  lua_pushnumber(L, timings->tls);
  lua_setfield(L, -2, "tls");
  lua_pushnumber(L, timings->first_byte);
  lua_setfield(L, -2, "first_byte");
  lua_pushnumber(L, timings->total);
  lua_setfield(L, -2, "total");
  return 1;
}

static int push_http_version(lua_State *L, int version) {
  switch (version) {
  case 0:
    lua_pushnil(L);
    break;
  case 20:
    lua_pushliteral(L, "2");
    break;
  case 30:
    lua_pushliteral(L, "3");
    break;
  default:
    lua_pushstring(L, version == 10 ? "1.0" : "1.1");
  }
  return 1;
}

/* True; false for a streamed body that was not read to its end; "unknown" if nothing but the end of
 * the connection says that it is all. */
static int push_completeness(lua_State *L, const vi_response_box *box) {
  if (box->streamed && (box->stream || box->cut))
    lua_pushboolean(L, 0);
  else if (box->streamed ? box->unbounded : box->response->unbounded)
    lua_pushliteral(L, "unknown");
  else
    lua_pushboolean(L, 1);
  return 1;
}

static int push_remote(lua_State *L, const vi_response *response) {
  if (!response->remote_address[0])
    return 0;
  lua_createtable(L, 0, 2);
  lua_pushstring(L, response->remote_address);
  lua_setfield(L, -2, "address");
  lua_pushinteger(L, response->remote_port);
  lua_setfield(L, -2, "port");
  return 1;
}

/* A list of Responses, the first one first. */
static int push_interim(lua_State *L, vi_response *last) {
  lua_Integer count = 0;
  for (const vi_response *interim = last; interim; interim = interim->interim)
    count++;
  lua_createtable(L, (int)count, 0);
  for (; last; last = last->interim) {
    vi_response_box *box = vi_push_response_box(L);
    box->response = vi_response_retain(last);
    lua_rawseti(L, -2, count--);
  }
  return 1;
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* nil where no cache was asked. */
static int push_cache(lua_State *L, const vi_response_box *box) {
  const vi_cache_facts *facts = &box->cache;
  if (!facts->asked)
    return 0;
  lua_createtable(L, 0, 9);
  int table = lua_gettop(L);
  if (lua_getiuservalue(L, 1, FACTS) != LUA_TTABLE ||
      lua_getfield(L, -1, "cache_key") != LUA_TSTRING)
    vi_push_text(L, vi_buffer_text(&box->response->url));
  lua_setfield(L, table, "key");
  lua_settop(L, table);
  set_flag(L, "hit", facts->hit);
  set_flag(L, "stored", facts->stored);
  set_flag(L, "collapsed", facts->collapsed);
  if (facts->forward != VI_FORWARD_NONE) {
    lua_pushstring(L, vi_forward_name((vi_forward)facts->forward));
    lua_setfield(L, -2, "forwarded");
  }
  if (facts->refusal != VI_REFUSAL_NONE) {
    lua_pushstring(L, vi_refusal_name((vi_refusal)facts->refusal));
    lua_setfield(L, -2, "refused");
  }
  if (facts->forward_status) {
    lua_pushinteger(L, facts->forward_status);
    lua_setfield(L, -2, "forward_status");
  }
  if (box->from_cache || facts->stored) {
    lua_pushnumber(L, facts->ttl);
    lua_setfield(L, -2, "ttl");
  }
  return 1;
}

enum field {
  FIELD_STATUS_CODE = 1,
  FIELD_BODY,
  FIELD_CONTENT,
  FIELD_HEADERS,
  FIELD_URL,
  FIELD_REASON,
  FIELD_ELAPSED,
  FIELD_HTTP_VERSION,
  FIELD_FROM_CACHE,
  FIELD_ATTEMPTS,
  FIELD_TIMINGS,
  FIELD_ENCODING,
  FIELD_REUSED,
  FIELD_STREAMED,
  FIELD_BEGUN,
  FIELD_COMPLETE,
  FIELD_REMOTE,
  FIELD_INTERIM,
  FIELD_CACHE,
};

static const struct {
  const char *name;
  enum field field;
} FIELDS[] = {
    {"status_code", FIELD_STATUS_CODE},
    {"body", FIELD_BODY},
    {"content", FIELD_CONTENT},
    {"headers", FIELD_HEADERS},
    {"url", FIELD_URL},
    {"reason", FIELD_REASON},
    {"elapsed", FIELD_ELAPSED},
    {"http_version", FIELD_HTTP_VERSION},
    {"from_cache", FIELD_FROM_CACHE},
    {"attempts", FIELD_ATTEMPTS},
    {"timings", FIELD_TIMINGS},
    {"encoding", FIELD_ENCODING},
    {"reused", FIELD_REUSED},
    {"streamed", FIELD_STREAMED},
    {"begun", FIELD_BEGUN},
    {"complete", FIELD_COMPLETE},
    {"remote", FIELD_REMOTE},
    {"interim", FIELD_INTERIM},
    {"cache", FIELD_CACHE},
};

static int push_field(lua_State *L, const vi_response_box *box, enum field field) {
  const vi_response *response = box->response;
  switch (field) {
  case FIELD_STATUS_CODE:
    lua_pushinteger(L, response->status);
    break;
  case FIELD_BODY:
    if (box->streamed)
      return raise_streamed(L);
    vi_push_text(L, vi_response_body(response));
    break;
  case FIELD_CONTENT:
    return push_content(L, box);
  case FIELD_HEADERS:
    return push_headers(L, response);
  case FIELD_URL:
    vi_push_text(L, vi_buffer_text(&response->url));
    break;
  case FIELD_REASON:
    vi_push_text(L, vi_buffer_text(&response->reason));
    break;
  case FIELD_ELAPSED:
    lua_pushnumber(L, response->timings.total);
    break;
  case FIELD_HTTP_VERSION:
    return push_http_version(L, response->http_version);
  case FIELD_FROM_CACHE:
    lua_pushboolean(L, box->from_cache);
    break;
  case FIELD_ATTEMPTS:
    lua_pushinteger(L, box->attempts);
    break;
  case FIELD_TIMINGS:
    return push_timings(L, &response->timings);
  case FIELD_ENCODING:
    if (response->encoding.length == 0)
      return 0;
    vi_push_text(L, vi_buffer_text(&response->encoding));
    break;
  case FIELD_COMPLETE:
    return push_completeness(L, box);
  case FIELD_REMOTE:
    return push_remote(L, response);
  case FIELD_INTERIM:
    return push_interim(L, response->interim);
  case FIELD_CACHE:
    return push_cache(L, box);
  case FIELD_BEGUN:
    lua_pushboolean(L, box->begun);
    break;
  case FIELD_STREAMED:
    lua_pushboolean(L, box->streamed);
    break;
  case FIELD_REUSED:
    lua_pushboolean(L, response->reused);
    break;
  }
  return 1;
}

/* The fields that what a cache has found can tell without a response made of it. */
static bool push_stored_field(lua_State *L, const vi_response_box *box, enum field field) {
  switch (field) {
  case FIELD_STATUS_CODE:
    lua_pushinteger(L, box->stored->status);
    return true;
  case FIELD_BODY:
    vi_push_text(L, vi_stored_body(box->stored));
    return true;
  case FIELD_CONTENT:
    push_content(L, box);
    return true;
  case FIELD_FROM_CACHE:
    lua_pushboolean(L, 1);
    return true;
  case FIELD_STREAMED:
    lua_pushboolean(L, 0);
    return true;
  default:
    return false;
  }
}

/* Upvalue 1: methods; 2: field names to numbers. What is neither is a fact of some layer. */
static int response_index(lua_State *L) {
  const vi_response_box *box = vi_check_box(L, 1, VI_TYPE_RESPONSE);
  lua_pushvalue(L, 2);
  if (box->stored) {
    bool known = lua_rawget(L, lua_upvalueindex(2)) == LUA_TNUMBER;
    if (known && push_stored_field(L, box, (enum field)lua_tointeger(L, -1)))
      return 1;
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
  }
  box = vi_check_response(L, 1);
  if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TNUMBER)
    return push_field(L, box, (enum field)lua_tointeger(L, -1));
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  if (lua_getiuservalue(L, 1, FACTS) != LUA_TTABLE)
    return 0;
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

static int response_newindex(lua_State *L) {
  return vi_raise(L, "a Response cannot be changed (setting '%s')", luaL_tolstring(L, 2, NULL));
}

static int response_tostring(lua_State *L) {
  const vi_response *response = vi_check_response(L, 1)->response;
  vi_push_public_url(L, vi_buffer_text(&response->url));
  lua_pushfstring(L, "Response(%d %s)", response->status, lua_tostring(L, -1));
  return 1;
}

void vi_open_response(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__newindex", response_newindex},
                                         {"__gc", response_gc},
                                         {"__tostring", response_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg methods[] = {{"annotated", response_annotated},
                                     {"with_cache_status", response_with_cache_status},
                                     {"not_stored", response_not_stored},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"response", response_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_RESPONSE, "Response", metamethods, methods);
  luaL_getmetatable(L, VI_TYPE_RESPONSE);
  lua_getfield(L, -2, "Response");
  lua_newtable(L);
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
    lua_pushinteger(L, FIELDS[i].field);
    lua_setfield(L, -2, FIELDS[i].name);
  }
  lua_pushcclosure(L, response_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
