/* Copies of a Request with other header fields and times, as layers make them for each request: all
 * else has been checked and is shared, where request.lua reads every option anew. */
#include "binding/objects.h"

#include <string.h>

static const vi_text CONTENT_TYPE = {"Content-Type", sizeof "Content-Type" - 1};

/* The arguments of request_changed, and the names of secret fields that it finds among them. */
enum { REQUEST = 1, CHANGES, SECRETS };

typedef struct request_changes {
  vi_plain_fields fields;
  double timeout, deadline; /* < 0: as it was */
} request_changes;

static bool is_list_of_strings(lua_State *L, int index) {
  if (!vi_is_plain_table(L, index))
    return false;
  size_t strings = 0;
  bool ok = true;
  for (lua_pushnil(L); ok && lua_next(L, index); lua_pop(L, 1), strings++)
    ok = lua_type(L, -1) == LUA_TSTRING;
  return ok && strings == lua_rawlen(L, index);
}

static bool is_changed(const vi_plain_fields *fields, vi_text name) {
  for (size_t i = 0; i < fields->count; i++)
    if (vi_text_equal_nocase(fields->names[i], name))
      return true;
  return false;
}

/* The option whose name and value are on top of the stack. */
static bool read_change(lua_State *L, request_changes *changes) {
  int value = lua_gettop(L);
  const char *name = lua_type(L, value - 1) == LUA_TSTRING ? lua_tostring(L, value - 1) : "";
  if (strcmp(name, "headers") == 0)
    return vi_read_plain_fields(L, value, &changes->fields);
  if (strcmp(name, "timeout") == 0)
    return vi_read_plain_seconds(L, value, &changes->timeout);
  if (strcmp(name, "deadline") == 0)
    return vi_read_plain_seconds(L, value, &changes->deadline);
  if (strcmp(name, "secret_headers") != 0 || !is_list_of_strings(L, value))
    return false;
  lua_copy(L, value, SECRETS);
  return true;
}

static bool read_changes(lua_State *L, request_changes *changes) {
  bool ok = vi_is_plain_table(L, CHANGES);
  if (ok)
    for (lua_pushnil(L); ok && lua_next(L, CHANGES); lua_pop(L, 1))
      ok = read_change(L, changes);
  return ok && !is_changed(&changes->fields, CONTENT_TYPE); /* which may be the body's */
}

/* Adds what is left of the fields `from` to `to`, and the changed ones behind them. The type of the
 * body, where it follows from that, is the last. */
static bool add_fields(vi_headers *to, const vi_headers *from, const vi_plain_fields *changed,
                       bool typed) {
  bool ok = true;
  for (size_t i = 0; ok && i < from->count; i++) {
    vi_text name = vi_headers_name(from, i);
    if (!is_changed(changed, name) && !(typed && vi_text_equal_nocase(name, CONTENT_TYPE)))
      ok = vi_headers_add(to, name, vi_headers_value(from, i)) == VI_HEADERS_OK;
  }
  vi_text type;
  ok = ok && vi_add_plain_fields(to, changed);
  if (ok && typed && vi_headers_get(from, CONTENT_TYPE, &type))
    ok = vi_headers_add(to, CONTENT_TYPE, type) == VI_HEADERS_OK;
  return ok;
}

/* Pushes a view of the request with these fields changed. NULL: they are too many. */
static vi_request *push_view(lua_State *L, const vi_plain_fields *changed, bool typed) {
  const vi_headers *headers = &vi_check_request(L, REQUEST)->headers;
  if (changed->count == 0)
    return vi_push_request_view(L, REQUEST);
  size_t bytes = vi_headers_length(headers);
  for (size_t i = 0; i < changed->count; i++)
    bytes += changed->names[i].length + changed->values[i].length;
  vi_request *view = vi_push_request_view_for(L, REQUEST, headers->count + changed->count, bytes);
  return add_fields(&view->headers, headers, changed, typed) ? view : NULL;
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
  request_changes changes;
  changes.fields.count = 0;
  changes.timeout = changes.deadline = -1;
  lua_settop(L, CHANGES);
  lua_pushnil(L);
  if (request->streams_body || request->omitted.count > 0 || !read_changes(L, &changes))
    return 0;
  bool typed = is_typed(L);
  vi_request *view = push_view(L, &changes.fields, typed);
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
