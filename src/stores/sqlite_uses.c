/* A hit is noted in memory, not in the file. A note is written when something has to go and its
 * entry would be the next, which it then is not, and all of them now and then, for other
 * processes. Between two such times only so many are noted: a sample, of what is asked for most. */
#include "stores/sqlite_file.h"

#include <string.h>

enum {
  PATIENCE = 10000, /* milliseconds between two times that uses are written */
  FULL = VI_SQLITE_USES / 4 * 3,
  MOST_EVICTED = 10000, /* at once; more is to be removed only where a limit was lowered */
  SOME_EXPIRED = 8,
};

/* Where the note of an entry is, or would be. */
static int place_of(const vi_sqlite *file, int64_t id) {
  uint64_t place = (uint64_t)id * 0x9e3779b97f4a7c15u >> 32;
  while (file->uses[place % VI_SQLITE_USES].id != id && file->uses[place % VI_SQLITE_USES].id != 0)
    place++;
  return (int)(place % VI_SQLITE_USES);
}

void vi_sqlite_note_use(vi_sqlite *file, int64_t id, int64_t now) {
  int place = place_of(file, id);
  if (file->uses[place].id != id) {
    if (file->use_count == FULL || id == 0)
      return;
    file->use_count++;
  }
  file->uses[place].id = id;
  file->uses[place].when = now;
}

bool vi_sqlite_uses_due(const vi_sqlite *file) {
  return file->use_count > 0 && vi_sqlite_elapsed() - file->flushed >= PATIENCE;
}

void vi_sqlite_forget_uses(vi_sqlite *file) {
  memset(file->uses, 0, sizeof file->uses);
  file->use_count = 0;
  file->flushed = vi_sqlite_elapsed();
}

static int write_use(vi_sqlite *file, int place) {
  sqlite3_stmt *query = file->queries[VI_SQL_USE];
  sqlite3_bind_int64(query, 1, file->uses[place].id);
  sqlite3_bind_int64(query, 2, file->uses[place].when);
  file->uses[place].when = 0;
  return vi_sqlite_run(file, VI_SQL_USE);
}

int vi_sqlite_write_uses(vi_sqlite *file) {
  int rc = SQLITE_OK;
  for (int i = 0; i < VI_SQLITE_USES && rc == SQLITE_OK; i++)
    if (file->uses[i].when != 0)
      rc = write_use(file, i);
  vi_sqlite_forget_uses(file);
  return rc;
}

/* SQLITE_DONE: nothing is over its limit. */
static int is_over(vi_sqlite *file) {
  sqlite3_stmt *query = file->queries[VI_SQL_TOTALS];
  const vi_sqlite_limits *limits = &file->limits;
  bool over = sqlite3_step(query) == SQLITE_ROW &&
              ((limits->entries > 0 && sqlite3_column_int64(query, 0) > limits->entries) ||
               (limits->bytes > 0 && sqlite3_column_int64(query, 1) > limits->bytes));
  int rc = sqlite3_reset(query);
  return rc == SQLITE_OK && !over ? SQLITE_DONE : rc;
}

static int remove_expired(vi_sqlite *file, int64_t now, int *count) {
  sqlite3_stmt *query = file->queries[VI_SQL_REMOVE_EXPIRED];
  sqlite3_bind_int64(query, 1, now);
  sqlite3_bind_int(query, 2, SOME_EXPIRED);
  int rc = vi_sqlite_run(file, VI_SQL_REMOVE_EXPIRED);
  *count = sqlite3_changes(file->db);
  file->stats.evictions += *count;
  return rc;
}

/* SQLITE_CORRUPT: there is none, though there are too many. */
static int remove_least_used(vi_sqlite *file, int64_t newest) {
  sqlite3_stmt *query = file->queries[VI_SQL_LEAST_USED];
  sqlite3_bind_int64(query, 1, newest);
  int64_t id = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
  int rc = sqlite3_reset(query);
  if (rc != SQLITE_OK || id == 0)
    return rc == SQLITE_OK ? SQLITE_CORRUPT : rc;
  int place = place_of(file, id);
  if (file->uses[place].when != 0)
    return write_use(file, place);
  sqlite3_bind_int64(file->queries[VI_SQL_REMOVE_ID], 1, id);
  file->stats.evictions++;
  return vi_sqlite_run(file, VI_SQL_REMOVE_ID);
}

int vi_sqlite_evict(vi_sqlite *file, int64_t newest, int64_t now) {
  int expired, rc = remove_expired(file, now, &expired);
  for (int i = 0; i < MOST_EVICTED && rc == SQLITE_OK; i++) {
    rc = is_over(file);
    if (rc == SQLITE_OK && expired > 0)
      rc = remove_expired(file, now, &expired);
    else if (rc == SQLITE_OK)
      rc = remove_least_used(file, newest);
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
