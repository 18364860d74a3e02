#include "child.h"

#include <lauxlib.h>
#include <sys/wait.h>
#include <unistd.h>

int start_child(lua_State *L) {
  int ends[2];
  if (pipe(ends) != 0)
    return luaL_error(L, "no pipe");
  pid_t child = fork();
  if (child == 0) {
    lua_pcall(L, 0, 1, 0);
    size_t length;
    const char *text = luaL_tolstring(L, -1, &length);
    _exit(write(ends[1], text, length) == (ssize_t)length ? 0 : 1);
  }
  close(ends[1]);
  lua_pushinteger(L, child);
  lua_pushinteger(L, ends[0]);
  return 2;
}

int finish_child(lua_State *L) {
  char text[400];
  pid_t child = (pid_t)luaL_checkinteger(L, 1);
  int descriptor = (int)luaL_checkinteger(L, 2);
  ssize_t length = read(descriptor, text, sizeof text);
  close(descriptor);
  if (child > 0)
    waitpid(child, NULL, 0);
  lua_pushlstring(L, text, length > 0 ? (size_t)length : 0);
  return 1;
}

int in_child(lua_State *L) {
  lua_settop(L, 1);
  start_child(L);
  lua_remove(L, 1);
  return finish_child(L);
}
