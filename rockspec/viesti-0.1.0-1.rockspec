rockspec_format = "3.0"
package = "viesti"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/viesti/viesti.git",
  tag = "v0.1.0",
}
description = {
  summary = "HTTP client built as a chain of senders: caching, retrying, sync and async",
  detailed = [[
    Senders hand a request on like runners in a relay. C does the I/O, over libcurl, and the
    caching; Lua composes the chain. The same chain serves blocking and asynchronous callers.
  ]],
  homepage = "https://github.com/viesti/viesti",
  license = "MIT",
  labels = { "http", "client", "cache", "async" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.4, < 5.5",
  "lua-cjson",
}
external_dependencies = {
  CURL = { library = "curl" },
  ZLIB = { library = "z" },
}
build = {
  type = "make",
  build_target = "module",
  install_target = "install-lua",
  copy_directories = { "docs" },
  install = { bin = { viesti = "bin/viesti" } },
  variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    CURL_CFLAGS = "-I$(CURL_INCDIR)",
    CURL_LIBS = "-L$(CURL_LIBDIR) -lcurl",
    ZLIB_CFLAGS = "-I$(ZLIB_INCDIR)",
    ZLIB_LIBS = "-L$(ZLIB_LIBDIR) -lz",
  },
  install_variables = {
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
  },
}
