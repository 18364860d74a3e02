/* SQLite forbids to carry a connection into a child process, even to close it there, and a child
 * that opens its own would find in memory the locks that only its parent holds. So all are closed
 * before a fork, and each process opens them again when it needs them. */
#include "stores/sqlite_file.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static vi_sqlite *list;

static void before_fork(void) {
  pthread_mutex_lock(&list_lock);
  for (vi_sqlite *file = list; file; file = file->next) {
    pthread_mutex_lock(&file->lock);
    vi_sqlite_disconnect(file);
  }
}

static void after_fork(void) {
  for (vi_sqlite *file = list; file; file = file->next)
    pthread_mutex_unlock(&file->lock);
  pthread_mutex_unlock(&list_lock);
}

static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork, after_fork);
}

void vi_sqlite_watch(vi_sqlite *file) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  pthread_mutex_lock(&list_lock);
  file->next = list;
  file->link = &list;
  if (list)
    list->link = &file->next;
  list = file;
  pthread_mutex_unlock(&list_lock);
}

void vi_sqlite_unwatch(vi_sqlite *file) {
  pthread_mutex_lock(&list_lock);
  *file->link = file->next;
  if (file->next)
    file->next->link = file->link;
  pthread_mutex_unlock(&list_lock);
}
