#include "binding/response.h"
#include "binding/transport.h"
#include "cache/answer.h"

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
  return vi_push_box(L, sizeof(vi_response_box), VI_RESPONSE_ENDINGS, VI_TYPE_RESPONSE);
}

vi_response_box *vi_push_stored_response_box(lua_State *L) {
  return vi_push_box(L, sizeof(vi_response_box), VI_RESPONSE_FACTS, VI_TYPE_RESPONSE);
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
  static const int kept[] = {VI_RESPONSE_CONTENT, VI_RESPONSE_FACTS, VI_RESPONSE_READER,
                             VI_RESPONSE_REQUEST, VI_RESPONSE_CAUSE, VI_RESPONSE_PASSAGE,
                             VI_RESPONSE_ENDINGS};
  index = lua_absindex(L, index);
  vi_response_box *from = vi_check_response(L, index);
  if (vi_is_being_read(from))
    vi_raise(L, "somebody else is reading this response");
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
  box->held = from->held;
  box->withheld = from->withheld;
  from->held = from->withheld = false;
  from->begun = from->cut = from->streamed;
  box->position = from->position;
  box->looper = from->looper;
  box->from_cache = from->from_cache;
  box->cache = from->cache;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (lua_getiuservalue(L, index, kept[i]) > LUA_TNIL)
      lua_setiuservalue(L, -2, kept[i]);
    else
      lua_pop(L, 1);
  }
  lua_pushnil(L); /* whoever keeps the old object keeps none of the new one's endings */
  lua_setiuservalue(L, index, VI_RESPONSE_ENDINGS);
  return box;
}

/* What the response at `index` has been found to be so far, and the new facts at 3, nil for none;
 * the newer ones win. */
static void push_facts(lua_State *L, int index) {
  bool has_old = lua_getiuservalue(L, index, VI_RESPONSE_FACTS) == LUA_TTABLE;
  if (!lua_istable(L, 3))
    return;
  int old = lua_gettop(L);
  lua_newtable(L);
  if (has_old)
    copy_entries(L, old, old + 1);
  copy_entries(L, 3, old + 1);
  lua_remove(L, old);
}

/* response:annotated(from_cache, facts) -> another Response over the same core */
static int response_annotated(lua_State *L) {
  lua_settop(L, 3);
  vi_response_box *box = vi_push_response_like(L, 1);
  if (!lua_isnil(L, 2))
    box->from_cache = lua_toboolean(L, 2);
  push_facts(L, 1);
  lua_setiuservalue(L, -2, VI_RESPONSE_FACTS);
  return 1;
}

void vi_share_facts(lua_State *L, int index) {
  lua_getiuservalue(L, index, VI_RESPONSE_FACTS);
  lua_setiuservalue(L, -2, VI_RESPONSE_FACTS);
}

void vi_set_cache_key(lua_State *L, vi_text key) {
  lua_newtable(L);
  if (lua_getiuservalue(L, -2, VI_RESPONSE_FACTS) == LUA_TTABLE)
    copy_entries(L, lua_gettop(L), lua_gettop(L) - 1);
  lua_pop(L, 1);
  vi_push_text(L, key);
  lua_setfield(L, -2, "cache_key");
  lua_setiuservalue(L, -2, VI_RESPONSE_FACTS);
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

/* outcome(response) -> its status, whether its body streams, and whether layers have said anything
 * of it: at the price of one field; nil for what is no Response */
static int outcome(lua_State *L) {
  const vi_response_box *box = vi_test_box(L, 1, VI_TYPE_RESPONSE);
  if (!box || !(box->stored || box->response))
    return 0;
  bool annotated = lua_getiuservalue(L, 1, VI_RESPONSE_FACTS) == LUA_TTABLE;
  lua_pushinteger(L, box->stored ? box->stored->status : box->response->status);
  lua_pushboolean(L, box->streamed);
  lua_pushboolean(L, annotated);
  return 3;
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
  static const luaL_Reg functions[] = {
      {"response", response_new}, {"outcome", outcome}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_RESPONSE, "Response", metamethods, methods);
  lua_getfield(L, -1, "Response");
  luaL_getmetatable(L, VI_TYPE_RESPONSE);
  vi_set_response_index(L);
  lua_pop(L, 2);
  luaL_setfuncs(L, functions, 0);
}
