#include "stores/redis_protocol.h"

#include <lauxlib.h>
#include <string.h>

enum {
  MOST_ARGUMENTS = 100 * 1000, /* of a command */
  LINE_SIZE = 24,              /* of a number, what stands around it included */
};

static void push_array(lua_State *L, const redisReply *reply) {
  lua_createtable(L, (int)reply->elements, 0);
  for (size_t i = 0; i < reply->elements; i++) {
    vi_redis_push_reply(L, reply->element[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

void vi_redis_push_reply(lua_State *L, const redisReply *reply) {
  luaL_checkstack(L, 4, "a reply is nested too deeply");
  switch (reply->type) {
  case REDIS_REPLY_STRING:
  case REDIS_REPLY_STATUS:
    lua_pushlstring(L, reply->str, (size_t)reply->len);
    break;
  case REDIS_REPLY_INTEGER:
    lua_pushinteger(L, (lua_Integer)reply->integer);
    break;
  case REDIS_REPLY_ARRAY:
    push_array(L, reply);
    break;
  case REDIS_REPLY_ERROR:
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, reply->str, (size_t)reply->len);
    lua_setfield(L, -2, "err");
    break;
  default:
    lua_pushboolean(L, 0);
  }
}

/* Writes `mark` and a number on a line of its own; returns the number of characters. */
static size_t print_line(char *out, char mark, size_t number) {
  char digits[LINE_SIZE];
  size_t count = 0, length = 0;
  do
    digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  out[length++] = mark;
  while (count > 0)
    out[length++] = digits[--count];
  out[length++] = '\r';
  out[length++] = '\n';
  return length;
}

int vi_redis_command(lua_State *L) {
  int count = lua_gettop(L);
  luaL_argcheck(L, count > 0 && count <= MOST_ARGUMENTS, 1, "too many or too few words");
  size_t length, size = LINE_SIZE;
  for (int i = 1; i <= count; i++) {
    luaL_checklstring(L, i, &length);
    size += length + LINE_SIZE + 2;
  }
  luaL_Buffer out;
  char *text = luaL_buffinitsize(L, &out, size), *end = text;
  end += print_line(end, '*', (size_t)count);
  for (int i = 1; i <= count; i++) {
    const char *word = lua_tolstring(L, i, &length);
    end += print_line(end, '$', length);
    memcpy(end, word, length);
    memcpy(end + length, "\r\n", 2);
    end += length + 2;
  }
  luaL_pushresultsize(&out, (size_t)(end - text));
  return 1;
}
