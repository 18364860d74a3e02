/* Copies of a Request with other header fields and times, as layers make them for each request: all
 * else has been checked and is shared, where request.lua reads every option anew. */
#include "binding/objects.h"

#include <string.h>

/* The arguments of what changes a request, and what the copy is to remember beside what the request
 * does: a table of that, or the caller's list of the names of secret fields. */
enum { REQUEST = 1, CHANGES, REMEMBERED };

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

/* Pushes a table that remembers the list of names at `index`. */
static void push_secrets(lua_State *L, int index) {
  lua_createtable(L, 0, 1);
  vi_push_copy(L, index);
  lua_setfield(L, -2, "secret_headers");
}

/* The option whose name and value are on top of the stack. */
static bool read_change(lua_State *L, request_changes *changes) {
  int value = lua_gettop(L);
  vi_text name = {0};
  vi_read_plain_text(L, value - 1, &name);
  if (vi_text_equal(name, VI_TEXT("headers")))
    return vi_read_plain_fields(L, value, &changes->fields);
  if (vi_text_equal(name, VI_TEXT("timeout")))
    return vi_read_plain_seconds(L, value, &changes->timeout);
  if (vi_text_equal(name, VI_TEXT("deadline")))
    return vi_read_plain_seconds(L, value, &changes->deadline);
  if (!vi_text_equal(name, VI_TEXT("secret_headers")) || !is_list_of_strings(L, value))
    return false;
  lua_copy(L, value, REMEMBERED); /* nothing is allocated while fields are the caller's */
  return true;
}

static bool read_changes(lua_State *L, request_changes *changes) {
  bool ok = vi_is_plain_table(L, CHANGES);
  if (ok)
    for (lua_pushnil(L); ok && lua_next(L, CHANGES); lua_pop(L, 1))
      ok = read_change(L, changes);
  return ok && !is_changed(&changes->fields, VI_CONTENT_TYPE); /* which may be the body's */
}

/* Adds what is left of the fields `from` to `to`, and the changed ones behind them. The type of the
 * body, where it follows from that, is the last. */
static bool add_fields(vi_headers *to, const vi_headers *from, const vi_plain_fields *changed,
                       bool typed) {
  bool ok = true;
  for (size_t i = 0; ok && i < from->count; i++) {
    vi_text name = vi_headers_name(from, i);
    if (!is_changed(changed, name) && !(typed && vi_text_equal_nocase(name, VI_CONTENT_TYPE)))
      ok = vi_headers_add(to, name, vi_headers_value(from, i)) == VI_HEADERS_OK;
  }
  vi_text type;
  ok = ok && vi_add_plain_fields(to, changed);
  if (ok && typed && vi_headers_get(from, VI_CONTENT_TYPE, &type))
    ok = vi_headers_add(to, VI_CONTENT_TYPE, type) == VI_HEADERS_OK;
  return ok;
}

/* Pushes a view of the request with these fields changed. NULL: they are too many. */
static vi_request *push_view(lua_State *L, const vi_plain_fields *changed, bool typed) {
  if (changed->count == 0)
    return vi_push_request_view(L, REQUEST);
  const vi_headers *headers = &vi_check_request(L, REQUEST)->headers;
  size_t bytes = vi_headers_length(headers) + vi_plain_fields_length(changed);
  vi_request *view = vi_push_request_view_for(L, REQUEST, headers->count + changed->count, bytes);
  return add_fields(&view->headers, headers, changed, typed) ? view : NULL;
}

/* Whether the request remembers something of that name. */
static bool is_given(lua_State *L, const char *name) {
  bool given = false;
  if (lua_getiuservalue(L, REQUEST, VI_REQUEST_GIVEN) != LUA_TNIL) {
    lua_getfield(L, -1, name);
    given = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return given;
}

/* Has the copy on top of the stack remember that, beside what the request does. */
static void remember(lua_State *L) {
  int copy = lua_gettop(L), given = copy + 1;
  if (lua_getiuservalue(L, REQUEST, VI_REQUEST_GIVEN) == LUA_TNIL) {
    lua_pushvalue(L, REMEMBERED);
  } else {
    lua_newtable(L);
    vi_add_pairs(L, given);
    vi_add_pairs(L, REMEMBERED);
  }
  lua_setiuservalue(L, copy, VI_REQUEST_GIVEN);
  lua_settop(L, copy);
}

/* Pushes the changed request; NULL where that takes more than this file does. */
static vi_request *push_changed(lua_State *L, const vi_plain_fields *fields) {
  const vi_request *request = vi_check_request(L, REQUEST);
  if (request->streams_body || request->omitted.count > 0)
    return NULL;
  vi_request *view = push_view(L, fields, is_given(L, "typed")); /* the type is the body's */
  if (!view)
    return NULL;
  view->reports_head = false; /* that is for the request that it was asked for */
  return view;
}

/* request_changed(request, changes) -> Request; nil where that takes more than this file does, or
 * something is wrong: request.lua knows what */
static int request_changed(lua_State *L) {
  vi_check_request(L, REQUEST);
  request_changes changes;
  changes.fields.count = 0;
  changes.timeout = changes.deadline = -1;
  lua_settop(L, CHANGES);
  lua_pushnil(L);
  vi_request *view = read_changes(L, &changes) ? push_changed(L, &changes.fields) : NULL;
  if (!view)
    return 0;
  if (changes.timeout >= 0)
    view->timeout = changes.timeout;
  if (changes.deadline >= 0)
    view->deadline = changes.deadline;
  if (!lua_isnil(L, REMEMBERED)) {
    push_secrets(L, REMEMBERED);
    lua_replace(L, REMEMBERED);
    remember(L);
  }
  return 1;
}

/* Fields for many requests, whose texts stand behind them. The user value is what the requests
 * remember, or nil. */
static const char FIELDS[] = "viesti.Fields";

/* prepare_fields(headers, secrets) -> what request_with_fields takes, in which these are the names
 * of secret fields, or nil; nil where request:with has to read them */
static int prepare_fields(lua_State *L) {
  enum { HEADERS = 1, SECRETS };
  vi_plain_fields given = {.count = 0};
  lua_settop(L, SECRETS);
  bool has_secrets = !lua_isnil(L, SECRETS);
  if (!vi_read_plain_fields(L, HEADERS, &given) || is_changed(&given, VI_CONTENT_TYPE) ||
      (has_secrets && !is_list_of_strings(L, SECRETS)))
    return 0;
  vi_plain_fields *fields =
      vi_push_bare_box(L, sizeof *fields + vi_plain_fields_length(&given), 1, FIELDS);
  vi_copy_plain_fields(fields, &given, (char *)(fields + 1));
  if (has_secrets) {
    push_secrets(L, SECRETS);
    lua_setiuservalue(L, -2, 1);
  }
  return 1;
}

/* request_with_fields(request, prepared) -> Request; nil where that takes more, or the request has
 * secrets of its own */
static int request_with_fields(lua_State *L) {
  const vi_plain_fields *fields = vi_check_box(L, CHANGES, FIELDS);
  vi_check_request(L, REQUEST);
  lua_settop(L, CHANGES);
  lua_getiuservalue(L, CHANGES, 1);
  if (!lua_isnil(L, REMEMBERED) && is_given(L, "secret_headers"))
    return 0;
  if (!push_changed(L, fields))
    return 0;
  if (!lua_isnil(L, REMEMBERED))
    remember(L);
  return 1;
}

void vi_open_request_changes(lua_State *L) {
  static const luaL_Reg functions[] = {{"request_changed", request_changed},
                                       {"prepare_fields", prepare_fields},
                                       {"request_with_fields", request_with_fields},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
