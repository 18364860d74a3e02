#include "binding/cache_journal.h"

#include "cache/cache.h"
#include "cache/codec.h"

lua_Integer vi_load_journal(lua_State *L, int index, vi_text key, vi_journal *journal, bool shows) {
  lua_Integer count = lua_isnoneornil(L, index) ? 0 : luaL_len(L, index), bad = 0;
  vi_journal_clear(journal);
  for (lua_Integer i = 1; i <= count; i++, lua_pop(L, 1)) {
    vi_stored *entry = NULL;
    if (lua_geti(L, index, i) == LUA_TSTRING)
      entry = vi_stored_decode(vi_check_text(L, -1));
    if (entry && shows)
      vi_journal_show(journal, entry);
    else if (entry)
      vi_journal_add(journal, key, entry);
    else
      bad++;
  }
  return bad;
}

static void push_buffer(lua_State *L, bool made, vi_buffer *buffer) {
  if (!made)
    luaL_error(L, "out of memory");
  vi_push_text(L, vi_buffer_text(buffer));
}

/* An open buffer that is freed when the userdata is collected: a string is made of it. */
static vi_buffer *push_scratch(lua_State *L) {
  vi_verdict *verdict = vi_push_box(L, sizeof *verdict, 0, VI_TYPE_VERDICT);
  return &verdict->key;
}

/* { kind, key, variant, entry, seconds, tags, body } */
static void push_line(lua_State *L, const vi_journal_line *line, const vi_policy *policy,
                      double now) {
  static const char *const kinds[] = {[VI_JOURNAL_PUT] = "put",
                                      [VI_JOURNAL_REMOVE] = "remove",
                                      [VI_JOURNAL_INVALIDATE] = "invalidate"};
  vi_buffer *scratch = push_scratch(L);
  lua_createtable(L, 0, 7);
  vi_set_text(L, "kind", vi_text_of(kinds[line->kind]));
  vi_set_text(L, "key", vi_buffer_text(&line->key));
  if (line->entry) {
    push_buffer(L, vi_stored_variant(line->entry, scratch), scratch);
    lua_setfield(L, -2, "variant");
  }
  if (line->kind == VI_JOURNAL_PUT) {
    vi_buffer_clear(scratch);
    push_buffer(L, vi_stored_encode(line->entry, scratch), scratch);
    lua_setfield(L, -2, "entry");
    lua_pushnumber(L, vi_stored_useful(line->entry, policy, now));
    lua_setfield(L, -2, "seconds");
    vi_text tags = vi_stored_text_of(line->entry, VI_STORED_TAGS), tag;
    lua_newtable(L);
    for (lua_Integer i = 1; vi_unpack(&tags, &tag); i++) {
      vi_push_text(L, tag);
      lua_rawseti(L, -2, i);
    }
    lua_setfield(L, -2, "tags");
    if (line->entry->flags & VI_STORED_APART)
      vi_set_text(L, "body", vi_stored_body(line->entry));
  }
  vi_buffer_free(scratch);
  lua_remove(L, -2);
}

void vi_push_journal(lua_State *L, vi_journal *journal, const vi_policy *policy, double now) {
  if (!journal || (journal->line_count == 0 && !journal->incomplete)) {
    lua_pushnil(L);
    return;
  }
  if (journal->incomplete)
    luaL_error(L, "out of memory");
  lua_createtable(L, (int)journal->line_count, 0);
  for (size_t i = 0; i < journal->line_count; i++) {
    push_line(L, &journal->lines[i], policy, now);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  vi_journal_clear(journal);
}
