/* A cache's policy, read from a table. */
#ifndef VI_BINDING_CACHE_POLICY_H
#define VI_BINDING_CACHE_POLICY_H

#include "binding/support.h"
#include "cache/policy.h"

/* Fills `policy` from the table at `index`, checked by caching.lua: `shared`, `store_errors`,
 * `stale_on_disconnect`, `select_language` (booleans), `heuristic`, `stale_if_error`,
 * `stale_while_revalidate` (numbers), `set_cookie` (a string), `targeted`, `methods` (lists of
 * strings), `session`. Pushes what the policy points into, to be kept as long as it. */
VI_RAISES void vi_read_policy(lua_State *L, int index, vi_policy *policy);

#endif
