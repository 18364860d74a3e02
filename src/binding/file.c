/* Files that only their owner may read. */
#include "binding/support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, vi_text text) {
  while (text.length > 0) {
    ssize_t written = write(fd, text.data, text.length);
    if (written < 0 && errno != EINTR)
      return false;
    if (written > 0)
      text = (vi_text){text.data + written, text.length - (size_t)written};
  }
  return true;
}

/* write_private(path, text) -> true, or nil and why not. The file appears under its name whole or
 * not at all, with mode 0600. */
static int write_private(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  vi_text text = vi_check_text(L, 2);
  const char *part = lua_pushfstring(L, "%s.part", path);
  unlink(part);
  int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  bool done = fd >= 0 && write_all(fd, text);
  if (fd >= 0)
    done = close(fd) == 0 && done && rename(part, path) == 0;
  int reason = errno;
  if (done) {
    lua_pushboolean(L, 1);
    return 1;
  }
  unlink(part);
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, strerror(reason));
  return 2;
}

void vi_open_file(lua_State *L) {
  static const luaL_Reg functions[] = {{"write_private", write_private}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
