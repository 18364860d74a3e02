#include "stores/sqlite_file.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 500 * 1000 * 1000 }; /* half of what SQLite takes */

/* FNV-1a, begun by what no server can know. */
static uint64_t hash_of(const vi_sqlite *file, vi_bytes key) {
  uint64_t hash = 14695981039346656037u ^ file->seed;
  for (size_t i = 0; i < key.length; i++)
    hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211u;
  hash ^= hash >> 32;
  return hash != 0 ? hash : 1;
}

/* SQLite reads them where they are, until the query is done. */
void vi_sqlite_bind(sqlite3_stmt *query, int place, vi_bytes bytes) {
  sqlite3_bind_blob64(query, place, bytes.length > 0 ? bytes.data : "", bytes.length,
                      SQLITE_STATIC);
}

/* The query with its first two places bound. */
sqlite3_stmt *vi_sqlite_query_of(vi_sqlite *file, vi_sqlite_query which, uint64_t hash,
                                 vi_bytes key) {
  sqlite3_stmt *query = file->queries[which];
  sqlite3_bind_int64(query, 1, (int64_t)hash);
  vi_sqlite_bind(query, 2, key);
  return query;
}

int vi_sqlite_run_for(vi_sqlite *file, vi_sqlite_query query, int64_t number) {
  sqlite3_bind_int64(file->queries[query], 1, number);
  return vi_sqlite_run(file, query);
}

int vi_sqlite_commit(vi_sqlite *file, int rc) {
  return rc == SQLITE_OK ? vi_sqlite_run(file, VI_SQL_COMMIT) : rc;
}

int vi_sqlite_add_found(vi_sqlite_found *found, sqlite3_stmt *query, int column) {
  const void *data = sqlite3_column_blob(query, column);
  size_t length = (size_t)sqlite3_column_bytes(query, column);
  size_t start = found->count > 0 ? found->ends[found->count - 1] : 0;
  if (!data && (length > 0 || sqlite3_column_type(query, column) == SQLITE_NULL))
    return length > 0 ? SQLITE_NOMEM : SQLITE_CORRUPT;
  if (found->count == VI_SQLITE_VARIANTS)
    return SQLITE_OK;
  if (start + length > found->capacity) {
    char *larger = realloc(found->data, start + length);
    if (!larger)
      return SQLITE_NOMEM;
    found->data = larger;
    found->capacity = start + length;
  }
  if (length > 0)
    memcpy(found->data + start, data, length);
  found->ends[found->count++] = start + length;
  return SQLITE_OK;
}

static int read_key(vi_sqlite *file, vi_bytes key, vi_sqlite_found *found) {
  int64_t now = vi_sqlite_now();
  uint64_t hash = hash_of(file, key);
  sqlite3_stmt *query = vi_sqlite_query_of(file, VI_SQL_GET, hash, key);
  sqlite3_bind_int64(query, 3, now);
  sqlite3_bind_int64(query, 4, (int64_t)(hash % VI_SQLITE_STRIPES));
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW) {
    found->generation = sqlite3_column_int64(query, 0);
    if (sqlite3_column_type(query, 1) == SQLITE_NULL)
      continue;
    rc = vi_sqlite_add_found(found, query, 2);
    vi_sqlite_note_use(file, sqlite3_column_int64(query, 1), now);
  }
  int ended = sqlite3_reset(query);
  return rc == SQLITE_OK ? ended : rc;
}

/* Without waiting for anybody: another time will do. */
static int try_to_write_uses(vi_sqlite *file) {
  file->deadline = 0;
  int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
  if ((rc & 0xff) == SQLITE_BUSY)
    return SQLITE_OK;
  if (rc == SQLITE_OK)
    rc = vi_sqlite_write_uses(file);
  return vi_sqlite_commit(file, rc);
}

void vi_sqlite_get(vi_sqlite *file, vi_bytes key, vi_sqlite_found *found) {
  found->count = 0;
  found->generation = -1;
  if (vi_sqlite_enter(file, false)) {
    int rc = read_key(file, key, found);
    if (rc != SQLITE_OK) {
      found->count = 0;
      found->generation = -1;
    } else if (vi_sqlite_uses_due(file)) {
      rc = try_to_write_uses(file);
    }
    vi_sqlite_leave(file, rc);
  }
  *(found->count > 0 ? &file->stats.hits : &file->stats.misses) += 1;
}

/* SQLITE_DONE: the key was invalidated meanwhile. */
static int check_generation(vi_sqlite *file, uint64_t hash, int64_t expected) {
  sqlite3_stmt *query = file->queries[VI_SQL_GENERATION];
  sqlite3_bind_int64(query, 1, (int64_t)(hash % VI_SQLITE_STRIPES));
  bool same = sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int64(query, 0) == expected;
  int rc = sqlite3_reset(query);
  return rc == SQLITE_OK && !same ? SQLITE_DONE : rc;
}

static int64_t size_of(const vi_sqlite_put *put) {
  size_t size = put->key.length + put->variant.length + put->entry.length + VI_SQLITE_OVERHEAD;
  for (int i = 0; i < put->tag_count; i++)
    size += 2 * put->tags[i].length;
  size += (size_t)put->body_size;
  return size < INT64_MAX ? (int64_t)size : INT64_MAX;
}

bool vi_sqlite_is_too_large(const vi_sqlite *file, int64_t size) {
  const vi_sqlite_limits *limits = &file->limits;
  return (limits->bytes && size > limits->bytes) ||
         (limits->entry_bytes && size > limits->entry_bytes);
}

static bool is_worth_it(const vi_sqlite *file, const vi_sqlite_put *put) {
  return put->seconds > 0 && put->entry.length <= LARGEST &&
         !vi_sqlite_is_too_large(file, size_of(put));
}

static int insert(vi_sqlite *file, const vi_sqlite_put *put, uint64_t hash, int64_t now) {
  const double longest = 1e12; /* seconds, more than 30000 years */
  double seconds = put->seconds < longest ? put->seconds : longest;
  sqlite3_stmt *query = vi_sqlite_query_of(file, VI_SQL_INSERT, hash, put->key);
  vi_sqlite_bind(query, 3, put->variant);
  sqlite3_bind_int64(query, 4, size_of(put));
  sqlite3_bind_int64(query, 5, now + (int64_t)(seconds * 1e6));
  sqlite3_bind_int64(query, 6, now);
  sqlite3_bind_int64(query, 7, put->body);
  sqlite3_bind_int64(query, 8, put->body_size);
  int rc = vi_sqlite_run(file, VI_SQL_INSERT);
  int64_t id = sqlite3_last_insert_rowid(file->db);
  if (rc == SQLITE_OK) {
    query = file->queries[VI_SQL_INSERT_BODY];
    sqlite3_bind_int64(query, 1, id);
    sqlite3_bind_int64(query, 2, (int64_t)hash);
    vi_sqlite_bind(query, 3, put->entry);
    rc = vi_sqlite_run(file, VI_SQL_INSERT_BODY);
  }
  for (int i = 0; i < put->tag_count && rc == SQLITE_OK; i++) {
    vi_sqlite_bind(file->queries[VI_SQL_INSERT_TAG], 1, put->tags[i]);
    sqlite3_bind_int64(file->queries[VI_SQL_INSERT_TAG], 2, id);
    rc = vi_sqlite_run(file, VI_SQL_INSERT_TAG);
  }
  if (rc == SQLITE_OK) {
    sqlite3_bind_int(vi_sqlite_query_of(file, VI_SQL_REMOVE_OLDEST, hash, put->key), 3,
                     VI_SQLITE_VARIANTS);
    rc = vi_sqlite_run(file, VI_SQL_REMOVE_OLDEST);
  }
  return rc == SQLITE_OK ? vi_sqlite_evict(file, id, now) : rc;
}

/* Takes the body over from whoever has it, who goes. */
static int take_body(vi_sqlite *file, int64_t holder) {
  int rc = vi_sqlite_run_for(file, VI_SQL_GIVE_BODY, holder);
  return rc == SQLITE_OK ? vi_sqlite_run_for(file, VI_SQL_REMOVE_ID, holder) : rc;
}

/* Within a transaction. SQLITE_DONE: refused; a body still belongs to whoever had it. */
static int replace(vi_sqlite *file, vi_sqlite_put *put, uint64_t hash) {
  int64_t holder = 0;
  int rc = put->checked ? check_generation(file, hash, put->generation) : SQLITE_OK;
  if (rc == SQLITE_OK && put->body != 0)
    rc = vi_sqlite_find_body(file, put->body, &holder, &put->body_size);
  bool worth_it = is_worth_it(file, put) && (put->body == 0) == (holder == 0);
  if (rc == SQLITE_OK && worth_it && holder != 0)
    rc = take_body(file, holder);
  if (rc != SQLITE_OK)
    return rc;
  rc = vi_sqlite_retire(file, hash, put->key, put->variant);
  if (rc == SQLITE_OK && worth_it)
    rc = insert(file, put, hash, vi_sqlite_now());
  if (rc == SQLITE_OK && vi_sqlite_uses_due(file))
    rc = vi_sqlite_write_uses(file);
  return rc == SQLITE_OK && !worth_it ? SQLITE_DONE : rc;
}

static int64_t least(int64_t one, int64_t other) {
  return one == 0 || (other != 0 && other < one) ? other : one;
}

/* The limits of the file are narrowed by those of who puts something, while it does. */
static vi_sqlite_limits narrow(vi_sqlite *file, const vi_sqlite_limits *to) {
  vi_sqlite_limits own = file->limits;
  file->limits = (vi_sqlite_limits){least(own.entries, to->entries), least(own.bytes, to->bytes),
                                    least(own.entry_bytes, to->entry_bytes)};
  return own;
}

bool vi_sqlite_store(vi_sqlite *file, vi_sqlite_put *put) {
  if (!vi_sqlite_enter(file, true))
    return false;
  vi_sqlite_limits own = narrow(file, &put->limits);
  int64_t evictions = file->stats.evictions;
  int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
  if (rc == SQLITE_OK)
    rc = replace(file, put, hash_of(file, put->key));
  bool refused = rc == SQLITE_DONE;
  if (refused)
    rc = put->body != 0 ? vi_sqlite_run_for(file, VI_SQL_REMOVE_BODY, put->body) : SQLITE_OK;
  rc = vi_sqlite_commit(file, rc);
  bool stored = rc == SQLITE_OK && !refused;
  if (rc != SQLITE_OK)
    file->stats.evictions = evictions;
  else if (stored)
    file->stats.stores++;
  file->limits = own;
  vi_sqlite_leave(file, rc);
  return stored;
}

void vi_sqlite_remove(vi_sqlite *file, vi_bytes key, vi_bytes variant) {
  if (!vi_sqlite_enter(file, true))
    return;
  int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
  if (rc == SQLITE_OK)
    rc = vi_sqlite_retire(file, hash_of(file, key), key, variant);
  vi_sqlite_leave(file, vi_sqlite_commit(file, rc));
}

bool vi_sqlite_invalidate(vi_sqlite *file, vi_bytes key) {
  if (!vi_sqlite_enter(file, true))
    return false;
  uint64_t hash = hash_of(file, key);
  sqlite3_bind_int64(file->queries[VI_SQL_BUMP], 1, (int64_t)(hash % VI_SQLITE_STRIPES));
  int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
  if (rc == SQLITE_OK)
    rc = vi_sqlite_run(file, VI_SQL_BUMP);
  vi_sqlite_query_of(file, VI_SQL_REMOVE_KEY, hash, key);
  if (rc == SQLITE_OK)
    rc = vi_sqlite_run(file, VI_SQL_REMOVE_KEY);
  rc = vi_sqlite_commit(file, rc);
  file->stats.invalidations += rc == SQLITE_OK;
  return vi_sqlite_leave(file, rc);
}

/* Without triggers SQLite drops a table's content at once. The file becomes small again where
 * nobody reads it at this moment. */
bool vi_sqlite_clear(vi_sqlite *file) {
  static const char all[] =
      "BEGIN IMMEDIATE; DELETE FROM entries; DELETE FROM bodies; DELETE FROM pieces;"
      "DELETE FROM tags; UPDATE totals SET entries = 0, bytes = 0;"
      "UPDATE generations SET count = count + 1; COMMIT";
  if (!vi_sqlite_enter(file, true))
    return false;
  sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  int rc = sqlite3_exec(file->db, all, NULL, NULL, NULL);
  sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
  if (rc == SQLITE_OK) {
    file->deadline = 0;
    sqlite3_exec(file->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    vi_sqlite_forget_uses(file);
  }
  return vi_sqlite_leave(file, rc);
}

int64_t vi_sqlite_purge(vi_sqlite *file, vi_sqlite_query query, vi_bytes what) {
  if (!vi_sqlite_enter(file, true))
    return -1;
  vi_sqlite_bind(file->queries[query], 1, what);
  int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
  if (rc == SQLITE_OK)
    rc = vi_sqlite_run(file, VI_SQL_BUMP_ALL);
  if (rc == SQLITE_OK)
    rc = vi_sqlite_run(file, query);
  int64_t count = sqlite3_changes(file->db);
  rc = vi_sqlite_commit(file, rc);
  file->stats.invalidations += rc == SQLITE_OK ? count : 0;
  return vi_sqlite_leave(file, rc) ? count : -1;
}

bool vi_sqlite_totals(vi_sqlite *file, int64_t *entries, int64_t *bytes) {
  *entries = *bytes = 0;
  if (!vi_sqlite_enter(file, false))
    return false;
  sqlite3_stmt *query = file->queries[VI_SQL_TOTALS];
  if (sqlite3_step(query) == SQLITE_ROW) {
    *entries = sqlite3_column_int64(query, 0);
    *bytes = sqlite3_column_int64(query, 1);
  }
  return vi_sqlite_leave(file, sqlite3_reset(query));
}

bool vi_sqlite_next(vi_sqlite *file, vi_sqlite_entry *entry, vi_sqlite_found *key) {
  key->count = 0;
  if (!vi_sqlite_enter(file, false))
    return false;
  sqlite3_stmt *query = file->queries[VI_SQL_NEXT];
  sqlite3_bind_int64(query, 1, entry->id);
  sqlite3_bind_int64(query, 2, vi_sqlite_now());
  int rc = SQLITE_OK;
  entry->id = 0;
  if (sqlite3_step(query) == SQLITE_ROW) {
    *entry = (vi_sqlite_entry){.id = sqlite3_column_int64(query, 0),
                               .bytes = sqlite3_column_int64(query, 1),
                               .expires = sqlite3_column_int64(query, 2)};
    rc = vi_sqlite_add_found(key, query, 3);
  }
  int ended = sqlite3_reset(query);
  return vi_sqlite_leave(file, rc == SQLITE_OK ? ended : rc);
}
