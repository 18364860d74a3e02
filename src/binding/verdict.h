/* What a lookup has decided, as the binding's other files see it. */
#ifndef VI_BINDING_VERDICT_H
#define VI_BINDING_VERDICT_H

#include "binding/support.h"
#include "cache/cache.h"

/* Pushes the name of what was found for the request: its key and its variant. */
VI_RAISES void vi_push_verdict_name(lua_State *L, const vi_verdict *verdict,
                                    const vi_request *request);

#endif
