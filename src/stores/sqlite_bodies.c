/* A large body is written while its entry is still to come: it belongs to an entry that nobody can
 * find, and goes with it. A number is never given twice, so that who reads a body that is dropped
 * meanwhile finds nothing, not another's. */
#include "stores/sqlite_file.h"

/* Microseconds for which what is written is waited for: a crash leaves it behind; and for which a
 * body that was replaced is there for its readers. */
static const int64_t PATIENCE = 600 * (int64_t)1000000, FAREWELL = 60 * (int64_t)1000000;

static int64_t random_number(void) {
  uint64_t number;
  sqlite3_randomness(sizeof number, &number);
  return (int64_t)(number >> 22) + 1; /* 42 bits, and below them those of a piece */
}

static int64_t id_of(int64_t body, int64_t number) {
  return body * VI_SQLITE_PIECES + number;
}

static bool is_number(int64_t number) {
  return number >= 0 && number < VI_SQLITE_PIECES;
}

int64_t vi_sqlite_begin_body(vi_sqlite *file, int64_t expected) {
  if (vi_sqlite_is_too_large(file, expected) || !vi_sqlite_enter(file, true))
    return 0;
  int64_t body = random_number(), now = vi_sqlite_now();
  sqlite3_stmt *query = file->queries[VI_SQL_INSERT];
  sqlite3_bind_int64(query, 1, 0);
  vi_sqlite_bind(query, 2, (vi_bytes){"", 0});
  vi_sqlite_bind(query, 3, (vi_bytes){"", 0});
  sqlite3_bind_int64(query, 4, 0);
  sqlite3_bind_int64(query, 5, now + PATIENCE);
  sqlite3_bind_int64(query, 6, now);
  sqlite3_bind_int64(query, 7, body);
  sqlite3_bind_int64(query, 8, 0);
  return vi_sqlite_leave(file, vi_sqlite_run(file, VI_SQL_INSERT)) ? body : 0;
}

int vi_sqlite_find_body(vi_sqlite *file, int64_t body, int64_t *id, int64_t *size) {
  sqlite3_stmt *query = file->queries[VI_SQL_BODY];
  sqlite3_bind_int64(query, 1, body);
  bool found = sqlite3_step(query) == SQLITE_ROW;
  *id = found ? sqlite3_column_int64(query, 0) : 0;
  *size = found ? sqlite3_column_int64(query, 1) : 0;
  return sqlite3_reset(query);
}

/* Within a transaction. SQLITE_DONE: the body was dropped, or has become larger than it may. */
static int add_piece(vi_sqlite *file, int64_t body, int64_t number, vi_bytes bytes) {
  int64_t id, size;
  sqlite3_stmt *query = file->queries[VI_SQL_GROW];
  sqlite3_bind_int64(query, 2, (int64_t)bytes.length);
  sqlite3_bind_int64(query, 3, vi_sqlite_now() + PATIENCE);
  int rc = vi_sqlite_run_for(file, VI_SQL_GROW, body);
  if (rc == SQLITE_OK && sqlite3_changes(file->db) == 0)
    return SQLITE_DONE;
  if (rc == SQLITE_OK)
    rc = vi_sqlite_find_body(file, body, &id, &size);
  if (rc == SQLITE_OK && vi_sqlite_is_too_large(file, size))
    return SQLITE_DONE;
  if (rc != SQLITE_OK)
    return rc;
  vi_sqlite_bind(file->queries[VI_SQL_INSERT_PIECE], 2, bytes);
  rc = vi_sqlite_run_for(file, VI_SQL_INSERT_PIECE, id_of(body, number));
  return rc == SQLITE_OK && sqlite3_changes(file->db) == 0 ? SQLITE_DONE : rc;
}

bool vi_sqlite_write_body(vi_sqlite *file, int64_t body, int64_t number, vi_bytes bytes) {
  if (!is_number(number) || !vi_sqlite_enter(file, true))
    return false;
  int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
  if (rc == SQLITE_OK)
    rc = add_piece(file, body, number, bytes);
  bool refused = rc == SQLITE_DONE;
  if (refused)
    rc = vi_sqlite_run_for(file, VI_SQL_REMOVE_BODY, body);
  return vi_sqlite_leave(file, vi_sqlite_commit(file, rc)) && !refused;
}

bool vi_sqlite_read_body(vi_sqlite *file, int64_t body, int64_t number, vi_sqlite_found *found) {
  found->count = 0;
  if (!is_number(number) || !vi_sqlite_enter(file, false))
    return false;
  sqlite3_stmt *query = file->queries[VI_SQL_PIECE];
  sqlite3_bind_int64(query, 1, id_of(body, number));
  int rc = SQLITE_OK;
  if (sqlite3_step(query) == SQLITE_ROW)
    rc = vi_sqlite_add_found(found, query, 0);
  int ended = sqlite3_reset(query);
  return vi_sqlite_leave(file, rc == SQLITE_OK ? ended : rc) && found->count > 0;
}

int vi_sqlite_retire(vi_sqlite *file, uint64_t hash, vi_bytes key, vi_bytes variant) {
  sqlite3_stmt *query = vi_sqlite_query_of(file, VI_SQL_RETIRE, hash, key);
  vi_sqlite_bind(query, 3, variant);
  sqlite3_bind_int64(query, 4, vi_sqlite_now() + FAREWELL);
  int rc = vi_sqlite_run(file, VI_SQL_RETIRE);
  if (rc != SQLITE_OK)
    return rc;
  vi_sqlite_bind(vi_sqlite_query_of(file, VI_SQL_REMOVE, hash, key), 3, variant);
  return vi_sqlite_run(file, VI_SQL_REMOVE);
}

void vi_sqlite_drop_body(vi_sqlite *file, int64_t body) {
  if (vi_sqlite_enter(file, true))
    vi_sqlite_leave(file, vi_sqlite_run_for(file, VI_SQL_REMOVE_BODY, body));
}
