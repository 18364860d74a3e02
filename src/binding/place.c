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

const char *vi_called_name(lua_State *L, const char *fallback) {
  lua_Debug frame;
  int level = user_level(L, &frame) - 1; /* of the function that he called */
  if (level > 0 && lua_getstack(L, level, &frame) && lua_getinfo(L, "n", &frame) && frame.name)
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

/* place() -> "file:line: " of the user's call, or "" */
static int place(lua_State *L) {
  vi_push_place(L);
  return 1;
}

void vi_open_place(lua_State *L) {
  static const luaL_Reg functions[] = {{"set_home", set_home}, {"place", place}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
