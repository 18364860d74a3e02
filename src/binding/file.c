/* What Lua's io library cannot do with files: look at them without opening them, find them behind
 * links, give them a mode, hold them against others, cut them, and see them safely onto the disk.
 */
#include "binding/support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* unreadable(path) -> why nobody can read it as a file; nil if somebody can */
static int unreadable(lua_State *L) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  struct stat facts;
  int reason = 0;
  if (strlen(path) != length)
    reason = ENOENT;
  else if (access(path, R_OK) != 0 || stat(path, &facts) != 0)
    reason = errno;
  else if (S_ISDIR(facts.st_mode))
    reason = EISDIR;
  if (reason == 0)
    return 0;
  lua_pushstring(L, strerror(reason));
  return 1;
}

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

/* A lock is on a file, not on its name: whoever had it before may have renamed or removed that. */
static bool is_named(int fd, const char *path) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

/* The descriptor of the regular file `path`, which nobody else has locked; or -1 with errno. */
static int open_alone(const char *path) {
  for (;;) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    struct stat facts;
    if (fd < 0)
      return -1;
    bool regular = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
    bool locked = regular && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (locked && is_named(fd, path))
      return fd;
    int reason = regular ? errno : EINVAL;
    close(fd);
    errno = reason;
    if (!locked)
      return -1;
  }
}

static int close_file(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return luaL_fileresult(L, fclose(stream->f) == 0, NULL);
}

/* Pushes a closed file, before there is a descriptor that could get lost. */
static luaL_Stream *push_file(lua_State *L) {
  luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
  *stream = (luaL_Stream){0};
  luaL_setmetatable(L, LUA_FILEHANDLE);
  return stream;
}

/* Returns the file on top of the stack, open; or, where there is no descriptor, nil and why not. */
static int return_file(lua_State *L, luaL_Stream *stream, int fd, const char *path) {
  stream->f = fd < 0 ? NULL : fdopen(fd, "r+b");
  if (stream->f) {
    stream->closef = close_file;
    return 1;
  }
  int reason = errno;
  if (fd >= 0)
    close(fd);
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path,
                  reason == EWOULDBLOCK ? "it is being written already" : strerror(reason));
  return 2;
}

/* open_locked(path) -> a file to read and write, made if it is not there, and closed to everybody
 * else who asks in this way until it is closed or the process ends; or nil and why not. */
static int open_locked(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_Stream *stream = push_file(L);
  return return_file(L, stream, open_alone(path), path);
}

/* create_file(path, mode) -> a file to write that was not there, with that mode or, if it is nil,
 * the usual one; or nil and why not. */
static int create_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int mode = (int)luaL_optinteger(L, 2, -1);
  luaL_Stream *stream = push_file(L);
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode < 0 ? 0666 : S_IRUSR | S_IWUSR);
  if (fd >= 0 && mode >= 0)
    fchmod(fd, (mode_t)mode);
  return return_file(L, stream, fd, path);
}

static FILE *check_file(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef, 1, "the file is closed");
  return stream->f;
}

/* read_at(file, position, size) -> what stands there, of so many bytes at most; nothing at its end;
 * or nil and why not. Where the file itself stands does not matter, and does not change. */
static int read_at(lua_State *L) {
  FILE *file = check_file(L);
  off_t position = (off_t)luaL_checkinteger(L, 2);
  size_t size = (size_t)luaL_checkinteger(L, 3);
  luaL_Buffer out;
  char *room = luaL_buffinitsize(L, &out, size);
  ssize_t length = fflush(file) == 0 ? pread(fileno(file), room, size, position) : -1;
  while (length < 0 && errno == EINTR)
    length = pread(fileno(file), room, size, position);
  if (length < 0)
    return luaL_fileresult(L, 0, NULL);
  luaL_pushresultsize(&out, (size_t)length);
  return length > 0 ? 1 : 0;
}

/* truncate_file(file) -> true, or nil and why not: makes it empty, and goes to its start. */
static int truncate_file(lua_State *L) {
  FILE *file = check_file(L);
  rewind(file);
  return luaL_fileresult(L, ftruncate(fileno(file), 0) == 0, NULL);
}

/* sync_file(file) -> true, or nil and why not: returns when what was written would outlive a loss
 * of power. */
static int sync_file(lua_State *L) {
  FILE *file = check_file(L);
  return luaL_fileresult(L, fflush(file) == 0 && fsync(fileno(file)) == 0, NULL);
}

/* set_mode(file, mode) -> true, or nil and why not */
static int set_mode(lua_State *L) {
  FILE *file = check_file(L);
  mode_t mode = (mode_t)luaL_checkinteger(L, 2);
  return luaL_fileresult(L, fchmod(fileno(file), mode) == 0, NULL);
}

/* Puts what the symbolic link `path` says in its place; false if that is no link, or too long. */
static bool follow_link(char path[PATH_MAX]) {
  char to[PATH_MAX];
  ssize_t length = readlink(path, to, sizeof to);
  if (length < 0)
    return false;
  const char *slash = strrchr(path, '/');
  size_t folder = slash && to[0] != '/' ? (size_t)(slash - path) + 1 : 0;
  if (folder + (size_t)length >= PATH_MAX)
    return false;
  memcpy(path + folder, to, (size_t)length);
  path[folder + (size_t)length] = '\0';
  return true;
}

/* The file that `path` leads to, behind symbolic links, also where that is not there. What has no
 * path of its own, a pipe behind /dev/stdout, keeps this one. */
static bool find_target(const char *path, char target[PATH_MAX]) {
  enum { MOST_LINKS = 40 };
  struct stat facts;
  if (realpath(path, target))
    return true;
  if (errno == ELOOP || errno == ENAMETOOLONG || strlen(path) >= PATH_MAX)
    return false;
  strcpy(target, path);
  if (stat(path, &facts) == 0)
    return true;
  for (int links = 0; links < MOST_LINKS && follow_link(target); links++)
    continue;
  return true;
}

/* file_target(path) -> the path behind links of the file that is to be written, what is there
 * ("file", "other"; nil: nothing), and the mode of a file; or nil and why none can be. */
static int file_target(lua_State *L) {
  vi_text path = vi_check_text(L, 1);
  char target[PATH_MAX];
  struct stat facts;
  errno = ENOENT;
  bool found = strlen(path.data) == path.length && find_target(path.data, target);
  bool there = found && stat(target, &facts) == 0;
  bool is_folder = there && S_ISDIR(facts.st_mode);
  if (!found || is_folder) {
    const char *reason = strerror(errno);
    lua_pushnil(L);
    lua_pushfstring(L, is_folder ? "\"%s\" is a directory" : "%s: %s", path.data, reason);
    return 2;
  }
  lua_pushstring(L, target);
  if (!there)
    return 1;
  lua_pushstring(L, S_ISREG(facts.st_mode) ? "file" : "other");
  lua_pushinteger(L, (lua_Integer)(facts.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)));
  return 3;
}

void vi_open_file(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"unreadable", unreadable},       {"write_private", write_private},
      {"open_locked", open_locked},     {"read_at", read_at},
      {"truncate_file", truncate_file}, {"sync_file", sync_file},
      {"create_file", create_file},     {"set_mode", set_mode},
      {"file_target", file_target},     {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
