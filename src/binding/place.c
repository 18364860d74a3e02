/* Misuse is blamed on the user's line: the innermost place on the stack that is not in one of the
 * library's own modules. */
#include "binding/support.h"

#include <stdarg.h>
#include <string.h>

static const char HOME; /* its address is the key in the registry */

/* set_home(source): what the chunk of the module `viesti` is called; those of the others begin with
 * the same folder or, baked into a program, with the same name. */
static int set_home(lua_State *L) {
  vi_text source = vi_check_text(L, 1);
  vi_text file = VI_TEXT("init.lua");
  if (source.length > file.length &&
      memcmp(source.data + source.length - file.length, file.data, file.length) == 0)
    source.length -= file.length;
  vi_push_text(L, source);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &HOME);
  return 0;
}

static int call_placed(lua_State *L);

static bool is_ours(const lua_Debug *frame, vi_text home) {
  return home.length > 0 && strncmp(frame->source, home.data, home.length) == 0;
}

/* The level of the user's function that called into the library; 0: there is none. */
static int user_level(lua_State *L, lua_Debug *frame) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &HOME);
  vi_text home = {0};
  home.data = lua_tolstring(L, -1, &home.length);
  int level = 1, found = 0;
  for (; !found && lua_getstack(L, level, frame); level++)
    if (lua_getinfo(L, "Sl", frame) && frame->currentline > 0 && !is_ours(frame, home))
      found = level;
  lua_pop(L, 1);
  return found;
}

void vi_push_place(lua_State *L) {
  lua_Debug frame;
  if (user_level(L, &frame))
    lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
  else
    lua_pushliteral(L, "");
}

/* One in C that calls what it is given: pcall, table.sort. Its name is not what was meant. */
static bool is_stranger(lua_State *L, lua_Debug *frame) {
  lua_getinfo(L, "f", frame);
  lua_CFunction function = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  return function && function != call_placed;
}

const char *vi_called_name(lua_State *L, const char *fallback) {
  lua_Debug frame;
  int level = user_level(L, &frame) - 1; /* of the function that he called */
  if (level > 0 && lua_getstack(L, level, &frame) && !is_stranger(L, &frame) &&
      lua_getinfo(L, "n", &frame) && frame.name)
    return frame.name;
  return fallback;
}

int vi_raise(lua_State *L, const char *format, ...) {
  va_list arguments;
  vi_push_place(L);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 2);
  return lua_error(L);
}

static int raise_type(lua_State *L, int index, const char *called, const char *type) {
  bool named = luaL_getmetafield(L, index, "__name") == LUA_TSTRING;
  return vi_raise(L, "bad argument #%d to '%s' (%s expected, got %s)", index, called, type,
                  named ? lua_tostring(L, -1) : luaL_typename(L, index));
}

int vi_raise_type(lua_State *L, int index, const char *type) {
  const char *called = vi_called_name(L, NULL);
  lua_Debug own;
  if (!called && lua_getstack(L, 0, &own) && lua_getinfo(L, "n", &own) && own.name)
    return luaL_typeerror(L, index, type); /* called by the user himself */
  return raise_type(L, index, called ? called : "?", type);
}

/* check_type(object, type, method): for methods in Lua; what is no userdata of that type was called
 * with a dot, and so is the user's mistake. A tail call or pcall hides the method's name. */
static int check_type(lua_State *L) {
  const char *type = luaL_checkstring(L, 2);
  if (lua_isuserdata(L, 1) && luaL_getmetafield(L, 1, "__name") == LUA_TSTRING &&
      strcmp(lua_tostring(L, -1), type) == 0) /* views have a metatable of their own */
    return 0;
  return raise_type(L, 1, luaL_checkstring(L, 3), type);
}

/* place() -> "file:line: " of the user's call, or "" */
static int place(lua_State *L) {
  vi_push_place(L);
  return 1;
}

/* place_of(function) -> "file:line: " of where the user's function begins, whose result is refused
 * when it has returned; that of his call for one in C or of the library */
static int place_of(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &HOME);
  vi_text home = {0};
  home.data = lua_tolstring(L, -1, &home.length);
  lua_Debug function;
  lua_pushvalue(L, 1);
  if (lua_getinfo(L, ">S", &function) && function.linedefined > 0 && !is_ours(&function, home))
    lua_pushfstring(L, "%s:%d: ", function.short_src, function.linedefined);
  else
    vi_push_place(L);
  return 1;
}

/* Where the message goes on behind "file:line: ", if the file's name begins with `file`; else NULL.
 */
static const char *behind_place(const char *message, vi_text file) {
  if (file.length == 0 || strncmp(message, file.data, file.length) != 0)
    return NULL;
  const char *line = strchr(message + file.length - 1, ':');
  size_t digits = line ? strspn(line + 1, "0123456789") : 0;
  return digits > 0 && strncmp(line + 1 + digits, ": ", 2) == 0 ? line + digits + 3 : NULL;
}

/* "file:" of a place */
static vi_text file_of(const char *where) {
  const char *end = strrchr(where, ':');
  while (end && end > where && *--end != ':')
    ;
  return (vi_text){where, end && end > where ? (size_t)(end - where) + 1 : 0};
}

/* The message on top is given the user's place, in the place of one in the library. */
static void give_place(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &HOME);
  vi_text home = {0};
  home.data = lua_tolstring(L, -1, &home.length);
  vi_push_place(L);
  const char *where = lua_tostring(L, -1), *message = lua_tostring(L, -3), *rest = NULL;
  if (home.length > 1) /* without the mark of a file, or of a name */
    rest = behind_place(message, (vi_text){home.data + 1, home.length - 1});
  if (!behind_place(message, file_of(where)))
    lua_pushfstring(L, "%s%s", where, rest ? rest : message);
  else
    lua_pushvalue(L, -3);
}

static int end_placed(lua_State *L, int status, lua_KContext context) {
  (void)context;
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L);
  if (status == LUA_ERRRUN && lua_type(L, -1) == LUA_TSTRING)
    give_place(L);
  return lua_error(L);
}

static int call_placed(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  int arguments = lua_gettop(L) - 1;
  return end_placed(L, lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, end_placed), 0);
}

/* placed(function) -> one that does the same, and whose errors have the place of the user's call,
 * if they have no other in that file. In C, it leaves him his line where he calls it last of all:
 * "return SyncSender { ... }". */
static int placed(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_pushcclosure(L, call_placed, 1);
  return 1;
}

void vi_open_place(lua_State *L) {
  static const luaL_Reg functions[] = {{"set_home", set_home}, {"check_type", check_type},
                                       {"place", place},       {"place_of", place_of},
                                       {"placed", placed},     {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
