/* JSON text of Lua values. What Lua code may do to a table meanwhile, by its metamethods, harms
 * nothing here: whatever is looked at stands on the stack. */
#include "binding/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 500, SHORT = 512, OWN_SLOTS = 16 };

static const char ARRAY; /* its address is the key of the metatable of lists, be they empty */

/* What was written so far: in itself while that is short, then in a userdata at `anchor`. */
typedef struct writer {
  lua_State *L;
  int anchor;
  char *bytes;
  size_t length, room;
  char own[SHORT];
} writer;

static void reserve(writer *out, size_t more) {
  if (more <= out->room - out->length)
    return;
  size_t room = 2 * (out->length + more);
  char *bytes = lua_newuserdatauv(out->L, room, 0);
  memcpy(bytes, out->bytes, out->length);
  lua_replace(out->L, out->anchor);
  out->bytes = bytes;
  out->room = room;
}

static void put(writer *out, vi_text text) {
  reserve(out, text.length);
  if (text.length > 0)
    memcpy(out->bytes + out->length, text.data, text.length);
  out->length += text.length;
}

static void put_char(writer *out, char c) {
  reserve(out, 1);
  out->bytes[out->length++] = c;
}

/* Leaves what cannot be written on top of the stack. */
static bool refuse(writer *out, const char *what) {
  lua_pushstring(out->L, what);
  return false;
}

/* The letter behind a backslash that stands for the byte, 0 for none. */
static char letter_of(unsigned char c) {
  switch (c) {
  case '"':
  case '\\':
  case '/':
    return (char)c;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return 0;
  }
}

/* What stands for the byte; empty: it does so itself. */
static vi_text escape_of(unsigned char c, char room[6]) {
  static const char digits[] = "0123456789abcdef";
  char letter = letter_of(c);
  if (letter) {
    room[0] = '\\';
    room[1] = letter;
    return (vi_text){room, 2};
  }
  if (c >= ' ' && c != 0x7f)
    return (vi_text){0};
  memcpy(room, "\\u00", 4);
  room[4] = digits[c >> 4];
  room[5] = digits[c & 0xf];
  return (vi_text){room, 6};
}

static bool put_string(writer *out, vi_text text) {
  if (!vi_text_is_utf8(text))
    return refuse(out, "a string that is not UTF-8");
  put_char(out, '"');
  size_t start = 0;
  char room[6];
  for (size_t i = 0; i < text.length; i++) {
    vi_text escape = escape_of((unsigned char)text.data[i], room);
    if (escape.length == 0)
      continue;
    put(out, (vi_text){text.data + start, i - start});
    put(out, escape);
    start = i + 1;
  }
  put(out, (vi_text){text.data + start, text.length - start});
  put_char(out, '"');
  return true;
}

static bool put_number(writer *out, int index) {
  char room[VI_NUMBER_ROOM];
  if (!isfinite(lua_tonumber(out->L, index)))
    return refuse(out, "a number that is not finite");
  put(out, vi_number_text(out->L, index, room));
  return true;
}

static bool put_value(writer *out, int index, int depth);

static bool put_list(writer *out, int index, int depth) {
  lua_State *L = out->L;
  lua_Integer count = luaL_len(L, index);
  put_char(out, '[');
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1)
      put_char(out, ',');
    lua_geti(L, index, i);
    if (!put_value(out, lua_gettop(L), depth))
      return false;
    lua_pop(L, 1);
  }
  put_char(out, ']');
  return true;
}

/* Of the keys in the list on top of the stack, the first by its text that is no string. */
static bool refuse_key(writer *out) {
  lua_State *L = out->L;
  int list = lua_gettop(L);
  lua_pushnil(L);
  for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; lua_settop(L, list + 1), i++)
    if (lua_type(L, -1) != LUA_TSTRING) {
      luaL_tolstring(L, -1, NULL);
      if (lua_isnil(L, list + 1) || lua_compare(L, -1, list + 1, LUA_OPLT))
        lua_copy(L, -1, list + 1);
    }
  lua_pushfstring(L, "a table with the key %s among others: keys must be all strings or 1 to n",
                  lua_tostring(L, list + 1));
  return false;
}

static int compare(const void *left, const void *right) {
  const vi_text *a = left, *b = right;
  size_t common = a->length < b->length ? a->length : b->length;
  int order = common > 0 ? memcmp(a->data, b->data, common) : 0;
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Pushes what holds the `count` keys of the table at `keys`, and returns them in order. NULL, with
 * what cannot be written on top: one is no string. */
static const vi_text *push_names(writer *out, int keys, size_t *count) {
  lua_State *L = out->L;
  vi_text *names = lua_newuserdatauv(L, (*count + 1) * sizeof *names, 0);
  lua_createtable(L, (int)*count, 0); /* from here on no finalizer runs */
  int list = lua_gettop(L);
  size_t read = 0;
  bool all_strings = true;
  for (lua_pushnil(L); read < *count && lua_next(L, keys); read++) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, list, (lua_Integer)read + 1);
    all_strings = all_strings && lua_type(L, -1) == LUA_TSTRING;
    if (all_strings)
      names[read].data = lua_tolstring(L, -1, &names[read].length);
  }
  lua_settop(L, list);
  if (!all_strings) {
    refuse_key(out);
    return NULL;
  }
  *count = read;
  qsort(names, read, sizeof *names, compare);
  return names;
}

/* The keys are those of the table at `keys`. */
static bool put_object(writer *out, int index, int keys, size_t count, int depth) {
  lua_State *L = out->L;
  const vi_text *names = push_names(out, keys, &count);
  if (!names)
    return false;
  put_char(out, '{');
  for (size_t i = 0; i < count; i++) {
    if (i > 0)
      put_char(out, ',');
    if (!put_string(out, names[i]))
      return false;
    put_char(out, ':');
    vi_push_text(L, names[i]);
    lua_gettable(L, index);
    if (!put_value(out, lua_gettop(L), depth))
      return false;
    lua_pop(L, 1);
  }
  put_char(out, '}');
  return true;
}

static bool is_marked(lua_State *L, int index) {
  if (!lua_getmetatable(L, index))
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ARRAY);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return marked;
}

/* The index of a table with the keys of the one at `index`, which may have pairs of its own. */
static int push_keys(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__pairs") == LUA_TNIL)
    return index;
  lua_newtable(L);
  lua_insert(L, -2);
  int keys = lua_gettop(L) - 1;
  lua_pushvalue(L, index);
  lua_call(L, 1, 3); /* the function, what it goes through, and where it is */
  for (;;) {
    lua_pushvalue(L, keys + 1);
    lua_pushvalue(L, keys + 2);
    lua_pushvalue(L, keys + 3);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1))
      break;
    lua_copy(L, -1, keys + 3);
    lua_pushboolean(L, 1);
    lua_rawset(L, keys);
  }
  lua_settop(L, keys);
  return keys;
}

static size_t count_keys(lua_State *L, int keys) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, keys); lua_pop(L, 1))
    count++;
  return count;
}

static bool put_table(writer *out, int index, int depth) {
  lua_State *L = out->L;
  if (depth > DEEPEST)
    return refuse(out, "tables nested more than 500 deep, or in a circle");
  luaL_checkstack(L, OWN_SLOTS, NULL);
  if (is_marked(L, index))
    return put_list(out, index, depth + 1);
  int keys = push_keys(L, index);
  size_t count = count_keys(L, keys);
  if (count > 0 && luaL_len(L, index) == (lua_Integer)count)
    return put_list(out, index, depth + 1);
  return put_object(out, index, keys, count, depth + 1);
}

/* False, with what cannot be written on top of the stack: there is such a thing in it. */
static bool put_value(writer *out, int index, int depth) {
  lua_State *L = out->L;
  vi_text text = {0};
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    put(out, VI_TEXT("null"));
    return true;
  case LUA_TBOOLEAN:
    put(out, lua_toboolean(L, index) ? VI_TEXT("true") : VI_TEXT("false"));
    return true;
  case LUA_TNUMBER:
    return put_number(out, index);
  case LUA_TSTRING:
    text.data = lua_tolstring(L, index, &text.length);
    return put_string(out, text);
  case LUA_TTABLE: {
    bool done = put_table(out, index, depth);
    if (done)
      lua_settop(L, index);
    return done;
  }
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(L, index)) {
      put(out, VI_TEXT("null"));
      return true;
    } /* fall through */
  default:
    lua_pushfstring(L, "a %s", luaL_typename(L, index));
    return false;
  }
}

bool vi_push_json(lua_State *L, int index) {
  writer out = {.L = L, .bytes = out.own, .room = sizeof out.own};
  lua_pushvalue(L, index);
  int value = lua_gettop(L);
  lua_pushnil(L);
  out.anchor = value + 1;
  bool written = put_value(&out, value, 1);
  if (written)
    lua_pushlstring(L, out.bytes, out.length);
  lua_replace(L, value);
  lua_settop(L, value);
  return written;
}

/* json(value) -> its text, keys in order; or nil and what there is no JSON for */
static int json(lua_State *L) {
  lua_settop(L, 1);
  if (vi_push_json(L, 1))
    return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

void vi_open_json(lua_State *L) {
  lua_pushcfunction(L, json);
  lua_setfield(L, -2, "json");
  lua_pushlightuserdata(L, NULL); /* as lua-cjson has it */
  lua_setfield(L, -2, "json_null");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ARRAY);
  lua_setfield(L, -2, "json_array");
}
