#include "stores/sqlite_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds. */
enum {
  LOOK = 1000,   /* between two looks whether the file still has its name */
  RETRY = 1000,  /* before opening is tried again */
  ASIDE = 60000, /* before a file is set aside again: something breaks them */
};

static int64_t read_clock(clockid_t clock, int64_t in_a_second) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * in_a_second + time.tv_nsec / (1000000000 / in_a_second);
}

int64_t vi_sqlite_now(void) {
  return read_clock(CLOCK_REALTIME, 1000000);
}

int64_t vi_sqlite_elapsed(void) {
  return read_clock(CLOCK_MONOTONIC, 1000);
}

/* No query of ours fails on a sound file for the reasons of the second row. */
bool vi_sqlite_is_broken(int rc) {
  switch (rc & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return true;
  case SQLITE_ERROR:
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH:
  case SQLITE_TOOBIG:
    return true;
  default:
    return rc == SQLITE_IOERR_SHORT_READ;
  }
}

/* Another's lock and a broken file pass by themselves. */
static bool is_about_path(int rc) {
  switch (rc & 0xff) {
  case SQLITE_CANTOPEN:
  case SQLITE_PERM:
  case SQLITE_AUTH:
  case SQLITE_READONLY:
  case SQLITE_FULL:
    return true;
  default:
    return (rc & 0xff) == SQLITE_IOERR && rc != SQLITE_IOERR_SHORT_READ;
  }
}

void vi_sqlite_disconnect(vi_sqlite *file) {
  for (int i = 0; i < VI_SQL_COUNT; i++) {
    sqlite3_finalize(file->queries[i]);
    file->queries[i] = NULL;
  }
  sqlite3_close(file->db);
  file->db = NULL;
}

/* A damaged file is to be set aside; what is none of SQLite's may be dear to somebody. */
static void give_up(vi_sqlite *file) {
  if (file->db && !vi_sqlite_is_database(file->db)) {
    file->unusable = true;
    snprintf(file->error, sizeof file->error, "the file is no SQLite database");
  } else {
    file->broken = true;
  }
  vi_sqlite_disconnect(file);
}

static void failed(vi_sqlite *file, int rc) {
  file->stats.errors++;
  bool has_text = file->db && sqlite3_extended_errcode(file->db) == rc;
  snprintf(file->error, sizeof file->error, "%s",
           has_text ? sqlite3_errmsg(file->db) : sqlite3_errstr(rc));
  file->unusable = file->unusable || is_about_path(rc);
  if (file->db && !sqlite3_get_autocommit(file->db))
    sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
  if (vi_sqlite_is_broken(rc))
    give_up(file);
}

/* Whoever finds a file broken first, of all that have it open, sets it aside. */
static void mend(vi_sqlite *file) {
  int64_t now = vi_sqlite_elapsed();
  if (vi_sqlite_look(file) == VI_PLACE_SAME) {
    if (now < file->aside)
      return;
    file->set_aside = vi_sqlite_set_aside(file->path);
    file->aside = now + ASIDE;
  }
  file->broken = false;
}

static int connect_once(vi_sqlite *file) {
  if (file->broken)
    mend(file);
  int rc = file->broken ? SQLITE_CORRUPT : SQLITE_CANTOPEN;
  if (!file->broken && vi_sqlite_create(file) && vi_sqlite_look(file) != VI_PLACE_BAD)
    rc = vi_sqlite_connect(file);
  if (rc != SQLITE_OK) {
    failed(file, rc);
    vi_sqlite_disconnect(file);
  }
  return rc;
}

static int open_file(vi_sqlite *file) {
  int folder = vi_sqlite_lock_folder(file);
  int rc = connect_once(file);
  if (file->broken)
    rc = connect_once(file);
  if (folder >= 0)
    close(folder);
  file->looked = vi_sqlite_elapsed();
  file->retry = rc == SQLITE_OK ? 0 : file->looked + RETRY;
  return rc;
}

static int open_first(vi_sqlite *file) {
  pthread_mutex_lock(&file->lock);
  file->deadline = vi_sqlite_elapsed() + file->wait;
  int rc = open_file(file);
  pthread_mutex_unlock(&file->lock);
  return rc;
}

bool vi_sqlite_enter(vi_sqlite *file, bool writes) {
  pthread_mutex_lock(&file->lock);
  int64_t now = vi_sqlite_elapsed();
  file->deadline = now + file->wait;
  if (file->db && (writes || now - file->looked >= LOOK)) {
    file->looked = now;
    if (vi_sqlite_look(file) != VI_PLACE_SAME)
      vi_sqlite_disconnect(file);
  }
  if (!file->closed && !file->db) {
    if (now >= file->retry)
      open_file(file);
    else
      file->stats.errors++;
  }
  if (file->db)
    return true;
  pthread_mutex_unlock(&file->lock);
  return false;
}

bool vi_sqlite_leave(vi_sqlite *file, int rc) {
  if (rc != SQLITE_OK)
    failed(file, rc);
  pthread_mutex_unlock(&file->lock);
  return rc == SQLITE_OK;
}

int vi_sqlite_run(vi_sqlite *file, vi_sqlite_query query) {
  sqlite3_step(file->queries[query]);
  return sqlite3_reset(file->queries[query]);
}

/* Of a directory that the program may leave later. */
static char *absolute(const char *path) {
  char folder[PATH_MAX];
  if (*path == '/' || !getcwd(folder, sizeof folder))
    return strdup(path);
  size_t size = strlen(folder) + 1 + strlen(path) + 1;
  char *whole = malloc(size);
  if (whole)
    snprintf(whole, size, "%s/%s", folder, path);
  return whole;
}

vi_sqlite *vi_sqlite_new(const char *path, const vi_sqlite_limits *limits, double wait,
                         const char **wrong) {
  vi_sqlite *file = calloc(1, sizeof *file);
  if (!file)
    return NULL;
  file->limits = *limits;
  file->wait = (int64_t)(wait * 1000);
  file->flushed = vi_sqlite_elapsed();
  file->path = absolute(path);
  pthread_mutex_init(&file->lock, NULL);
  vi_sqlite_watch(file);
  if (file->path && strlen(file->path) >= PATH_MAX)
    *wrong = "is too long";
  else if (file->path)
    *wrong = vi_sqlite_misplaced(file->path);
  if (file->path && !*wrong && open_first(file) == SQLITE_MISUSE)
    *wrong = "is that of a database of something else";
  if (file->path && !*wrong)
    return file;
  vi_sqlite_free(file);
  return NULL;
}

void vi_sqlite_close(vi_sqlite *file) {
  if (file->db && file->use_count > 0 && vi_sqlite_enter(file, true)) {
    file->deadline = 0;
    int rc = vi_sqlite_run(file, VI_SQL_BEGIN);
    if (rc == SQLITE_OK)
      rc = vi_sqlite_write_uses(file);
    if (rc == SQLITE_OK)
      rc = vi_sqlite_run(file, VI_SQL_COMMIT);
    vi_sqlite_leave(file, rc == SQLITE_BUSY ? SQLITE_OK : rc);
  }
  pthread_mutex_lock(&file->lock);
  vi_sqlite_disconnect(file);
  file->closed = true;
  pthread_mutex_unlock(&file->lock);
}

void vi_sqlite_free(vi_sqlite *file) {
  vi_sqlite_close(file);
  vi_sqlite_unwatch(file);
  pthread_mutex_destroy(&file->lock);
  free(file->path);
  free(file);
}
