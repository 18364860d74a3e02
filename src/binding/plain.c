/* Options of requests that are no more than texts, numbers and tables of those, read where
 * request.lua would take many times as long. What is said in another way is left to that, and what
 * is wrong. */
#include "binding/objects.h"
#include "message/url.h"

#include <string.h>

bool vi_is_plain_table(lua_State *L, int index) {
  if (!lua_istable(L, index))
    return false;
  bool plain = !lua_getmetatable(L, index);
  if (!plain)
    lua_pop(L, 1);
  return plain;
}

bool vi_read_plain_text(lua_State *L, int index, vi_text *text) {
  if (lua_type(L, index) != LUA_TSTRING)
    return false;
  text->data = lua_tolstring(L, index, &text->length);
  return true;
}

/* The value on top of the stack as it is sent. */
static bool read_value(lua_State *L, vi_plain_fields *fields, vi_text *value, bool of_form) {
  switch (lua_type(L, -1)) {
  case LUA_TSTRING:
    return vi_read_plain_text(L, -1, value);
  case LUA_TNUMBER:
    *value = vi_number_text(L, -1, fields->numbers[fields->count - 1]);
    return true;
  case LUA_TBOOLEAN:
    *value = lua_toboolean(L, -1) ? VI_TEXT("true") : VI_TEXT("false");
    return of_form;
  default:
    return false;
  }
}

/* The name and the value on top of the stack, at the place `at` of those that are counted. */
static bool read_field(lua_State *L, vi_plain_fields *fields, size_t at, bool of_form) {
  vi_text *name = &fields->names[at], *value = &fields->values[at];
  return vi_read_plain_text(L, -2, name) && read_value(L, fields, value, of_form) &&
         (of_form || (!vi_headers_check(*name, *value) && !vi_headers_check_framing(*name)));
}

/* { { name, value }, ... } at `index`, in its order. */
static bool read_pairs(lua_State *L, int index, vi_plain_fields *fields, bool of_form) {
  int top = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  bool ok = count <= VI_PLAIN_FIELDS;
  for (lua_Integer i = 1; ok && i <= count; i++) {
    lua_rawgeti(L, index, i);
    ok = vi_is_plain_table(L, -1) && lua_rawlen(L, -1) == 2;
    if (ok) {
      lua_rawgeti(L, -1, 1);
      lua_rawgeti(L, -2, 2);
      size_t at = fields->count++;
      ok = read_field(L, fields, at, of_form);
    }
    lua_settop(L, top);
  }
  return ok;
}

/* Makes room for a name among those that are there, in the order of request.lua. */
static size_t make_place(vi_plain_fields *fields, vi_text name) {
  size_t at = fields->count++;
  for (; at > 0 && vi_text_compare(name, fields->names[at - 1]) < 0; at--) {
    fields->names[at] = fields->names[at - 1];
    fields->values[at] = fields->values[at - 1];
  }
  return at;
}

/* { name = value, ... } at `index`, sorted by name. */
static bool read_map(lua_State *L, int index, vi_plain_fields *fields, bool of_form) {
  bool ok = true;
  vi_text name;
  for (lua_pushnil(L); ok && lua_next(L, index); lua_pop(L, 1)) {
    ok = fields->count < VI_PLAIN_FIELDS && vi_read_plain_text(L, -2, &name);
    ok = ok && read_field(L, fields, make_place(fields, name), of_form);
  }
  return ok;
}

static bool read_plain(lua_State *L, int index, vi_plain_fields *fields, bool of_form) {
  if (!vi_is_plain_table(L, index))
    return false;
  return lua_rawlen(L, index) > 0 ? read_pairs(L, index, fields, of_form)
                                  : read_map(L, index, fields, of_form);
}

bool vi_read_plain_fields(lua_State *L, int index, vi_plain_fields *fields) {
  return read_plain(L, index, fields, false);
}

bool vi_read_plain_form(lua_State *L, int index, vi_plain_fields *fields) {
  return read_plain(L, index, fields, true);
}

size_t vi_plain_fields_length(const vi_plain_fields *fields) {
  size_t length = 0;
  for (size_t i = 0; i < fields->count; i++)
    length += fields->names[i].length + fields->values[i].length;
  return length;
}

static vi_text copy_text(vi_text text, char **room) {
  vi_text copy = {*room, text.length};
  memcpy(*room, text.data, text.length);
  *room += text.length;
  return copy;
}

void vi_copy_plain_fields(vi_plain_fields *to, const vi_plain_fields *from, char *room) {
  to->count = from->count;
  for (size_t i = 0; i < from->count; i++) {
    to->names[i] = copy_text(from->names[i], &room);
    to->values[i] = copy_text(from->values[i], &room);
  }
}

bool vi_add_plain_fields(vi_headers *headers, const vi_plain_fields *fields) {
  bool ok = true;
  for (size_t i = 0; ok && i < fields->count; i++)
    ok = vi_headers_add(headers, fields->names[i], fields->values[i]) == VI_HEADERS_OK;
  return ok;
}

bool vi_write_plain_form(vi_buffer *out, const vi_plain_fields *fields) {
  size_t room = 0;
  for (size_t i = 0; i < fields->count; i++)
    room += vi_url_pair_room(fields->names[i], fields->values[i]);
  if (!vi_buffer_reserve(out, room))
    return false;
  for (size_t i = 0; i < fields->count; i++)
    out->length = vi_url_encode_pair(fields->names[i], fields->values[i], out->data, out->length);
  return true;
}

bool vi_read_plain_seconds(lua_State *L, int index, double *seconds) {
  if (lua_type(L, index) != LUA_TNUMBER)
    return false;
  *seconds = lua_tonumber(L, index);
  return *seconds >= 0 && *seconds < 1e9;
}
