/* What a lookup has decided, which is held until the answer is there. */
#include "binding/objects.h"

#include "cache/cache.h"

static int verdict_gc(lua_State *L) {
  vi_verdict_clear(vi_check_box(L, 1, VI_TYPE_VERDICT));
  return 0;
}

/* verdict:collapses(request) -> whether others may wait for the answer */
static int verdict_collapses(lua_State *L) {
  const vi_verdict *verdict = vi_check_box(L, 1, VI_TYPE_VERDICT);
  lua_pushboolean(L, vi_verdict_collapses(verdict, vi_check_request(L, 2)));
  return 1;
}

/* verdict:key(request) -> string */
static int verdict_key(lua_State *L) {
  const vi_verdict *verdict = vi_check_box(L, 1, VI_TYPE_VERDICT);
  vi_push_text(L, vi_verdict_key(verdict, vi_check_request(L, 2)));
  return 1;
}

/* verdict:variant() -> the name of the entry that was selected, among those of the key; nil: none
 */
static int verdict_variant(lua_State *L) {
  const vi_verdict *verdict = vi_check_box(L, 1, VI_TYPE_VERDICT);
  if (!verdict->selected)
    return 0;
  vi_verdict *scratch = vi_push_box(L, sizeof *scratch, 0, VI_TYPE_VERDICT);
  if (!vi_stored_variant(verdict->selected, &scratch->key))
    return luaL_error(L, "out of memory");
  vi_push_text(L, vi_buffer_text(&scratch->key));
  vi_verdict_clear(scratch);
  return 1;
}

void vi_open_verdict(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", verdict_gc}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"collapses", verdict_collapses},
                                     {"key", verdict_key},
                                     {"variant", verdict_variant},
                                     {NULL, NULL}};
  vi_new_type(L, VI_TYPE_VERDICT, "Verdict", metamethods, methods);
}
