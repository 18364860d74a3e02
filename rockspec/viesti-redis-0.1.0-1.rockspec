rockspec_format = "3.0"
package = "viesti-redis"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/viesti/viesti.git",
  tag = "v0.1.0",
}
description = {
  summary = "A store on a Redis server for viesti's HTTP cache",
  detailed = [[
    One cache for many machines: viesti's CachingSender keeps its responses on a Redis server, and
    an invalidation reaches all. In tasks it waits for the server without blocking the others.
  ]],
  homepage = "https://github.com/viesti/viesti",
  license = "MIT",
  labels = { "http", "cache", "redis" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.4, < 5.5",
  "viesti >= 0.1.0",
}
external_dependencies = {
  HIREDIS = { header = "hiredis/hiredis.h", library = "hiredis" },
}
build = {
  type = "make",
  build_target = "redis",
  install_target = "install-redis",
  variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    REDIS_CFLAGS = "-I$(HIREDIS_INCDIR)/hiredis",
    REDIS_LIBS = "-L$(HIREDIS_LIBDIR) -lhiredis",
  },
  install_variables = {
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
  },
}
