/* What the two files of the Response share: response.c makes and copies them, response_fields.c
 * tells what they hold. */
#ifndef VI_BINDING_RESPONSE_H
#define VI_BINDING_RESPONSE_H

#include "binding/objects.h"

/* User values of a Response: its Headers view and its decoded content once somebody asked, and the
 * table of further facts that layers add (history, cache, ...); behind them those of the transfer.
 */
enum { VI_RESPONSE_HEADERS = 1, VI_RESPONSE_CONTENT, VI_RESPONSE_FACTS };

/* Sets __index of the metatable on top of the stack: fields, the methods in the table below it, and
 * the facts of layers. */
VI_RAISES void vi_set_response_index(lua_State *L);

#endif
