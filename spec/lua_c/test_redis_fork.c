/* A store on a Redis server after a fork: parent and child go on over connections of their own. */
#include "../c/tap.h"
#include "child.h"
#include "memory.h"
#include "viesti.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64], address[96];
static pid_t server;

static void stop_server(void *unused) {
  (void)unused;
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  unlink(address);
  rmdir(directory);
}

static void start_server(void) {
  strcpy(directory, "/tmp/viesti.XXXXXX");
  require(mkdtemp(directory));
  snprintf(address, sizeof address, "%s/redis.sock", directory);
  server = fork();
  if (server == 0) {
    unsetenv("LD_PRELOAD");
    if (!freopen("/dev/null", "w", stdout))
      _exit(1);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", address, "--save", "",
           "--dir", directory, (char *)NULL);
    _exit(1);
  }
  require(server > 0);
  tap_defer(stop_server, directory);
  for (int i = 0; i < 1000 && access(address, F_OK) != 0; i++)
    usleep(10000);
}

/* pause_server(on) */
static int pause_server(lua_State *L) {
  kill(server, lua_toboolean(L, 1) ? SIGSTOP : SIGCONT);
  return 0;
}

/* Runs the script, which returns what it should and what it has got. */
static void check_script(const char *script) {
  viesti *runtime = NULL;
  start_server();
  require(viesti_open(&runtime, NULL) == VIESTI_OK);
  lua_State *L = memory_last_state();
  lua_register(L, "in_child", in_child);
  lua_register(L, "pause_server", pause_server);
  lua_pushstring(L, address);
  lua_setglobal(L, "address");
  if (check(luaL_dostring(L, script) == LUA_OK))
    check_text(vi_text_of(lua_tostring(L, -1)), lua_tostring(L, -2));
  else
    printf("# %s\n", lua_tostring(L, -1));
  viesti_close(runtime);
}

#define PREPARE                                                                                    \
  "local viesti = require 'viesti'\n"                                                              \
  "local store = require 'viesti.redis' { unix_socket = address, timeout = 5 }\n"                  \
  "store:put('k', '', 'x', { seconds = 60 })\n"                                                    \
  "local function found() return (store:get 'k')[1] or 'nothing' end\n"                            \
  "local function id() return store.client:command('CLIENT', 'ID') end\n"

IT("has a connection of its own in the child, and keeps the parent's") {
  check_script(PREPARE "local mine, got = id(), found()\n"
                       "local theirs = in_child(function() return found() .. id() end)\n"
                       "local differs = theirs ~= 'x' .. mine and theirs:find '^x%d+$'\n"
                       "return 'x true true 0', table.concat({ got, tostring(differs ~= nil),\n"
                       "  tostring(id() == mine), store:stats().errors }, ' ')");
}

IT("ends a task's wait for the parent's reply with a miss in the child, and not in the parent") {
  check_script(PREPARE "pause_server(true)\n"
                       "local task = viesti.spawn(found)\n"
                       "viesti.sleep(0.05)\n"
                       "local told = in_child(function() return task:join() end)\n"
                       "pause_server(false)\n"
                       "return 'nothing x', told .. ' ' .. task:join()");
}
