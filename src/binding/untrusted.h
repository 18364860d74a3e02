/* What the two halves of running an untrusted chain share: untrusted.c runs it, untrusted_data.c
 * brings back what it returns. */
#ifndef VI_BINDING_UNTRUSTED_H
#define VI_BINDING_UNTRUSTED_H

#include "binding/support.h"

enum { VI_UNTRUSTED_MEMORY = 8 * 1024 * 1024 }; /* bytes: for the state, and for the data */

/* A word of a chain, called in the throwaway state: a userdata of this and two user values. */
typedef struct vi_call {
  int line, count;
} vi_call;

enum { VI_CALL_WORD = 1, VI_CALL_ARGUMENTS, VI_CALL_VALUES = VI_CALL_ARGUMENTS };

/* What a word is there; its name is upvalue 1. */
int vi_call_word(lua_State *U);

/* Where the registry has the metatable of calls that were brought over. */
extern const char VI_TYPE_UNTRUSTED_CALL[];

/* Pushes the value on top of `U`, which goes, in `L`. The table at `calls` is for the calls that
 * are there already, `name` for messages. Raises in `L` a sentence where it is no data, or too
 * much; nothing is raised in `U`, nor allocated. */
VI_RAISES void vi_cross(lua_State *U, lua_State *L, int calls, const char *name);

#endif
