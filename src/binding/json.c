/* JSON text of Lua values. What Lua code may do to a table meanwhile, by its metamethods, harms
 * nothing here: whatever is looked at stands on the stack or in a table there. Tables within tables
 * take no more of C's own stack, however deep. */
#include "binding/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 500, OWN_BYTES = 512, OWN_NAMES = 16, OWN_LEVELS = 8, OWN_SLOTS = 12 };

static const char ARRAY; /* its address is the key of the metatable of lists, be they empty */

/* What the stack holds, from `base` on: what a writer has grown into, and the names of the objects
 * that are open. */
enum { BYTES, NAMES, LEVELS, HOLDER, SLOTS };

typedef struct name {
  vi_text text;
  int at; /* in the table at HOLDER */
} name;

/* A table that is open. */
typedef struct level {
  int index; /* on the stack; what stands above it goes with it */
  bool is_list;
  lua_Integer count, next;
  int first; /* of an object: of its names */
} level;

typedef struct writer {
  lua_State *L;
  int base;
  char *bytes;
  size_t length, room;
  name *names;
  int name_count, name_room;
  level *levels;
  int depth, level_room;
  char own_bytes[OWN_BYTES];
  name own_names[OWN_NAMES];
  level own_levels[OWN_LEVELS];
} writer;

/* A copy of the `used` bytes in a block of `size`, which the stack holds at that slot. */
static void *grow(writer *out, int slot, const void *from, size_t used, size_t size) {
  void *block = lua_newuserdatauv(out->L, size, 0);
  memcpy(block, from, used);
  lua_replace(out->L, out->base + slot);
  return block;
}

static void reserve(writer *out, size_t more) {
  if (more <= out->room - out->length)
    return;
  out->room = 2 * (out->length + more);
  out->bytes = grow(out, BYTES, out->bytes, out->length, out->room);
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

/* The letter behind a backslash that stands for the byte, 0 for none (RFC 8259 7). */
static char letter_of(unsigned char c) {
  switch (c) {
  case '"':
  case '\\':
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
  if (c >= ' ')
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

static int compare(const void *left, const void *right) {
  return vi_text_compare(((const name *)left)->text, ((const name *)right)->text);
}

static void make_names(writer *out, int more) {
  int wanted = out->name_count + more;
  if (wanted <= out->name_room)
    return;
  out->name_room = 2 * wanted;
  out->names = grow(out, NAMES, out->names, (size_t)out->name_count * sizeof *out->names,
                    (size_t)out->name_room * sizeof *out->names);
}

/* Adds the keys of the table at `keys`, of which there are `count`, in order. False: one is no
 * string. */
static bool read_names(writer *out, int keys, int count) {
  lua_State *L = out->L;
  int first = out->name_count, holder = out->base + HOLDER;
  make_names(out, count);
  if (lua_isnil(L, holder)) {
    lua_createtable(L, count, 0);
    lua_replace(L, holder);
  }
  for (lua_pushnil(L); out->name_count < first + count && lua_next(L, keys);) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      return false;
    name *next = &out->names[out->name_count++];
    next->text.data = lua_tolstring(L, -1, &next->text.length);
    next->at = out->name_count;
    lua_pushvalue(L, -1);
    lua_rawseti(L, holder, next->at);
  }
  qsort(out->names + first, (size_t)(out->name_count - first), sizeof *out->names, compare);
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

/* Whether the table, of `count` pairs, is a list by its length. */
static bool is_list(lua_State *L, int index, int count) {
  if (!luaL_getmetafield(L, index, "__len"))
    return count > 0 && lua_rawlen(L, index) == (lua_Unsigned)count;
  int is_whole;
  lua_len(L, index);
  lua_Integer length = lua_tointegerx(L, -1, &is_whole);
  lua_pop(L, 2);
  return count > 0 && is_whole && length == count;
}

/* Opens the table at `index`, which is the top. */
static bool open_table(writer *out, int index) {
  lua_State *L = out->L;
  if (out->depth == DEEPEST) {
    lua_pushfstring(L, "tables nested more than %d deep, or in a circle", DEEPEST);
    return false;
  }
  vi_make_slots(L, OWN_SLOTS);
  if (out->depth == out->level_room) {
    out->level_room *= 2;
    out->levels = grow(out, LEVELS, out->levels, (size_t)out->depth * sizeof *out->levels,
                       (size_t)out->level_room * sizeof *out->levels);
  }
  level opened = {.index = index, .is_list = is_marked(L, index), .first = out->name_count};
  if (opened.is_list) {
    opened.count = (lua_Integer)lua_rawlen(L, index);
  } else {
    int keys = push_keys(L, index), count = vi_count_pairs(L, keys);
    opened.is_list = is_list(L, index, count);
    if (!opened.is_list && !read_names(out, keys, count))
      return refuse_key(out, keys);
    opened.count = opened.is_list ? count : out->name_count - opened.first;
  }
  lua_settop(L, index);
  out->levels[out->depth++] = opened;
  put_char(out, opened.is_list ? '[' : '{');
  return true;
}

/* Writes the value on top of the stack, which goes; or, of a table, what it begins with. False,
 * with what cannot be written on top: there is such a thing. */
static bool put_value(writer *out) {
  lua_State *L = out->L;
  int index = lua_gettop(L), type = lua_type(L, index);
  vi_text text = {0};
  if (type == LUA_TTABLE)
    return open_table(out, index);
  bool written = true;
  if (type == LUA_TNIL || (type == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index))) {
    put(out, VI_TEXT("null"));
  } else if (type == LUA_TBOOLEAN) {
    put(out, lua_toboolean(L, index) ? VI_TEXT("true") : VI_TEXT("false"));
  } else if (type == LUA_TNUMBER) {
    written = put_number(out, index);
  } else if (type == LUA_TSTRING) {
    text.data = lua_tolstring(L, index, &text.length);
    written = put_string(out, text);
  } else {
    lua_pushfstring(L, "a %s", luaL_typename(L, index));
    written = false;
  }
  if (written)
    lua_settop(L, index - 1);
  return written;
}

/* Writes the next value of the table that was opened last, or its end. */
static bool put_next(writer *out) {
  lua_State *L = out->L;
  level *open = &out->levels[out->depth - 1];
  if (open->next == open->count) {
    put_char(out, open->is_list ? ']' : '}');
    out->name_count = open->first;
    lua_settop(L, open->index - 1);
    out->depth--;
    return true;
  }
  if (open->next++ > 0)
    put_char(out, ',');
  if (open->is_list) {
    lua_geti(L, open->index, open->next);
    return put_value(out);
  }
  name key = out->names[open->first + open->next - 1];
  if (!put_string(out, key.text))
    return false;
  put_char(out, ':');
  lua_rawgeti(L, out->base + HOLDER, key.at);
  lua_gettable(L, open->index);
  return put_value(out);
}

bool vi_push_json(lua_State *L, int index) {
  writer out = {.L = L, .base = lua_gettop(L) + 1};
  out.bytes = out.own_bytes;
  out.room = OWN_BYTES;
  out.names = out.own_names;
  out.name_room = OWN_NAMES;
  out.levels = out.own_levels;
  out.level_room = OWN_LEVELS;
  index = lua_absindex(L, index);
  vi_make_slots(L, SLOTS + OWN_SLOTS);
  lua_settop(L, lua_gettop(L) + SLOTS);
  lua_pushvalue(L, index);
  bool written = put_value(&out);
  while (written && out.depth > 0)
    written = put_next(&out);
  if (written)
    lua_pushlstring(L, out.bytes, out.length);
  lua_replace(L, out.base);
  lua_settop(L, out.base);
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
