/* What goes over the wire: commands as text, and replies, which hiredis has read, as values of Lua.
 */
#ifndef VI_STORES_REDIS_PROTOCOL_H
#define VI_STORES_REDIS_PROTOCOL_H

#include <hiredis.h>
#include <lua.h>

/* command(word, ...) -> the text of it, for queue */
int vi_redis_command(lua_State *L);

/* Pushes a reply, which may raise: an error is { err = "WORD ..." }, nothing is false. hiredis
 * takes no deep nesting. */
void vi_redis_push_reply(lua_State *L, const redisReply *reply);

#endif
