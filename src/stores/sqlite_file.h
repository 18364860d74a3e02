/* A file of responses, over SQLite: what a CachingSender's store does, without Lua. Whatever goes
 * wrong is counted and leaves the store without an answer, never without a next try.
 *
 * One object is for one thread at a time. Any number of objects, threads and processes may have
 * the same file open. */
#ifndef VI_STORES_SQLITE_FILE_H
#define VI_STORES_SQLITE_FILE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  VI_SQLITE_VARIANTS = 16,    /* most of one key */
  VI_SQLITE_OVERHEAD = 400,   /* bytes of file for an entry, beside what it is made of */
  VI_SQLITE_USES = 1024,      /* a power of two */
  VI_SQLITE_STRIPES = 256,    /* likewise */
  VI_SQLITE_PIECES = 1 << 20, /* most of one body */
};

typedef struct vi_bytes {
  const char *data;
  size_t length;
} vi_bytes;

/* In the order of their texts in sqlite_schema.c. */
typedef enum vi_sqlite_query {
  VI_SQL_BEGIN,
  VI_SQL_COMMIT,
  VI_SQL_GET,
  VI_SQL_GENERATION,
  VI_SQL_INSERT,
  VI_SQL_INSERT_BODY,
  VI_SQL_INSERT_PIECE,
  VI_SQL_PIECE,
  VI_SQL_GROW,      /* what is being written of a body */
  VI_SQL_BODY,      /* who has it, and its size */
  VI_SQL_GIVE_BODY, /* who has it goes without */
  VI_SQL_REMOVE_BODY,
  VI_SQL_RETIRE, /* only those who read it find it from now on */
  VI_SQL_INSERT_TAG,
  VI_SQL_REMOVE,
  VI_SQL_REMOVE_KEY,
  VI_SQL_REMOVE_OLDEST, /* variants of a key, beyond those that it may have */
  VI_SQL_REMOVE_EXPIRED,
  VI_SQL_REMOVE_ID,
  VI_SQL_PURGE_TAG,
  VI_SQL_PURGE_PREFIX,
  VI_SQL_BUMP,
  VI_SQL_BUMP_ALL,
  VI_SQL_LEAST_USED,
  VI_SQL_USE,
  VI_SQL_TOTALS,
  VI_SQL_NEXT,
  VI_SQL_COUNT
} vi_sqlite_query;

typedef struct vi_sqlite_limits {
  int64_t entries, bytes, entry_bytes; /* 0: none */
} vi_sqlite_limits;

typedef struct vi_sqlite_stats {
  int64_t hits, misses, stores, evictions, invalidations, errors;
} vi_sqlite_stats;

typedef struct vi_sqlite {
  char *path; /* absolute */
  vi_sqlite_limits limits;
  int64_t wait; /* milliseconds, for another's write to end */
  bool closed;

  pthread_mutex_t lock; /* held while it works: a fork waits for it */
  struct vi_sqlite *next, **link;

  sqlite3 *db; /* NULL: not open at the moment */
  sqlite3_stmt *queries[VI_SQL_COUNT];
  dev_t device; /* of the file that is open, or was last */
  ino_t inode;
  uint64_t seed;    /* of the file's hashes */
  bool broken;      /* that file is to be set aside */
  int64_t deadline; /* for waiting; as the following by the monotonic clock, in milliseconds */
  int64_t looked;   /* when the path was last compared with what is open */
  int64_t retry;    /* when opening may be tried again */
  int64_t aside;    /* when a file may be set aside again */

  struct {
    int64_t id, when; /* `when` is 0 once it is written */
  } uses[VI_SQLITE_USES];
  int use_count;
  int64_t flushed;

  vi_sqlite_stats stats;
  char error[256]; /* the last one, for people */
  bool unusable;   /* it was about the path, which stays as it is until somebody acts */
  int set_aside;   /* the number in the new name of a damaged file; 0: none, or it was told */
} vi_sqlite;

/* What was found under a key: `count` entries in `data`, one behind the other. */
typedef struct vi_sqlite_found {
  char *data;
  size_t capacity, ends[VI_SQLITE_VARIANTS];
  int count;
  int64_t generation; /* -1: unknown, which no put passes */
} vi_sqlite_found;

typedef struct vi_sqlite_entry {
  int64_t id, bytes, expires; /* the last in microseconds since 1970 */
} vi_sqlite_entry;

typedef struct vi_sqlite_put {
  vi_bytes key, variant, entry;
  double seconds;
  bool checked; /* only if the key is still of this generation */
  int64_t generation;
  const vi_bytes *tags;
  int tag_count;
  int64_t body;            /* which it takes over; 0: none stands apart */
  int64_t body_size;       /* of that */
  vi_sqlite_limits limits; /* of who puts it, beside those of the file */
} vi_sqlite_put;

/* sqlite_file.c: its life. */

/* NULL: out of memory, or what is said in `wrong`: the path cannot be that of a cache. */
vi_sqlite *vi_sqlite_new(const char *path, const vi_sqlite_limits *limits, double wait,
                         const char **wrong);
void vi_sqlite_close(vi_sqlite *file); /* what is asked of it later finds nothing */
void vi_sqlite_free(vi_sqlite *file);

/* Between these two it works. False: it cannot, and is not to be left. `rc` is SQLite's; true: it
 * was SQLITE_OK. */
bool vi_sqlite_enter(vi_sqlite *file, bool writes);
bool vi_sqlite_leave(vi_sqlite *file, int rc);

/* Runs to its end a query that returns no rows. */
int vi_sqlite_run(vi_sqlite *file, vi_sqlite_query query);
void vi_sqlite_disconnect(vi_sqlite *file);
bool vi_sqlite_is_broken(int rc);
int64_t vi_sqlite_now(void);     /* microseconds since 1970 */
int64_t vi_sqlite_elapsed(void); /* milliseconds of a clock that nobody sets */

/* sqlite_schema.c: the connection. SQLITE_MISUSE: the file is a database of something else. */
int vi_sqlite_connect(vi_sqlite *file);

/* sqlite_disk.c: the file as a file. */

typedef enum vi_sqlite_place {
  VI_PLACE_FREE,
  VI_PLACE_SAME,  /* the file that is open, or was last */
  VI_PLACE_OTHER, /* another one */
  VI_PLACE_BAD,   /* none that a cache could be in */
} vi_sqlite_place;

vi_sqlite_place vi_sqlite_look(const vi_sqlite *file);
const char *vi_sqlite_misplaced(const char *path); /* why no cache can be there, NULL: it can */
int vi_sqlite_lock_folder(const vi_sqlite *file);  /* a descriptor to close, or -1 */
bool vi_sqlite_create(vi_sqlite *file);            /* an empty file, if there is none */
/* Whether the open file is a database, sound or damaged, or has nothing in it: no one else's. It is
 * read by SQLite's own descriptor, lest locks be given up. */
bool vi_sqlite_is_database(sqlite3 *db);
/* Renames it to "path.broken-N". Returns N; 0: it could not be renamed. */
int vi_sqlite_set_aside(const char *path);

/* sqlite_fork.c: no connection is open while the process forks. */
void vi_sqlite_watch(vi_sqlite *file);
void vi_sqlite_unwatch(vi_sqlite *file);

/* sqlite_uses.c: what was used lately, and what has to go. The last two within a transaction. */
void vi_sqlite_note_use(vi_sqlite *file, int64_t id, int64_t now);
bool vi_sqlite_uses_due(const vi_sqlite *file);
void vi_sqlite_forget_uses(vi_sqlite *file);
int vi_sqlite_write_uses(vi_sqlite *file);
int vi_sqlite_evict(vi_sqlite *file, int64_t newest, int64_t now);

/* sqlite_work.c: what a store is for. The int64_t ones return a number of entries, -1: failed. */
void vi_sqlite_get(vi_sqlite *file, vi_bytes key, vi_sqlite_found *found);
bool vi_sqlite_store(vi_sqlite *file, vi_sqlite_put *put);
void vi_sqlite_remove(vi_sqlite *file, vi_bytes key, vi_bytes variant);
bool vi_sqlite_invalidate(vi_sqlite *file, vi_bytes key);
bool vi_sqlite_clear(vi_sqlite *file);
int64_t vi_sqlite_purge(vi_sqlite *file, vi_sqlite_query query, vi_bytes what);
bool vi_sqlite_totals(vi_sqlite *file, int64_t *entries, int64_t *bytes);
/* The entry behind that of number `entry->id`, whose key is what `key` has as its one entry then;
 * id 0: there is none. False: failed. */
bool vi_sqlite_next(vi_sqlite *file, vi_sqlite_entry *entry, vi_sqlite_found *key);

/* sqlite_bodies.c: large bodies, piece by piece, each in a transaction of its own. One that is not
 * put within ten minutes of its last piece is swept. */
int64_t vi_sqlite_begin_body(vi_sqlite *file, int64_t expected); /* its number; 0: not possible */
bool vi_sqlite_write_body(vi_sqlite *file, int64_t body, int64_t number, vi_bytes bytes);
/* False: it is not there. `found` has it as its one entry. */
bool vi_sqlite_read_body(vi_sqlite *file, int64_t body, int64_t number, vi_sqlite_found *found);
void vi_sqlite_drop_body(vi_sqlite *file, int64_t body);

/* Who has a body, 0 for nobody, and its size. */
int vi_sqlite_find_body(vi_sqlite *file, int64_t body, int64_t *id, int64_t *size);

/* Within a transaction: removes a variant; a body that stands apart stays for a minute, for those
 * who are reading it. */
int vi_sqlite_retire(vi_sqlite *file, uint64_t hash, vi_bytes key, vi_bytes variant);

/* What they share with sqlite_work.c. */
void vi_sqlite_bind(sqlite3_stmt *query, int place, vi_bytes bytes);
sqlite3_stmt *vi_sqlite_query_of(vi_sqlite *file, vi_sqlite_query which, uint64_t hash,
                                 vi_bytes key);
int vi_sqlite_run_for(vi_sqlite *file, vi_sqlite_query query, int64_t number);
int vi_sqlite_commit(vi_sqlite *file, int rc);
int vi_sqlite_add_found(vi_sqlite_found *found, sqlite3_stmt *query, int column);
bool vi_sqlite_is_too_large(const vi_sqlite *file, int64_t size);

#endif
