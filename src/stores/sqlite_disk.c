#include "stores/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ASIDE = 9, LONGEST = 4096 + 32 };

vi_sqlite_place vi_sqlite_look(const vi_sqlite *file) {
  struct stat status;
  if (stat(file->path, &status) != 0)
    return errno == ENOENT ? VI_PLACE_FREE : VI_PLACE_BAD;
  if (!S_ISREG(status.st_mode))
    return VI_PLACE_BAD;
  bool same = status.st_dev == file->device && status.st_ino == file->inode;
  return same ? VI_PLACE_SAME : VI_PLACE_OTHER;
}

/* Writes the folder of the path. */
static const char *folder_of(const char *path, char folder[LONGEST]) {
  snprintf(folder, LONGEST, "%s", path);
  return dirname(folder);
}

const char *vi_sqlite_misplaced(const char *path) {
  struct stat status;
  char folder[LONGEST];
  if (stat(folder_of(path, folder), &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return "is in a directory that is not there";
  if (path[strlen(path) - 1] == '/' || (stat(path, &status) == 0 && !S_ISREG(status.st_mode)))
    return "is not that of a file";
  return NULL;
}

/* The folder itself is locked, not a file in it, which would have to be kept for ever. Whoever does
 * not let it go is not waited for any longer than a writer: SQLite has locks of its own. */
int vi_sqlite_lock_folder(const vi_sqlite *file) {
  const struct timespec pause = {.tv_nsec = 1000000};
  char folder[LONGEST];
  int descriptor = open(folder_of(file->path, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0)
    while (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && vi_sqlite_elapsed() < file->deadline)
      nanosleep(&pause, NULL);
  return descriptor;
}

static void remove_beside(const char *path, const char *ending) {
  char name[LONGEST];
  snprintf(name, sizeof name, "%s%s", path, ending);
  unlink(name);
}

/* To close any descriptor of a file gives up all locks that the process has on it (POSIX), those of
 * SQLite included; so it gets its name only after that. Systems without links are not so lucky. */
bool vi_sqlite_create(vi_sqlite *file) {
  if (access(file->path, F_OK) == 0)
    return true;
  remove_beside(file->path, "-wal"); /* of another file that was removed */
  remove_beside(file->path, "-shm");
  char name[LONGEST];
  snprintf(name, sizeof name, "%s.XXXXXX", file->path);
  int descriptor = mkstemp(name);
  if (descriptor < 0)
    return false;
  close(descriptor);
  bool made = link(name, file->path) == 0 || errno == EEXIST || rename(name, file->path) == 0;
  unlink(name);
  return made;
}

static bool is_zeros(const char *bytes, int count) {
  for (int i = 0; i < count; i++)
    if (bytes[i] != 0)
      return false;
  return true;
}

/* A crash of the system may leave a file of zeros, but an image of a disk begins with some, too. */
static bool is_zeros_only(sqlite3_file *opened, sqlite3_int64 size) {
  char block[4096];
  for (sqlite3_int64 offset = 0; offset < size; offset += (int)sizeof block) {
    int rc = opened->pMethods->xRead(opened, block, sizeof block, offset); /* zeros past its end */
    if ((rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) || !is_zeros(block, sizeof block))
      return false;
  }
  return true;
}

bool vi_sqlite_is_database(sqlite3 *db) {
  static const char MAGIC[16] = "SQLite format 3";
  char head[sizeof MAGIC];
  sqlite3_file *opened = NULL;
  sqlite3_int64 size;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &opened);
  if (!opened || !opened->pMethods || opened->pMethods->xFileSize(opened, &size) != SQLITE_OK)
    return false;
  bool is_begun = size >= (sqlite3_int64)sizeof head &&
                  opened->pMethods->xRead(opened, head, sizeof head, 0) == SQLITE_OK;
  return (is_begun && memcmp(head, MAGIC, sizeof head) == 0) || is_zeros_only(opened, size);
}

int vi_sqlite_set_aside(const char *path) {
  char from[LONGEST], to[LONGEST];
  int number = 1;
  do
    snprintf(to, sizeof to, "%s.broken-%d", path, number);
  while (access(to, F_OK) == 0 && number++ < MOST_ASIDE);
  if (rename(path, to) != 0)
    return 0;
  snprintf(from, sizeof from, "%s-wal", path);
  strcat(to, "-wal");
  rename(from, to);
  remove_beside(path, "-shm");
  return number <= MOST_ASIDE ? number : MOST_ASIDE;
}
