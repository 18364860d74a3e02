rockspec_format = "3.0"
package = "viesti-sqlite"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/viesti/viesti.git",
  tag = "v0.1.0",
}
description = {
  summary = "Keeps the cached responses of viesti in an SQLite file",
  detailed = [[
    A store for viesti's CachingSender that outlives the program and is shared by several processes.
  ]],
  homepage = "https://github.com/viesti/viesti",
  license = "MIT",
  labels = { "http", "cache", "sqlite" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.4, < 5.5",
  "viesti >= 0.1.0",
}
external_dependencies = {
  SQLITE = { header = "sqlite3.h", library = "sqlite3" },
}
build = {
  type = "make",
  build_target = "sqlite",
  install_target = "install-sqlite",
  variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    SQLITE_CFLAGS = "-I$(SQLITE_INCDIR)",
    SQLITE_LIBS = "-L$(SQLITE_LIBDIR) -lsqlite3",
  },
  install_variables = {
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
  },
}
