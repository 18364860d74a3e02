#include "binding/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

vi_multipart *vi_check_multipart(lua_State *L, int index) {
  vi_multipart *multipart = *(vi_multipart **)vi_check_box(L, index, VI_TYPE_MULTIPART);
  luaL_argcheck(L, multipart, index, "the parts have been collected");
  return multipart;
}

/* Both push a message and return false where something is wrong. */
static bool complain(lua_State *L, const char *message) {
  lua_pushstring(L, message);
  return false;
}

static bool copy_field(lua_State *L, int table, const char *name, vi_buffer *to) {
  lua_getfield(L, table, name);
  vi_text text = lua_isnil(L, -1) ? VI_TEXT("") : vi_check_text(L, -1);
  bool copied = vi_buffer_append_text(to, text) && vi_buffer_terminate(to);
  lua_pop(L, 1);
  return copied || complain(L, "out of memory");
}

/* Why what is behind `start` cannot be sent again and again; NULL if it can. */
static const char *check_file(int file, const struct stat *about, off_t start) {
  if (!S_ISREG(about->st_mode) || start < 0)
    return "not a regular file";
  return (fcntl(file, F_GETFL) & O_ACCMODE) == O_WRONLY ? "open for writing alone" : NULL;
}

/* The part takes over `file`, of which it will send what is behind `start`. */
static bool take_file(lua_State *L, vi_part *part, const char *name, int file, off_t start) {
  struct stat about;
  part->file = file;
  part->start = start;
  bool is_open = file >= 0 && fstat(file, &about) == 0;
  const char *wrong = is_open ? check_file(file, &about, start) : strerror(errno);
  if (wrong) {
    lua_pushfstring(L, "%s: %s", name, wrong);
    return false;
  }
  part->length = about.st_size > start ? about.st_size - start : 0;
  return true;
}

/* The content at the top of the stack: bytes, an open file (of which we keep a descriptor of our
 * own, so that it may be closed or moved), or nil for the file named in `path`. */
static bool take_content(lua_State *L, int table, vi_part *part) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    vi_text bytes = vi_check_text(L, -1);
    part->length = (int64_t)bytes.length;
    return vi_buffer_append_text(&part->bytes, bytes) || complain(L, "out of memory");
  }
  luaL_Stream *stream = luaL_testudata(L, -1, LUA_FILEHANDLE);
  if (stream && stream->closef)
    return take_file(L, part, "content", fcntl(fileno(stream->f), F_DUPFD_CLOEXEC, 0),
                     ftello(stream->f));
  lua_getfield(L, table, "path");
  const char *path = luaL_checkstring(L, -1);
  /* Without NONBLOCK a pipe would be waited for, until somebody writes to it. */
  return take_file(L, part, path, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), 0);
}

static bool read_part(lua_State *L, int table, vi_multipart *multipart) {
  vi_part *part = vi_multipart_add(multipart);
  if (!part)
    return complain(L, "out of memory");
  if (!copy_field(L, table, "name", &part->name) ||
      !copy_field(L, table, "filename", &part->filename) ||
      !copy_field(L, table, "type", &part->type))
    return false;
  lua_getfield(L, table, "fields");
  if (!vi_read_fields(L, lua_absindex(L, -1), true, &part->headers, NULL))
    return false;
  lua_getfield(L, table, "content");
  return take_content(L, table, part);
}

/* multipart(list) -> Multipart, or nil, what is wrong, and the position of the part; the shapes
 * were checked by multipart.lua: { name, filename, type, fields (flat), content or path } */
static int multipart_new(lua_State *L) {
  enum { LIST = 1, BOX = 2, PART = 3 };
  luaL_checktype(L, LIST, LUA_TTABLE);
  lua_settop(L, LIST);
  vi_multipart **box = vi_push_box(L, sizeof *box, 0, VI_TYPE_MULTIPART);
  *box = vi_multipart_new();
  if (!*box)
    return luaL_error(L, "out of memory");
  lua_Integer count = (lua_Integer)lua_rawlen(L, LIST);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, LIST, i);
    if (!read_part(L, PART, *box)) {
      lua_pushnil(L);
      lua_insert(L, -2);
      lua_pushinteger(L, i);
      return 3;
    }
    lua_settop(L, BOX);
  }
  return 1;
}

static int multipart_gc(lua_State *L) {
  vi_multipart **box = vi_check_box(L, 1, VI_TYPE_MULTIPART);
  vi_multipart_release(*box);
  *box = NULL;
  return 0;
}

static int multipart_length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)vi_check_multipart(L, 1)->count);
  return 1;
}

static int multipart_tostring(lua_State *L) {
  int count = (int)vi_check_multipart(L, 1)->count;
  lua_pushfstring(L, count == 1 ? "Multipart(%d part)" : "Multipart(%d parts)", count);
  return 1;
}

void vi_open_multipart(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", multipart_gc},
                                         {"__len", multipart_length},
                                         {"__tostring", multipart_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {{"multipart", multipart_new}, {NULL, NULL}};
  vi_new_type(L, VI_TYPE_MULTIPART, "Multipart", metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
