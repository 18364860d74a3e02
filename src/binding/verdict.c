/* What a lookup has decided, which is held until the answer is there. */
#include "binding/verdict.h"

#include "binding/objects.h"

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

void vi_push_verdict_name(lua_State *L, const vi_verdict *verdict, const vi_request *request) {
  vi_text key = vi_verdict_key(verdict, request);
  vi_verdict *scratch = vi_push_box(L, sizeof *scratch, 0, VI_TYPE_VERDICT);
  if (verdict->selected && !vi_stored_variant(verdict->selected, &scratch->key))
    luaL_error(L, "out of memory");
  lua_pushfstring(L, "%I:", (LUAI_UACINT)key.length);
  vi_push_text(L, key);
  vi_push_text(L, vi_buffer_text(&scratch->key));
  lua_concat(L, 3);
  vi_verdict_clear(scratch);
  lua_remove(L, -2);
}

/* verdict:name(request) -> of what was found for it: its key and variant */
static int verdict_name(lua_State *L) {
  vi_push_verdict_name(L, vi_check_box(L, 1, VI_TYPE_VERDICT), vi_check_request(L, 2));
  return 1;
}

/* verdict:validates() -> whether something is there that has to be asked about first */
static int verdict_validates(lua_State *L) {
  const vi_verdict *verdict = vi_check_box(L, 1, VI_TYPE_VERDICT);
  lua_pushboolean(L,
                  verdict->action == VI_ACTION_VALIDATE || verdict->action == VI_ACTION_COMPLETE);
  return 1;
}

void vi_open_verdict(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__gc", verdict_gc}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"collapses", verdict_collapses},
                                     {"key", verdict_key},
                                     {"name", verdict_name},
                                     {"validates", verdict_validates},
                                     {NULL, NULL}};
  vi_new_type(L, VI_TYPE_VERDICT, "Verdict", metamethods, methods);
}
