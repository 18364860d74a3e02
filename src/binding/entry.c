/* What entries are made of, for Lua: encoded ones, for stores that keep large bodies apart from
 * them, and packed texts. */
#include "binding/objects.h"

#include "cache/cache.h"
#include "cache/codec.h"

/* Pushes what is freed when it is collected: room for an entry, which may be NULL, and a buffer. */
static vi_verdict *push_room(lua_State *L, vi_stored **entry) {
  vi_verdict *room = vi_push_box(L, sizeof *room, 0, VI_TYPE_VERDICT);
  *entry = room->candidates[0] = vi_stored_decode(vi_check_text(L, 1));
  room->count = *entry ? 1 : 0;
  return room;
}

/* entry_body(entry, any) -> the name of its body, which stands apart; nil: it does not. `any`: its
 * body, wherever that stands; nil: it is a part, which is no use apart */
static int entry_body(lua_State *L) {
  if (!lua_toboolean(L, 2) && !vi_stored_is_apart(vi_check_text(L, 1)))
    return 0;
  vi_stored *entry;
  vi_verdict *room = push_room(L, &entry);
  bool usable = entry && !(entry->flags & VI_STORED_PARTIAL);
  if (usable)
    vi_push_text(L, vi_stored_body(entry));
  vi_verdict_clear(room);
  return usable;
}

/* entry_with_body(entry, body, apart) -> the entry with that body, or with one that stands apart
 * under that name; nil: it is damaged */
static int entry_with_body(lua_State *L) {
  vi_text body = vi_check_text(L, 2);
  vi_stored *entry;
  vi_verdict *room = push_room(L, &entry);
  if (!entry)
    return 0;
  vi_stored *changed = vi_stored_with_body(entry, body, lua_toboolean(L, 3));
  vi_stored_release(entry);
  room->candidates[0] = changed;
  room->count = changed ? 1 : 0;
  if (!changed || !vi_stored_encode(changed, &room->key))
    return luaL_error(L, "out of memory");
  vi_push_text(L, vi_buffer_text(&room->key));
  vi_verdict_clear(room);
  return 1;
}

/* checksum(first, second) -> that of both, one behind the other */
static int checksum(lua_State *L) {
  vi_text first = vi_check_text(L, 1), second = vi_check_text(L, 2);
  lua_pushinteger(L, vi_checksum(vi_checksum(0, first), second));
  return 1;
}

/* pack(list of strings) -> string, as vi_choices has its tags */
static int pack(lua_State *L) {
  luaL_Buffer out;
  lua_Integer count = luaL_len(L, 1);
  luaL_buffinit(L, &out);
  for (lua_Integer i = 1; i <= count; i++) {
    char length[VI_PACK_LENGTH_MAX];
    lua_rawgeti(L, 1, i);
    luaL_addlstring(&out, length, vi_pack_length(vi_check_text(L, -1).length, length));
    luaL_addvalue(&out);
  }
  luaL_pushresult(&out);
  return 1;
}

void vi_open_entry(lua_State *L) {
  static const luaL_Reg functions[] = {{"entry_body", entry_body},
                                       {"entry_with_body", entry_with_body},
                                       {"checksum", checksum},
                                       {"pack", pack},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
