/* A store in an SQLite file after a fork: parent and child each go on with a connection of their
 * own, whichever of them ends first. */
#include "../c/tap.h"
#include "child.h"
#include "memory.h"
#include "viesti.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs the script, which finds a store with three keys, and returns what it should and what it has
 * got. */
static void check_script(const char *script) {
  static const char prepare[] =
      "sqlite = require 'viesti.sqlite'\n"
      "store = sqlite(folder .. '/cache.db')\n"
      "other = sqlite(folder .. '/cache.db')\n"
      "function put(key) store:put(key, '', key, { seconds = 60 }) end\n"
      "function all(...)\n"
      "  local found = ''\n"
      "  for _, key in ipairs { ... } do\n"
      "    found = found .. (store:get(key)[1] or '-')\n"
      "  end\n"
      "  return found .. store:stats().errors\n"
      "end\n"
      "function say(word) io.open(folder .. '/' .. word, 'w'):close() end\n"
      "function heard(word)\n"
      "  local file <close> = io.open(folder .. '/' .. word)\n"
      "  return file ~= nil\n"
      "end\n"
      "function hear(word)\n"
      "  while not heard(word) do require 'viesti'.sleep(0.002) end\n"
      "end\n"
      "put 'a\' put 'b' put 'c'\n";
  char folder[] = "/tmp/viesti.XXXXXX", command[64];
  viesti *runtime = NULL;
  require(mkdtemp(folder) && viesti_open(&runtime, NULL) == VIESTI_OK);
  lua_State *L = memory_last_state();
  lua_register(L, "in_child", in_child);
  lua_register(L, "start_child", start_child);
  lua_register(L, "finish_child", finish_child);
  lua_pushstring(L, folder);
  lua_setglobal(L, "folder");
  if (check(luaL_dostring(L, prepare) == LUA_OK && luaL_dostring(L, script) == LUA_OK))
    check_text(vi_text_of(lua_tostring(L, -1)), lua_tostring(L, -2));
  else
    printf("# %s\n", lua_tostring(L, -1));
  viesti_close(runtime);
  snprintf(command, sizeof command, "rm -r %s", folder);
  check(system(command) == 0);
}

IT("reads and writes on in the child, and in the parent what the child has written") {
  check_script("local told = in_child(function()\n"
               "  put 'd'\n"
               "  store:invalidate 'a'\n"
               "  return all('a', 'b', 'd')\n"
               "end)\n"
               "put 'e'\n"
               "return '-bd0 -bcde0', told .. ' ' .. all('a', 'b', 'c', 'd', 'e')");
}

IT("loses nothing when the parent closes its own, and opens again, while the child goes on") {
  check_script("local child, pipe = start_child(function()\n"
               "  say 'begun'\n"
               "  for number = 1, 300 do put('x' .. number) end\n"
               "  say 'ended'\n"
               "  return all('a', 'x1', 'x300')\n"
               "end)\n"
               "hear 'begun'\n"
               "store:close() other:close()\n"
               "local count = 0\n"
               "while not heard 'ended' and count < 3000 do\n"
               "  local again <close> = sqlite(folder .. '/cache.db')\n"
               "  count = count + 1\n"
               "  again:put('y' .. count, '', 'y', { seconds = 60 })\n"
               "end\n"
               "local told = finish_child(child, pipe)\n"
               "store = sqlite(folder .. '/cache.db')\n"
               "return 'ax1x3000 303', told .. ' ' .. store:count() - count");
}

IT("lets a child that does not use the store end as it likes") {
  check_script("for _ = 1, 5 do in_child(function() end) end\n"
               "in_child(function() store:close() other:close() collectgarbage() end)\n"
               "put 'd'\n"
               "return 'abcd0 1', all('a', 'b', 'c', 'd') .. ' ' .. #other:get 'd'");
}
