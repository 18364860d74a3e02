/* A store for those whose work may have to wait, as a server's does, which no function here may: it
 * is handed the entries of one key, lets the cache do its work on them, and writes down what is to
 * be done in the real store, for its owner to do afterwards. With another store near by, that is
 * where it keeps them, too, as far as that one takes them.
 *
 * Not for several threads. */
#ifndef VI_CACHE_JOURNAL_H
#define VI_CACHE_JOURNAL_H

#include "cache/store.h"

typedef enum vi_journal_kind {
  VI_JOURNAL_PUT,
  VI_JOURNAL_REMOVE,     /* this entry */
  VI_JOURNAL_INVALIDATE, /* all of the key, and what was asked for before */
} vi_journal_kind;

typedef struct vi_journal_line {
  vi_journal_kind kind;
  vi_buffer key;
  vi_stored *entry; /* one reference; NULL for INVALIDATE */
} vi_journal_line;

typedef struct vi_journal {
  vi_store store;
  vi_store *near;                            /* one reference; NULL: none */
  vi_stored *entries[VI_STORE_MAX_VARIANTS]; /* near by, only those that it does not take */
  size_t count;
  vi_buffer key; /* which those near by are of; empty for what is only shown */
  vi_journal_line *lines;
  size_t line_count;
  bool incomplete; /* out of memory: something is to be done that is not written down */
} vi_journal;

/* Makes an empty one, whose `store` is used as any other but never released; `near` may be NULL. */
void vi_journal_open(vi_journal *journal, vi_store *near);

/* Forgets the entries that it was handed and what it has written down. */
void vi_journal_clear(vi_journal *journal);

/* Gives back all that it holds. */
void vi_journal_close(vi_journal *journal);

/* Hands it one more entry of `key`, whose reference it takes over; beyond what a key may have it is
 * dropped. */
void vi_journal_add(vi_journal *journal, vi_text key, vi_stored *entry);

/* Likewise, for who peeks and nobody else: the store near by is not touched. */
void vi_journal_show(vi_journal *journal, vi_stored *entry);

#endif
