/* cache/journal: a store that writes down what is to be done in another. */
#include "cache/journal.h"

#include "caching.h"
#include "stores.h"
#include "tap.h"

static void close_journal(void *journal) {
  vi_journal_close(journal);
}

/* One in front of `near`, which may be NULL. */
static vi_journal *journal_over(vi_store *near) {
  static vi_journal journal;
  vi_journal_open(&journal, near);
  tap_defer(close_journal, &journal);
  return &journal;
}

static void add(vi_journal *journal, vi_stored *entry) {
  vi_journal_add(journal, VI_TEXT(URL), vi_stored_retain(entry));
}

IT("lets a cache work on what it was handed") {
  vi_journal *journal = journal_over(NULL);
  add(journal, entry_with("Cache-Control: max-age=60"));
  check_text(hit_at(&journal->store, 59, ""), "content");
  check_int(journal->line_count, 0);
  check_int(action_at(&journal->store, 60, ""), VI_ACTION_FETCH);
  vi_journal_clear(journal);
  check_int(action_at(&journal->store, 0, ""), VI_ACTION_FETCH);
}

IT("writes down what is put, removed and invalidated, in order") {
  vi_journal *journal = journal_over(NULL);
  add(journal, entry_with("Cache-Control: max-age=60\nETag: \"1\""));
  get_at(&journal->store, 70, "", 200, "Cache-Control: max-age=60", "new");
  send_at(&journal->store, 71, "PUT", "", 204, "", "");
  check_int(journal->line_count, 3);
  check_int(journal->lines[0].kind, VI_JOURNAL_REMOVE);
  check_text(kept(journal->lines[0].entry, "ETag"), "\"1\"");
  check_int(journal->lines[1].kind, VI_JOURNAL_PUT);
  check_text(vi_stored_body(journal->lines[1].entry), "new");
  check_int(journal->lines[2].kind, VI_JOURNAL_INVALIDATE);
  for (size_t i = 0; i < 3; i++)
    check_text(vi_buffer_text(&journal->lines[i].key), URL);
}

IT("takes no more entries than a key may have") {
  vi_journal *journal = journal_over(NULL);
  for (int i = 0; i < VI_STORE_MAX_VARIANTS + 3; i++)
    add(journal, entry_with("Cache-Control: max-age=60"));
  check_int(journal->count, VI_STORE_MAX_VARIANTS);
}

IT("does the same in the store near by, and counts there") {
  vi_store *near = new_store();
  vi_journal *journal = journal_over(near);
  add(journal, entry_with("Cache-Control: max-age=60"));
  check_int(vi_store_count(near), 1);
  check_text(hit_at(&journal->store, 1, ""), "content");
  get_at(&journal->store, 70, "", 200, "Cache-Control: max-age=60", "new");
  check_text(hit_at(near, 71, ""), "new");
  unsigned before = vi_store_generation(near, VI_TEXT(URL));
  send_at(&journal->store, 72, "POST", "", 200, "", "");
  check(vi_store_generation(near, VI_TEXT(URL)) != before);
  check_int(vi_store_count(near), 0);
  check_int(count_of(near, VI_STORE_HITS), 2);
}

IT("shows what it was shown to who peeks, in front of what is near, and to nobody else") {
  vi_store *near = new_store();
  vi_journal *journal = journal_over(near);
  vi_stored *shown = entry_with("B: far"), *entries[VI_STORE_MAX_VARIANTS];
  vi_store_put(near, VI_TEXT(URL), entry_with("B: near"));
  vi_store_put(near, VI_TEXT(URL), entry_for(&SHARED, "A: 1", "Vary: A"));
  vi_journal_show(journal, vi_stored_retain(shown));
  check_int(vi_store_peek(&journal->store, VI_TEXT(URL), entries), 2);
  check(entries[0] == shown);
  check_text(kept(entries[1], "Vary"), "A");
  vi_stored_release(entries[0]);
  vi_stored_release(entries[1]);
  check_int(get(&journal->store, URL), 2);
  vi_journal_clear(journal);
  check_int(peek(&journal->store, URL), 2);
  check_int(count_of(near, VI_STORE_STORES), 2);
}
