/* JSON text of Lua values. What Lua code may do to a table meanwhile, by its metamethods, harms
 * nothing here: whatever is looked at stands on the stack. */
#include "binding/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 500, SHORT = 512, OWN_SLOTS = 24 };

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

/* The first by its text of the keys in the table at `keys` that are no strings. */
static bool refuse_key(writer *out, int keys) {
  lua_State *L = out->L;
  lua_pushnil(L);
  int first = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, keys); lua_settop(L, first + 1)) {
    if (lua_type(L, first + 1) == LUA_TSTRING)
      continue;
    luaL_tolstring(L, first + 1, NULL);
    if (lua_isnil(L, first) || lua_compare(L, -1, first, LUA_OPLT))
      lua_copy(L, -1, first);
  }
  lua_pushfstring(L, "a table with the key %s among others: keys must be all strings or 1 to n",
                  lua_tostring(L, first));
  return false;
}

/* The names of an object. Few of them are held by the stack, behind the slot `holder`; many by a
 * list there. */
enum { FEW = 10 };
typedef struct name {
  vi_text text;
  int at; /* in the list, or behind the slot */
} name;

typedef struct name_list {
  name few[FEW], *all;
  int count, holder;
  bool are_few;
} name_list;

static int compare(const void *left, const void *right) {
  return vi_text_compare(((const name *)left)->text, ((const name *)right)->text);
}

/* The `count` keys of the table at `keys`. False: one is no string. */
static bool read_names(lua_State *L, int keys, int count, name_list *names) {
  names->are_few = count <= FEW;
  names->all = names->few;
  if (!names->are_few) {
    names->all = lua_newuserdatauv(L, (size_t)count * sizeof *names->all, 0);
    lua_createtable(L, count, 0);
  }
  names->holder = lua_gettop(L); /* from here on no finalizer runs */
  names->count = 0;
  for (lua_pushnil(L); names->count < count && lua_next(L, keys);) {
    name *next = &names->all[names->count++];
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      return false;
    next->text.data = lua_tolstring(L, -1, &next->text.length);
    next->at = names->count;
    lua_pushvalue(L, -1); /* which the next turn takes away */
    if (!names->are_few)
      lua_rawseti(L, names->holder, names->count);
  }
  lua_settop(L, names->holder + (names->are_few ? names->count : 0));
  qsort(names->all, (size_t)names->count, sizeof *names->all, compare);
  return true;
}

/* The keys are those of the table at `keys`. */
static bool put_object(writer *out, int index, int keys, int count, int depth) {
  lua_State *L = out->L;
  name_list names;
  if (!read_names(L, keys, count, &names))
    return refuse_key(out, keys);
  put_char(out, '{');
  for (int i = 0; i < names.count; i++) {
    if (i > 0)
      put_char(out, ',');
    if (!put_string(out, names.all[i].text))
      return false;
    put_char(out, ':');
    if (names.are_few)
      lua_pushvalue(L, names.holder + names.all[i].at);
    else
      lua_rawgeti(L, names.holder, names.all[i].at);
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

static bool put_table(writer *out, int index, int depth) {
  lua_State *L = out->L;
  if (depth > DEEPEST)
    return refuse(out, "tables nested more than 500 deep, or in a circle");
  vi_make_slots(L, OWN_SLOTS);
  if (is_marked(L, index))
    return put_list(out, index, depth + 1);
  int keys = push_keys(L, index);
  int count = vi_count_pairs(L, keys);
  if (count > 0 && luaL_len(L, index) == count)
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
