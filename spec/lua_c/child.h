/* Lua functions in child processes. */
#ifndef SPEC_CHILD_H
#define SPEC_CHILD_H

#include <lua.h>

/* start_child(fn): runs it there. Returns what finish_child wants. */
int start_child(lua_State *L);

/* finish_child(id, descriptor): what fn returned, or raised, as a string. */
int finish_child(lua_State *L);

/* in_child(fn): both. */
int in_child(lua_State *L);

#endif
