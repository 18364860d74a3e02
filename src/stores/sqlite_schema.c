/* Tables and queries. `entries` is narrow, so that what looks through all of it, and what notes
 * uses, does not have the bodies to go through. */
#include "stores/sqlite_file.h"

#include <sys/stat.h>
#include <time.h>

enum { APPLICATION = 1986618740 /* "viet" */, VERSION = 2 };

/* Generations begin where no other file's did. Entries of hash 0, which no key has, are found by
 * nobody: what is being written of a body, of size 0, which counts for nothing; and a body that was
 * replaced while somebody may be reading it, which counts by its bytes alone. */
static const char SCHEMA[] =
    "PRAGMA application_id = 1986618740;"
    "PRAGMA user_version = 2;"
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, size INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL, used INTEGER NOT NULL, key BLOB NOT NULL, variant BLOB NOT NULL,"
    "  body INTEGER NOT NULL, body_size INTEGER NOT NULL);"
    "CREATE INDEX entries_hash ON entries (hash);"
    "CREATE INDEX entries_used ON entries (used);"
    "CREATE INDEX entries_expires ON entries (expires);"
    "CREATE INDEX entries_body ON entries (body) WHERE body <> 0;"
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, entry BLOB NOT NULL);"
    "CREATE TABLE pieces (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE tags (tag BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tag, id))"
    "  WITHOUT ROWID;"
    "CREATE INDEX tags_id ON tags (id);"
    "CREATE TABLE generations (stripe INTEGER PRIMARY KEY, count INTEGER NOT NULL);"
    "CREATE TABLE totals (entries INTEGER NOT NULL, bytes INTEGER NOT NULL, seed INTEGER NOT NULL);"
    "CREATE TRIGGER stored AFTER INSERT ON entries WHEN new.hash <> 0 BEGIN"
    "  UPDATE totals SET entries = entries + 1, bytes = bytes + new.size; END;"
    "CREATE TRIGGER retired AFTER UPDATE OF hash ON entries BEGIN"
    "  DELETE FROM bodies WHERE id = old.id;"
    "  DELETE FROM tags WHERE id = old.id;"
    "  UPDATE totals SET entries = entries - 1; END;"
    "CREATE TRIGGER dropped AFTER DELETE ON entries BEGIN"
    "  DELETE FROM bodies WHERE id = old.id;"
    "  DELETE FROM pieces"
    "    WHERE old.body <> 0 AND id >= old.body << 20 AND id < (old.body + 1) << 20;"
    "  DELETE FROM tags WHERE id = old.id;"
    "  UPDATE totals SET entries = entries - (old.hash <> 0), bytes = bytes - old.size; END;"
    "INSERT INTO totals VALUES (0, 0, random());"
    "WITH RECURSIVE stripes (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM stripes WHERE n < 255)"
    "  INSERT INTO generations SELECT n, abs(random() / 4) FROM stripes;";

_Static_assert(VI_SQLITE_PIECES == 1 << 20, "as many as the schema gives a body");
_Static_assert(VI_SQLITE_STRIPES == 256, "as many as the schema has");

/* A body carries the hash of its key, lest damage elsewhere in the file hand out another's. */
static const char *const QUERIES[VI_SQL_COUNT] = {
    [VI_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [VI_SQL_COMMIT] = "COMMIT",
    [VI_SQL_GET] = "SELECT count, e.id, entry FROM generations"
                   "  LEFT JOIN entries e ON e.hash = ?1 AND e.key = ?2 AND e.expires > ?3"
                   "  LEFT JOIN bodies b ON b.id = e.id AND b.hash = e.hash WHERE stripe = ?4",
    [VI_SQL_GENERATION] = "SELECT count FROM generations WHERE stripe = ?1",
    [VI_SQL_INSERT] = "INSERT INTO entries"
                      "  (hash, key, variant, size, expires, used, body, body_size)"
                      "  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [VI_SQL_INSERT_BODY] = "INSERT INTO bodies VALUES (?1, ?2, ?3)",
    [VI_SQL_INSERT_PIECE] = "INSERT OR IGNORE INTO pieces VALUES (?1, ?2)",
    [VI_SQL_PIECE] = "SELECT bytes FROM pieces WHERE id = ?1",
    [VI_SQL_GROW] = "UPDATE entries SET body_size = body_size + ?2, expires = ?3"
                    "  WHERE body = ?1 AND body <> 0 AND hash = 0",
    [VI_SQL_BODY] = "SELECT id, body_size FROM entries"
                    "  WHERE body = ?1 AND body <> 0 AND (hash <> 0 OR size = 0)",
    [VI_SQL_GIVE_BODY] = "UPDATE entries SET body = 0 WHERE id = ?1",
    [VI_SQL_REMOVE_BODY] = "DELETE FROM entries"
                           "  WHERE body = ?1 AND body <> 0 AND (hash <> 0 OR size = 0)",
    [VI_SQL_RETIRE] = "UPDATE entries SET hash = 0, key = x'', variant = x'', expires = ?4"
                      "  WHERE hash = ?1 AND key = ?2 AND variant = ?3 AND body <> 0",
    [VI_SQL_INSERT_TAG] = "INSERT OR IGNORE INTO tags VALUES (?1, ?2)",
    [VI_SQL_REMOVE] = "DELETE FROM entries WHERE hash = ?1 AND key = ?2 AND variant = ?3",
    [VI_SQL_REMOVE_KEY] = "DELETE FROM entries WHERE hash = ?1 AND key = ?2",
    [VI_SQL_REMOVE_OLDEST] =
        "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE hash = ?1 AND key = ?2"
        "  ORDER BY id DESC LIMIT -1 OFFSET ?3)",
    [VI_SQL_REMOVE_EXPIRED] =
        "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires <= ?1"
        "  ORDER BY expires LIMIT ?2)",
    [VI_SQL_REMOVE_ID] = "DELETE FROM entries WHERE id = ?1",
    [VI_SQL_PURGE_TAG] = "DELETE FROM entries WHERE id IN (SELECT id FROM tags WHERE tag = ?1)",
    [VI_SQL_PURGE_PREFIX] = "DELETE FROM entries WHERE substr(key, 1, length(?1)) = ?1"
                            "  OR substr(key, instr(key, x'0a') + 1, length(?1)) = ?1",
    [VI_SQL_BUMP] = "UPDATE generations SET count = count + 1 WHERE stripe = ?1",
    [VI_SQL_BUMP_ALL] = "UPDATE generations SET count = count + 1",
    [VI_SQL_LEAST_USED] = "SELECT id FROM entries WHERE id <> ?1 AND size <> 0"
                          "  ORDER BY used LIMIT 1",
    [VI_SQL_USE] = "UPDATE entries SET used = ?2 WHERE id = ?1",
    [VI_SQL_TOTALS] = "SELECT entries, bytes, seed FROM totals",
    [VI_SQL_NEXT] = "SELECT id, size, expires, key FROM entries"
                    "  WHERE id > ?1 AND expires > ?2 AND hash <> 0 ORDER BY id LIMIT 1",
};

/* No memory mapping: a file that someone truncates would end the process. */
static const char SETTINGS[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA cache_size = -8192;"
                               "PRAGMA journal_size_limit = 4194304;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA temp_store = MEMORY;";

/* Sooner and more evenly than SQLite's own, which begins at a whole millisecond. */
static int wait_turn(void *context, int tries) {
  vi_sqlite *file = context;
  enum { STEP = 100000, LONGEST = 5000000 }; /* nanoseconds */
  if (vi_sqlite_elapsed() >= file->deadline)
    return 0;
  long pause = (tries + 1L) * STEP;
  nanosleep(&(struct timespec){.tv_nsec = pause < LONGEST ? pause : LONGEST}, NULL);
  return 1;
}

static int number_of(vi_sqlite *file, const char *sql, int64_t *number) {
  sqlite3_stmt *query;
  int rc = sqlite3_prepare_v2(file->db, sql, -1, &query, NULL);
  if (rc != SQLITE_OK)
    return rc;
  if (sqlite3_step(query) == SQLITE_ROW)
    *number = sqlite3_column_int64(query, 0);
  return sqlite3_finalize(query);
}

/* What the tables of a database are, as one number (FNV-1a); SQLite's own (ANALYZE makes some)
 * don't count. */
static int fingerprint(sqlite3 *db, uint64_t *print) {
  sqlite3_stmt *query;
  int rc = sqlite3_prepare_v2(db,
                              "SELECT type || name || ifnull(sql, '') FROM sqlite_master"
                              " WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
                              -1, &query, NULL);
  *print = 14695981039346656037u;
  while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
    const unsigned char *text = sqlite3_column_text(query, 0);
    for (int i = 0; text && i < sqlite3_column_bytes(query, 0); i++)
      *print = (*print ^ text[i]) * 1099511628211u;
    rc = SQLITE_OK;
  }
  sqlite3_finalize(query);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Damage to the words of a schema leaves a database that SQLite finds sound, and that means
 * something else: SQLITE_NOTADB. */
static int compare_schema(vi_sqlite *file) {
  sqlite3 *model = NULL;
  uint64_t found = 0, expected = 1;
  int rc = sqlite3_open(":memory:", &model);
  if (rc == SQLITE_OK)
    rc = sqlite3_exec(model, SCHEMA, NULL, NULL, NULL);
  if (rc == SQLITE_OK)
    rc = fingerprint(model, &expected);
  sqlite3_close(model);
  if (rc == SQLITE_OK)
    rc = fingerprint(file->db, &found);
  return rc == SQLITE_OK && found != expected ? SQLITE_NOTADB : rc;
}

/* SQLITE_OK: it is ours, or `*empty`. Damage to the number alone makes it nobody else's. */
static int identify(vi_sqlite *file, bool *empty) {
  int64_t application = 0, version = 0, tables = 0, ours = 0;
  int rc = number_of(file, "PRAGMA application_id", &application);
  if (rc == SQLITE_OK)
    rc = number_of(file, "PRAGMA user_version", &version);
  if (rc == SQLITE_OK)
    rc = number_of(file, "SELECT count(*) FROM sqlite_master", &tables);
  if (rc == SQLITE_OK)
    rc = number_of(file, "SELECT count(*) FROM sqlite_master WHERE name = 'generations'", &ours);
  *empty = application == 0 && version == 0 && tables == 0;
  if (rc != SQLITE_OK || *empty)
    return rc;
  if (application != APPLICATION && ours == 0)
    return SQLITE_MISUSE;
  return application == APPLICATION && version == VERSION ? compare_schema(file) : SQLITE_NOTADB;
}

static int execute(vi_sqlite *file, const char *sql) {
  return sqlite3_exec(file->db, sql, NULL, NULL, NULL);
}

/* Another may have been first. */
static int make_tables(vi_sqlite *file) {
  bool empty = false;
  int rc = execute(file, QUERIES[VI_SQL_BEGIN]);
  if (rc == SQLITE_OK)
    rc = identify(file, &empty);
  if (rc == SQLITE_OK && empty)
    rc = execute(file, SCHEMA);
  return rc == SQLITE_OK ? execute(file, QUERIES[VI_SQL_COMMIT]) : rc;
}

static int prepare(vi_sqlite *file) {
  int rc = SQLITE_OK;
  for (int i = 0; i < VI_SQL_COUNT && rc == SQLITE_OK; i++)
    rc = sqlite3_prepare_v3(file->db, QUERIES[i], -1, SQLITE_PREPARE_PERSISTENT, &file->queries[i],
                            NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_stmt *totals = file->queries[VI_SQL_TOTALS];
  bool found = sqlite3_step(totals) == SQLITE_ROW;
  file->seed = (uint64_t)sqlite3_column_int64(totals, 2);
  rc = sqlite3_reset(totals);
  return rc == SQLITE_OK && !found ? SQLITE_CORRUPT : rc;
}

/* When a connection is the last to be closed, SQLite would write back the log and remove it by its
 * name, which may be that of a newer file's by then; so that is left to whoever writes next. */
static void protect(sqlite3 *db) {
  sqlite3_extended_result_codes(db, 1);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
}

int vi_sqlite_connect(vi_sqlite *file) {
  struct stat status;
  if (stat(file->path, &status) != 0)
    return SQLITE_CANTOPEN;
  file->device = status.st_dev;
  file->inode = status.st_ino;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  int rc = sqlite3_open_v2(file->path, &file->db, flags, NULL);
  if (rc != SQLITE_OK)
    return rc;
  if (!vi_sqlite_is_database(file->db)) /* which a log beside it would hide */
    return SQLITE_NOTADB;
  protect(file->db);
  sqlite3_busy_handler(file->db, wait_turn, file);
  bool empty = false;
  rc = identify(file, &empty);
  if (rc == SQLITE_OK)
    rc = execute(file, SETTINGS);
  if (rc == SQLITE_OK && empty)
    rc = make_tables(file);
  return rc == SQLITE_OK ? prepare(file) : rc;
}
