/* What is to be done in a store elsewhere, as Lua sees it. */
#ifndef VI_BINDING_CACHE_JOURNAL_H
#define VI_BINDING_CACHE_JOURNAL_H

#include "binding/support.h"
#include "cache/journal.h"

/* Hands the journal the encoded entries of `key` in the list at `index`, or only `shows` it them;
 * returns how many of them are none. */
VI_RAISES lua_Integer vi_load_journal(lua_State *L, int index, vi_text key, vi_journal *journal,
                                      bool shows);

/* Pushes a list of what is written down, { kind = "put", "remove" or "invalidate", key, variant,
 * entry, seconds, tags, body } each, and forgets it; nil for nothing or no journal. */
VI_RAISES void vi_push_journal(lua_State *L, vi_journal *journal, const vi_policy *policy,
                               double now);

#endif
