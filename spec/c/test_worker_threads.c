/* transport/worker: requests that are sent while the program does something else. Also run under
 * the thread sanitizer: make check-tsan. */
#include "transport/worker.h"

#include "exchange.h"
#include "tap.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8, PATIENCE = 10000 };

typedef struct errand {
  vi_errand errand;
  int times, status; /* of its answers; 0: there was none */
  pthread_t thread;
} errand;

static void note(vi_errand *answered, vi_response *response) {
  errand *self = (errand *)answered;
  self->times++;
  self->status = response ? response->status : 0;
  self->thread = pthread_self();
}

static void free_worker(void *worker) {
  vi_worker_free(worker);
}

/* A worker for the running test. */
static vi_worker *new_worker(void) {
  vi_session_options options = plain_options();
  vi_error error;
  vi_session *session = vi_session_new(&options, &error);
  vi_worker *worker = session ? vi_worker_new(session) : NULL;
  tap_defer(free_worker, worker);
  return worker;
}

static errand errand_to(const origin *server) {
  return (errand){.errand = {.request = request_for(server, "GET", "/", ""), .answered = note},
                  .status = -1};
}

static size_t collect(vi_worker *worker) {
  size_t count = 0;
  for (vi_errand *ended = vi_worker_collect(worker); ended; ended = ended->next)
    count++;
  return count;
}

IT("sends what it is given by a thread of its own") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_worker *worker = new_worker();
  errand one = errand_to(server);
  require(worker && server);
  require(vi_worker_send(worker, &one.errand));
  check(vi_worker_wait(worker, PATIENCE));
  check_int(collect(worker), 1);
  check_int(collect(worker), 0);
  check_int(one.times, 1);
  check_int(one.status, 200);
  check(!pthread_equal(one.thread, pthread_self()));
}

IT("goes on while nobody looks") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_worker *worker = new_worker();
  errand one = errand_to(server);
  require(worker && server);
  require(vi_worker_send(worker, &one.errand));
  vi_errand *ended = NULL;
  for (int looks = 0; !ended && looks < PATIENCE; looks++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* others need the processor, too */
    ended = vi_worker_collect(worker);
  }
  check(ended == &one.errand);
  check_int(one.status, 200);
}

IT("takes several at once, and further ones when it has been idle") {
  static const origin_answer answers[] = {{.bytes = OK_HELLO, .then = ORIGIN_KEEP, .delay = 50}};
  origin *server = serve_all(answers, 1);
  vi_worker *worker = new_worker();
  errand all[MOST];
  require(worker && server);
  for (int round = 1; round <= 3; round++) {
    tap_at("round %d", round);
    for (int i = 0; i < MOST; i++) {
      all[i] = errand_to(server);
      require(vi_worker_send(worker, &all[i].errand));
    }
    check(vi_worker_wait(worker, PATIENCE));
    check_int(collect(worker), MOST);
    for (int i = 0; i < MOST; i++)
      check(all[i].times == 1 && all[i].status == 200);
  }
  check_int(origin_requests(server), 3 * MOST);
}

IT("keeps its connections while it is idle") {
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_worker *worker = new_worker();
  require(worker && server);
  for (int i = 0; i < 2; i++) {
    errand one = errand_to(server);
    require(vi_worker_send(worker, &one.errand));
    check(vi_worker_wait(worker, PATIENCE));
    check_int(collect(worker), 1);
  }
  check_int(origin_connections(server), 1);
}

IT("has no answer where there is none, and goes on with the next") {
  static const origin_answer answers[] = {{.then = ORIGIN_RESET},
                                          {.bytes = OK_HELLO, .then = ORIGIN_KEEP}};
  origin *server = serve_all(answers, 2);
  vi_worker *worker = new_worker();
  errand one = errand_to(server), two = errand_to(server);
  require(worker && server);
  require(vi_worker_send(worker, &one.errand));
  check(vi_worker_wait(worker, PATIENCE));
  require(vi_worker_send(worker, &two.errand));
  check(vi_worker_wait(worker, PATIENCE));
  check_int(collect(worker), 2);
  check_int(one.status, 0);
  check_int(two.status, 200);
}

IT("ends what is under way when it is stopped, and can go on after that") {
  static const origin_answer answers[] = {{.then = ORIGIN_HANG},
                                          {.bytes = OK_HELLO, .then = ORIGIN_KEEP}};
  origin *server = serve_all(answers, 2);
  vi_worker *worker = new_worker();
  errand one = errand_to(server), two = errand_to(server);
  require(worker && server);
  require(vi_worker_send(worker, &one.errand));
  check(!vi_worker_wait(worker, 50));
  vi_worker_stop(worker);
  check_int(collect(worker), 1);
  check_int(one.times, 1);
  check_int(one.status, 0);
  require(vi_worker_send(worker, &two.errand));
  check(vi_worker_wait(worker, PATIENCE));
  check_int(collect(worker), 1);
}

IT("ends what is under way when it is freed") {
  origin *server = serve("", ORIGIN_HANG);
  vi_session_options options = plain_options();
  vi_error error;
  vi_worker *worker = vi_worker_new(vi_session_new(&options, &error));
  errand one = errand_to(server);
  require(worker && server);
  check(vi_worker_send(worker, &one.errand));
  vi_worker_free(worker);
  check_int(one.times, 1);
  check_int(one.status, 0);
}

IT("ends what is under way before the process forks, and goes on in the parent alone") {
  static const origin_answer answers[] = {{.bytes = "", .then = ORIGIN_HANG},
                                          {.bytes = OK_HELLO, .then = ORIGIN_KEEP}};
  origin *server = serve_all(answers, 2);
  vi_worker *worker = new_worker();
  errand one = errand_to(server), two = errand_to(server);
  require(worker && server);
  require(vi_worker_send(worker, &one.errand));
  for (int i = 0; i < 1000 && origin_requests(server) == 0; i++)
    usleep(10000);
  pid_t child = fork();
  if (child == 0)
    _exit(vi_worker_wait(worker, 0) && collect(worker) == 1 && one.times == 1 ? 0 : 1);
  int status = -1;
  check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  check_int(collect(worker), 1);
  check_int(one.status, 0);
  require(vi_worker_send(worker, &two.errand));
  check(vi_worker_wait(worker, PATIENCE));
  check_int(two.status, 200);
}
