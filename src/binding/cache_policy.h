/* A cache's policy, and what the user says of a response, read from tables. */
#ifndef VI_BINDING_CACHE_POLICY_H
#define VI_BINDING_CACHE_POLICY_H

#include "binding/support.h"
#include "cache/policy.h"
#include "cache/stored.h"

/* Fills `policy` from the table at `index`, checked by caching.lua: `shared`, `store_errors`,
 * `stale_on_disconnect`, `select_language` (booleans), `heuristic`, `stale_if_error`,
 * `stale_while_revalidate` (numbers), `set_cookie` (a string), `targeted`, `methods` (lists of
 * strings), `session`. Pushes what the policy points into, to be kept as long as it. */
VI_RAISES void vi_read_policy(lua_State *L, int index, vi_policy *policy);

/* Reads { ttl, refuses, tags (packed) } at `index` into `out` and returns that; NULL for nil. */
VI_RAISES const vi_choices *vi_read_choices(lua_State *L, int index, vi_choices *out);

/* The store of the Cache at `index`, and its policy; raises if it is none. Borrowed from it. */
VI_RAISES struct vi_store *vi_check_cache(lua_State *L, int index, const vi_policy **policy);

#endif
