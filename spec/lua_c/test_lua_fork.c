/* Tasks after a fork: those of the parent's that wait for the network end in the child, which is
 * told so; what needs no connection goes on in both. */
#include "../c/origin.h"
#include "../c/tap.h"
#include "child.h"
#include "memory.h"
#include "viesti.h"

#include <lauxlib.h>
#include <stdio.h>
#include <unistd.h>

static const origin_answer ANSWERS[] = {
    {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     .then = ORIGIN_KEEP,
     .delay = 200}};

/* descriptor() -> one that nothing can be read from. */
static int descriptor(lua_State *L) {
  static int ends[2];
  if (pipe(ends) != 0)
    return luaL_error(L, "no pipe");
  lua_pushinteger(L, ends[0]);
  return 1;
}

/* Runs the script, which returns what it should and what it has got. */
static void check_script(const char *script) {
  origin *server = origin_start(ANSWERS, 1);
  viesti *runtime = NULL;
  require(server && viesti_open(&runtime, NULL) == VIESTI_OK);
  lua_State *L = memory_last_state();
  lua_register(L, "in_child", in_child);
  lua_register(L, "descriptor", descriptor);
  lua_pushfstring(L, "http://127.0.0.1:%d/", origin_port(server));
  lua_setglobal(L, "url");
  if (check(luaL_dostring(L, script) == LUA_OK))
    check_text(vi_text_of(lua_tostring(L, -1)), lua_tostring(L, -2));
  else
    printf("# %s\n", lua_tostring(L, -1));
  viesti_close(runtime);
  origin_stop(server);
}

#define PREPARE                                                                                    \
  "local viesti = require 'viesti'\n"                                                              \
  "local sender = viesti.AsyncSender()\n"                                                          \
  "local task = viesti.spawn(function()\n"                                                         \
  "  local response, err = sender:send { url = url }\n"                                            \
  "  return response and response.body or err.kind\n"                                              \
  "end)\n"                                                                                         \
  "viesti.sleep(0.05)\n"

IT("ends a task that waits for its request with the kind forked, and not in the parent") {
  check_script(PREPARE "local told = in_child(function() return task:join() end)\n"
                       "return 'forked hello', told .. ' ' .. task:join()");
}

IT("runs such a task on beside others that the child waits for") {
  check_script(PREPARE "return 'done forked', in_child(function()\n"
                       "  viesti.sleep(0.01)\n"
                       "  return task:status() .. ' ' .. task:join()\n"
                       "end)");
}

IT("ends a task's wait for a descriptor, which a child shares, and not in the parent") {
  check_script("local viesti, core = require 'viesti', require 'viesti.core'\n"
               "local task = viesti.spawn(core.wait_descriptor, descriptor(), 'r', 0.2)\n"
               "viesti.sleep(0.05)\n"
               "local told = in_child(function() return task:join() end)\n"
               "return 'true false', told .. ' ' .. tostring(task:join())");
}

IT("goes on with tasks that sleep or were not begun, in the child and in the parent") {
  check_script(PREPARE
               "local asleep = viesti.spawn(function() viesti.sleep(0.1) return 'slept' end)\n"
               "viesti.sleep(0.01)\n"
               "local fresh = viesti.spawn(function() return 'begun' end)\n"
               "local function both() return asleep:join() .. ' ' .. fresh:join() end\n"
               "local told = in_child(both)\n"
               "return 'slept begun, slept begun', told .. ', ' .. both()");
}

IT("lets the child send by a sender of its own, and by no other") {
  check_script(PREPARE "return 'forked hello', in_child(function()\n"
                       "  local _, err = sender:send { url = url }\n"
                       "  return err.kind .. ' '\n"
                       "    .. viesti.AsyncSender():send({ url = url }).body\n"
                       "end)");
}
