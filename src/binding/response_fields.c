/* The fields of a Response. */
#include "binding/response.h"

static int push_headers(lua_State *L, const vi_response *response) {
  if (lua_getiuservalue(L, 1, VI_RESPONSE_HEADERS) != LUA_TNIL)
    return 1;
  vi_push_headers(L, &response->headers, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, VI_RESPONSE_HEADERS);
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
  if (lua_getiuservalue(L, 1, VI_RESPONSE_CONTENT) == LUA_TNIL) {
    lua_createtable(L, 1, 0);
    lua_getfield(L, lua_upvalueindex(1), "decode_content");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, VI_RESPONSE_CONTENT);
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
  if (box->streamed && (box->stream || box->held || box->cut || box->withheld))
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
  if (lua_getiuservalue(L, 1, VI_RESPONSE_FACTS) != LUA_TTABLE ||
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

/* What a layer has said of them; else what the response itself tells, by response.lua. */
static int push_attempts(lua_State *L) {
  if (lua_getiuservalue(L, 1, VI_RESPONSE_FACTS) == LUA_TTABLE &&
      lua_getfield(L, -1, "attempts") == LUA_TTABLE)
    return 1;
  lua_getfield(L, lua_upvalueindex(1), "own_attempts");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
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
    return push_attempts(L);
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

/* A fact of some layer; nil, or what response.lua says of a name that the field has elsewhere. */
static int push_fact(lua_State *L) {
  enum { KEY = 2 };
  lua_pushvalue(L, KEY);
  if (lua_getiuservalue(L, 1, VI_RESPONSE_FACTS) == LUA_TTABLE) {
    lua_insert(L, -2);
    if (lua_rawget(L, -2) != LUA_TNIL)
      return 1;
  }
  lua_getfield(L, lua_upvalueindex(1), "refuse_foreign");
  lua_pushvalue(L, KEY);
  lua_call(L, 1, 0);
  return 0;
}

/* Upvalue 1: methods; 2: field names to numbers. */
static int response_index(lua_State *L) {
  const vi_response_box *box = vi_check_box(L, 1, VI_TYPE_RESPONSE);
  lua_pushvalue(L, 2);
  bool known = lua_rawget(L, lua_upvalueindex(2)) == LUA_TNUMBER;
  enum field field = (enum field)lua_tointeger(L, -1); /* 0: none */
  if (known && box->stored && push_stored_field(L, box, field))
    return 1;
  if (known)
    return push_field(L, vi_check_response(L, 1), field);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  return push_fact(L);
}

void vi_set_response_index(lua_State *L) {
  lua_pushvalue(L, -2);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
    lua_pushinteger(L, FIELDS[i].field);
    lua_setfield(L, -2, FIELDS[i].name);
  }
  lua_pushcclosure(L, response_index, 2);
  lua_setfield(L, -2, "__index");
}
