/* Copies of a Request with other header fields and times, as layers make them for each request: all
 * else has been checked and is shared, where request.lua reads every option anew. */
#include "binding/objects.h"

#include <string.h>

enum { MOST = 16 }; /* who changes more fields at once is in no hurry */

/* The arguments of request_changed, and the names of secret fields that it finds among them. */
enum { REQUEST = 1, CHANGES, SECRETS };

typedef struct changes {
  vi_text names[MOST], values[MOST]; /* held by the tables that they come from */
  size_t count;
  double timeout, deadline; /* < 0: as it was */
} changes;

static bool is_plain_table(lua_State *L, int index) {
  if (!lua_istable(L, index))
    return false;
  bool plain = !lua_getmetatable(L, index);
  if (!plain)
    lua_pop(L, 1);
  return plain;
}

static bool read_text(lua_State *L, int index, vi_text *text) {
  if (lua_type(L, index) != LUA_TSTRING)
    return false;
  text->data = lua_tolstring(L, index, &text->length);
  return true;
}

/* The name and the value on top of the stack, at the place `at`. Content-Type may be the body's. */
static bool read_field(lua_State *L, changes *changes, size_t at) {
  vi_text *name = &changes->names[at], *value = &changes->values[at];
  return read_text(L, -2, name) && read_text(L, -1, value) && !vi_headers_check(*name, *value) &&
         !vi_headers_check_framing(*name) && !vi_text_equal_nocase(*name, VI_TEXT("Content-Type"));
}

/* { { name, value }, ... } at `index`, in its order. */
static bool read_pairs(lua_State *L, int index, changes *changes) {
  int top = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  bool ok = count <= MOST;
  for (lua_Integer i = 1; ok && i <= count; i++) {
    lua_rawgeti(L, index, i);
    ok = is_plain_table(L, -1) && lua_rawlen(L, -1) == 2;
    if (ok) {
      lua_rawgeti(L, -1, 1);
      lua_rawgeti(L, -2, 2);
      ok = read_field(L, changes, changes->count++);
    }
    lua_settop(L, top);
  }
  return ok;
}

/* Makes room for a name among those that are there, in the order of request.lua. */
static size_t make_place(changes *changes, const char *name) {
  size_t at = changes->count++;
  for (; at > 0 && strcmp(name, changes->names[at - 1].data) < 0; at--) {
    changes->names[at] = changes->names[at - 1];
    changes->values[at] = changes->values[at - 1];
  }
  return at;
}

/* { name = value, ... } at `index`, sorted by name. */
static bool read_map(lua_State *L, int index, changes *changes) {
  bool ok = true;
  for (lua_pushnil(L); ok && lua_next(L, index); lua_pop(L, 1)) {
    ok = lua_type(L, -2) == LUA_TSTRING && changes->count < MOST;
    ok = ok && read_field(L, changes, make_place(changes, lua_tostring(L, -2)));
  }
  return ok;
}

static bool read_headers(lua_State *L, int index, changes *changes) {
  if (!is_plain_table(L, index))
    return false;
  return lua_rawlen(L, index) > 0 ? read_pairs(L, index, changes) : read_map(L, index, changes);
}

static bool is_list_of_strings(lua_State *L, int index) {
  if (!is_plain_table(L, index))
    return false;
  size_t strings = 0;
  bool ok = true;
  for (lua_pushnil(L); ok && lua_next(L, index); lua_pop(L, 1), strings++)
    ok = lua_type(L, -1) == LUA_TSTRING;
  return ok && strings == lua_rawlen(L, index);
}

static bool read_seconds(lua_State *L, int index, double *seconds) {
  if (lua_type(L, index) != LUA_TNUMBER)
    return false;
  *seconds = lua_tonumber(L, index);
  return *seconds >= 0;
}

/* The option whose name and value are on top of the stack. */
static bool read_change(lua_State *L, changes *changes) {
  int value = lua_gettop(L);
  const char *name = lua_type(L, value - 1) == LUA_TSTRING ? lua_tostring(L, value - 1) : "";
  if (strcmp(name, "headers") == 0)
    return read_headers(L, value, changes);
  if (strcmp(name, "timeout") == 0)
    return read_seconds(L, value, &changes->timeout) && changes->timeout < 1e9;
  if (strcmp(name, "deadline") == 0)
    return read_seconds(L, value, &changes->deadline);
  if (strcmp(name, "secret_headers") != 0 || !is_list_of_strings(L, value))
    return false;
  lua_copy(L, value, SECRETS);
  return true;
}

static bool read_changes(lua_State *L, changes *changes) {
  bool ok = is_plain_table(L, CHANGES);
  if (ok)
    for (lua_pushnil(L); ok && lua_next(L, CHANGES); lua_pop(L, 1))
      ok = read_change(L, changes);
  return ok;
}

static bool is_changed(const changes *changes, vi_text name) {
  for (size_t i = 0; i < changes->count; i++)
    if (vi_text_equal_nocase(changes->names[i], name))
      return true;
  return false;
}

/* Adds what is left of the fields `from` to `to`, and the changed ones behind them. The type of the
 * body, where it follows from that, is the last. */
static bool add_fields(vi_headers *to, const vi_headers *from, const changes *changes, bool typed) {
  const vi_text type_name = VI_TEXT("Content-Type");
  bool ok = true;
  for (size_t i = 0; ok && i < from->count; i++) {
    vi_text name = vi_headers_name(from, i);
    if (!is_changed(changes, name) && !(typed && vi_text_equal_nocase(name, type_name)))
      ok = vi_headers_add(to, name, vi_headers_value(from, i)) == VI_HEADERS_OK;
  }
  for (size_t i = 0; ok && i < changes->count; i++)
    ok = vi_headers_add(to, changes->names[i], changes->values[i]) == VI_HEADERS_OK;
  vi_text type;
  if (ok && typed && vi_headers_get(from, type_name, &type))
    ok = vi_headers_add(to, type_name, type) == VI_HEADERS_OK;
  return ok;
}

/* NULL: too many fields, or out of memory. */
static vi_request *make_view(vi_request *request, const changes *changes, bool typed) {
  if (changes->count == 0)
    return vi_request_view(request);
  const vi_headers *headers = &request->headers;
  size_t bytes = vi_headers_length(headers);
  for (size_t i = 0; i < changes->count; i++)
    bytes += changes->names[i].length + changes->values[i].length;
  vi_request *view = vi_request_view_for(request, headers->count + changes->count, bytes);
  if (!view || add_fields(&view->headers, headers, changes, typed))
    return view;
  vi_request_release(view);
  return NULL;
}

/* Whether the type of the body follows from that. */
static bool is_typed(lua_State *L) {
  bool typed = false;
  if (lua_getiuservalue(L, REQUEST, VI_REQUEST_GIVEN) != LUA_TNIL) {
    lua_getfield(L, -1, "typed");
    typed = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return typed;
}

/* Adds the pairs of the table at `index` to the one on top of the stack. */
static void copy_pairs(lua_State *L, int index) {
  int to = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
  }
}

/* Has the copy on top of the stack remember what the request does, but for its secret fields. */
static void remember_secrets(lua_State *L) {
  int copy = lua_gettop(L);
  lua_getiuservalue(L, REQUEST, VI_REQUEST_GIVEN);
  lua_createtable(L, 0, 2);
  if (!lua_isnil(L, copy + 1))
    copy_pairs(L, copy + 1);
  lua_createtable(L, (int)lua_rawlen(L, SECRETS), 0);
  copy_pairs(L, SECRETS);
  lua_setfield(L, -2, "secret_headers");
  lua_setiuservalue(L, copy, VI_REQUEST_GIVEN);
  lua_settop(L, copy);
}

/* request_changed(request, changes) -> Request; nil where that takes more than this file does, or
 * something is wrong: request.lua knows what */
static int request_changed(lua_State *L) {
  vi_request *request = vi_check_request(L, REQUEST);
  changes changes = {.timeout = -1, .deadline = -1};
  lua_settop(L, CHANGES);
  lua_pushnil(L);
  if (request->streams_body || request->omitted.count > 0 || !read_changes(L, &changes))
    return 0;
  bool typed = is_typed(L);
  vi_request **box = vi_push_request_like(L, REQUEST);
  vi_request *view = *box = make_view(request, &changes, typed);
  if (!view)
    return 0;
  if (changes.timeout >= 0)
    view->timeout = changes.timeout;
  if (changes.deadline >= 0)
    view->deadline = changes.deadline;
  view->reports_head = false; /* that is for the request that it was asked for */
  if (!lua_isnil(L, SECRETS))
    remember_secrets(L);
  return 1;
}

void vi_open_request_changes(lua_State *L) {
  lua_pushcfunction(L, request_changed);
  lua_setfield(L, -2, "request_changed");
}
