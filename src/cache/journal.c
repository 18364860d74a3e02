#include "cache/journal.h"

#include "message/memory.h"

/* Adds what the store near by has of other variants; how many there are then. */
static size_t add_near(vi_store *near, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS],
                       size_t shown, bool uses) {
  vi_stored *others[VI_STORE_MAX_VARIANTS];
  size_t found = near->methods->get(near, key, others, uses), count = shown;
  for (size_t i = 0; i < found; i++) {
    bool adds = count < VI_STORE_MAX_VARIANTS;
    for (size_t j = 0; adds && j < shown; j++)
      adds = !vi_stored_same_variant(entries[j], others[i]);
    if (adds)
      entries[count++] = others[i];
    else
      vi_stored_release(others[i]);
  }
  return count;
}

static size_t journal_get(vi_store *base, vi_text key, vi_stored *entries[VI_STORE_MAX_VARIANTS],
                          bool uses) {
  vi_journal *journal = (vi_journal *)base;
  if (journal->near && uses && !vi_text_equal(key, vi_buffer_text(&journal->key)))
    return vi_store_get(journal->near, key, entries);
  for (size_t i = 0; i < journal->count; i++)
    entries[i] = vi_stored_retain(journal->entries[i]);
  return journal->near ? add_near(journal->near, key, entries, journal->count, uses)
                       : journal->count;
}

static bool write_down(vi_journal *journal, vi_journal_kind kind, vi_text key, vi_stored *entry) {
  vi_journal_line line = {.kind = kind};
  vi_journal_line *lines =
      vi_realloc(journal->lines, (journal->line_count + 1) * sizeof *journal->lines);
  if (!lines)
    return false;
  journal->lines = lines;
  if (!vi_buffer_append_text(&line.key, key)) {
    vi_buffer_free(&line.key);
    return false;
  }
  line.entry = entry ? vi_stored_retain(entry) : NULL;
  journal->lines[journal->line_count++] = line;
  return true;
}

static void note(vi_journal *journal, vi_journal_kind kind, vi_text key, vi_stored *entry) {
  if (!write_down(journal, kind, key, entry))
    journal->incomplete = true;
}

static bool journal_put(vi_store *base, vi_text key, vi_stored *entry) {
  vi_journal *journal = (vi_journal *)base;
  if (journal->near)
    vi_store_put(journal->near, key, entry);
  note(journal, VI_JOURNAL_PUT, key, entry);
  return true;
}

static void journal_remove(vi_store *base, vi_text key, const vi_stored *entry) {
  vi_journal *journal = (vi_journal *)base;
  if (journal->near && entry)
    vi_store_remove(journal->near, key, entry);
  else if (journal->near)
    journal->near->methods->remove(journal->near, key, NULL); /* the count is one */
  note(journal, entry ? VI_JOURNAL_REMOVE : VI_JOURNAL_INVALIDATE, key, (vi_stored *)entry);
}

/* Nobody clears or counts a journal. */
static void journal_clear(vi_store *base) {
  (void)base;
}

static size_t journal_nothing(vi_store *base) {
  (void)base;
  return 0;
}

void vi_journal_open(vi_journal *journal, vi_store *near) {
  static const vi_store_methods methods = {
      .get = journal_get,
      .put = journal_put,
      .remove = journal_remove,
      .clear = journal_clear,
      .count = journal_nothing,
      .bytes = journal_nothing,
  };
  *journal = (vi_journal){.near = near ? vi_store_retain(near) : NULL};
  vi_store_init(&journal->store, &methods);
  if (near) {
    journal->store.generations = near->generations;
    journal->store.stripes = near->stripes;
  }
}

void vi_journal_clear(vi_journal *journal) {
  for (size_t i = 0; i < journal->count; i++)
    vi_stored_release(journal->entries[i]);
  for (size_t i = 0; i < journal->line_count; i++) {
    vi_buffer_free(&journal->lines[i].key);
    vi_stored_release(journal->lines[i].entry);
  }
  vi_free(journal->lines);
  vi_buffer_free(&journal->key);
  journal->lines = NULL;
  journal->count = journal->line_count = 0;
  journal->incomplete = false;
}

void vi_journal_close(vi_journal *journal) {
  vi_journal_clear(journal);
  vi_store_release(journal->near);
  journal->near = NULL;
}

/* False: out of memory. */
static bool name_key(vi_journal *journal, vi_text key) {
  return journal->key.length > 0 || vi_buffer_append_text(&journal->key, key);
}

void vi_journal_add(vi_journal *journal, vi_text key, vi_stored *entry) {
  if (journal->near && (vi_store_put(journal->near, key, entry) || !name_key(journal, key)))
    vi_stored_release(entry);
  else
    vi_journal_show(journal, entry);
}

void vi_journal_show(vi_journal *journal, vi_stored *entry) {
  if (journal->count < VI_STORE_MAX_VARIANTS)
    journal->entries[journal->count++] = entry;
  else
    vi_stored_release(entry);
}
