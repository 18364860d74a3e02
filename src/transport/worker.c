#include "transport/worker.h"

#include "message/memory.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

/* Milliseconds between looks at what was added and whether to stop: nothing that another thread may
 * call wakes libcurl for certain, since the multi handle is gone when the session had to close. */
enum { LOOK = 20 };

struct vi_worker {
  vi_session *session;     /* the thread's while there is one */
  pthread_mutex_t control; /* held by who starts or ends the thread: a fork waits for it */
  bool started;            /* there is a thread to join; under `control`, as `thread` */
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows, never held for long */
  pthread_cond_t idle;  /* `running` has become false */
  bool running;         /* the thread will see what is added */
  bool stopping;
  vi_errand *added, *ended;
  vi_worker *next, **link; /* in the list of all */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static vi_worker *list;

/* Starts what was added. False if there is nothing to do any more. */
static bool take_added(vi_worker *worker, vi_errand **flying) {
  pthread_mutex_lock(&worker->lock);
  vi_errand *added = worker->added;
  worker->added = NULL;
  bool stopping = worker->stopping;
  bool running = worker->running = added || *flying;
  if (!running)
    pthread_cond_broadcast(&worker->idle);
  pthread_mutex_unlock(&worker->lock);
  while (added) {
    vi_errand *errand = added;
    vi_error error;
    added = errand->next;
    errand->next = *flying;
    *flying = errand;
    errand->transfer = vi_transfer_new(worker->session, errand->request, &error);
    if (errand->transfer)
      vi_transfer_start(errand->transfer);
  }
  for (vi_errand *errand = *flying; stopping && errand; errand = errand->next)
    if (errand->transfer)
      vi_transfer_abort(errand->transfer, VI_ERROR_CANCELLED, "the worker was stopped");
  return running;
}

static void land(vi_worker *worker, vi_errand *errand) {
  vi_transfer *transfer = errand->transfer;
  bool is_answered = transfer && transfer->error.kind == VI_ERROR_NONE;
  errand->answered(errand, is_answered ? transfer->response : NULL);
  vi_transfer_release(transfer);
  errand->transfer = NULL;
  pthread_mutex_lock(&worker->lock);
  errand->next = worker->ended;
  worker->ended = errand;
  pthread_mutex_unlock(&worker->lock);
}

static void land_ready(vi_worker *worker, vi_errand **flying) {
  while (*flying) {
    vi_errand *errand = *flying;
    if (errand->transfer && !errand->transfer->ready) {
      flying = &errand->next;
      continue;
    }
    *flying = errand->next;
    land(worker, errand);
  }
}

static void *work(void *argument) {
  vi_worker *worker = argument;
  vi_errand *flying = NULL;
  while (take_added(worker, &flying)) {
    if (flying->transfer)
      vi_transfer_wait(flying->transfer, LOOK);
    land_ready(worker, &flying);
  }
  return NULL;
}

/* Only under `control`, as the next one. */
static void join(vi_worker *worker) {
  if (worker->started)
    pthread_join(worker->thread, NULL);
  worker->started = false;
}

/* Signals are for the threads of the program's own. */
static bool start(vi_worker *worker) {
  sigset_t all, before;
  join(worker);
  worker->stopping = false;
  worker->running = true;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  worker->started = pthread_create(&worker->thread, NULL, work, worker) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  worker->running = worker->started;
  return worker->started;
}

bool vi_worker_send(vi_worker *worker, vi_errand *errand) {
  pthread_mutex_lock(&worker->control);
  pthread_mutex_lock(&worker->lock);
  bool sent = worker->running || start(worker);
  if (sent) {
    errand->next = worker->added;
    worker->added = errand;
  }
  pthread_mutex_unlock(&worker->lock);
  pthread_mutex_unlock(&worker->control);
  return sent;
}

vi_errand *vi_worker_collect(vi_worker *worker) {
  pthread_mutex_lock(&worker->lock);
  vi_errand *ended = worker->ended;
  worker->ended = NULL;
  pthread_mutex_unlock(&worker->lock);
  return ended;
}

bool vi_worker_wait(vi_worker *worker, int timeout) {
  struct timespec till;
  clock_gettime(CLOCK_REALTIME, &till);
  till.tv_sec += timeout / 1000;
  till.tv_nsec += timeout % 1000 * 1000000L;
  if (till.tv_nsec >= 1000000000L) {
    till.tv_sec++;
    till.tv_nsec -= 1000000000L;
  }
  pthread_mutex_lock(&worker->lock);
  while (worker->running && pthread_cond_timedwait(&worker->idle, &worker->lock, &till) == 0)
    continue;
  bool idle = !worker->running;
  pthread_mutex_unlock(&worker->lock);
  return idle;
}

static void tell_to_stop(vi_worker *worker) {
  pthread_mutex_lock(&worker->lock);
  worker->stopping = true;
  pthread_mutex_unlock(&worker->lock);
}

void vi_worker_stop(vi_worker *worker) {
  tell_to_stop(worker);
  pthread_mutex_lock(&worker->control);
  join(worker);
  pthread_mutex_unlock(&worker->control);
}

/* A child has none of its parent's threads, and would find in memory what they were just doing. */
static void before_fork(void) {
  pthread_mutex_lock(&list_lock);
  for (vi_worker *worker = list; worker; worker = worker->next) {
    tell_to_stop(worker);
    pthread_mutex_lock(&worker->control);
    join(worker);
    pthread_mutex_lock(&worker->lock);
  }
}

static void after_fork(void) {
  for (vi_worker *worker = list; worker; worker = worker->next) {
    pthread_mutex_unlock(&worker->lock);
    pthread_mutex_unlock(&worker->control);
  }
  pthread_mutex_unlock(&list_lock);
}

static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork, after_fork);
}

static void join_list(vi_worker *worker) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  pthread_mutex_lock(&list_lock);
  worker->next = list;
  worker->link = &list;
  if (list)
    list->link = &worker->next;
  list = worker;
  pthread_mutex_unlock(&list_lock);
}

static void leave_list(vi_worker *worker) {
  pthread_mutex_lock(&list_lock);
  *worker->link = worker->next;
  if (worker->next)
    worker->next->link = worker->link;
  pthread_mutex_unlock(&list_lock);
}

vi_worker *vi_worker_new(vi_session *session) {
  vi_worker *worker = vi_calloc(sizeof *worker);
  if (!worker) {
    vi_session_release(session);
    return NULL;
  }
  worker->session = session;
  pthread_mutex_init(&worker->control, NULL);
  pthread_mutex_init(&worker->lock, NULL);
  pthread_cond_init(&worker->idle, NULL);
  join_list(worker);
  return worker;
}

void vi_worker_free(vi_worker *worker) {
  if (!worker)
    return;
  vi_worker_stop(worker);
  leave_list(worker);
  vi_session_release(worker->session);
  pthread_cond_destroy(&worker->idle);
  pthread_mutex_destroy(&worker->lock);
  pthread_mutex_destroy(&worker->control);
  vi_free(worker);
}
