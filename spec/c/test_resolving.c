/* transport: a name whose lookup takes long holds nobody up. Lookups of this program's are never
 * done before the test lets them. */
#include "exchange.h"
#include "message/clock.h"
#include "messages.h"
#include "tap.h"

#include <netdb.h>
#include <pthread.h>
#include <time.h>

enum { LONGEST_LOOKUP = 20 }; /* seconds, lest a failing test hangs */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool answers_come;
static int begun, running;

static struct timespec soon_enough(void) {
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += LONGEST_LOOKUP;
  return limit;
}

/* In the place of the C library's: no name has an address, sooner or later. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **result) {
  (void)name;
  (void)service;
  (void)hints;
  (void)result;
  struct timespec limit = soon_enough();
  pthread_mutex_lock(&lock);
  begun++;
  running++;
  pthread_cond_broadcast(&changed);
  while (!answers_come && pthread_cond_timedwait(&changed, &lock, &limit) == 0)
    continue;
  running--;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return EAI_NONAME;
}

static void let_answers_come(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  answers_come = true;
  pthread_cond_broadcast(&changed);
  while (running > 0)
    pthread_cond_wait(&changed, &lock);
  begun = 0;
  answers_come = false;
  pthread_mutex_unlock(&lock);
}

/* Keeps lookups from ending until the running test has. */
static void hold_answers(void) {
  static int anything;
  tap_defer(let_answers_come, &anything);
}

static void wait_for_lookups(int count) {
  struct timespec limit = soon_enough();
  pthread_mutex_lock(&lock);
  while (begun < count && pthread_cond_timedwait(&changed, &lock, &limit) == 0)
    continue;
  check(begun >= count);
  pthread_mutex_unlock(&lock);
}

static vi_transfer *lookup(vi_session *session, vi_loop *loop) {
  vi_transfer *transfer = transfer_of(session, request_to("GET", "http://nowhere.test/", ""));
  if (loop)
    check(vi_loop_start(loop, transfer));
  else
    vi_transfer_start(transfer);
  return transfer;
}

static bool is_soon_after(int64_t start_time) {
  return vi_clock_monotonic() - start_time < LONGEST_LOOKUP / 2 * INT64_C(1000000000);
}

IT("says that a name has no address once that is known") {
  for (int looped = 0; looped < 2; looped++) {
    vi_transfer *transfer = lookup(plain_session(), looped ? new_loop() : NULL);
    vi_transfer_wait(transfer, 10);
    wait_for_lookups(1);
    let_answers_come(NULL);
    finish(transfer);
    check(failed_with(transfer, VI_ERROR_RESOLVE));
    check(!transfer->error.maybe_sent && transfer->error.retryable);
  }
}

IT("says so, too, where nobody can watch for it, and costs others nothing") {
  hold_answers();
  vi_session *session = plain_session();
  vi_loop *loop = blind_loop();
  vi_transfer *transfer = lookup(session, loop);
  vi_transfer_wait(transfer, 10);
  wait_for_lookups(1);
  let_answers_come(NULL);
  finish_in_loop(loop, transfer);
  check(failed_with(transfer, VI_ERROR_RESOLVE) && !session->closed);
}

IT("ends at its connect_timeout, whatever the lookup is at") {
  hold_answers();
  vi_session_options options = plain_options();
  options.connect_timeout = 0.2;
  for (int looped = 0; looped < 2; looped++) {
    int64_t start_time = vi_clock_monotonic();
    vi_transfer *transfer = lookup(session_with(options), looped ? new_loop() : NULL);
    finish(transfer);
    check(failed_with(transfer, VI_ERROR_TIMEOUT));
    check_int(transfer->error.timeout, VI_TIMEOUT_CONNECT);
    check(is_soon_after(start_time));
  }
}

IT("can be aborted, or its session closed, without waiting for the lookup") {
  hold_answers();
  for (int closing = 0; closing < 2; closing++) {
    vi_session *session = plain_session();
    vi_transfer *transfer = lookup(session, new_loop());
    vi_transfer_wait(transfer, 10);
    wait_for_lookups(closing + 1);
    int64_t start_time = vi_clock_monotonic();
    if (closing)
      vi_session_close(session);
    else
      vi_transfer_abort(transfer, VI_ERROR_CANCELLED, "no longer wanted");
    check(transfer->done && is_soon_after(start_time));
  }
}

IT("lets others go on in the same session") {
  hold_answers();
  vi_session *session = plain_session();
  vi_loop *loop = new_loop();
  int64_t start_time = vi_clock_monotonic();
  vi_transfer *waiting = lookup(session, loop);
  origin *server = serve(OK_HELLO, ORIGIN_KEEP);
  vi_transfer *other = start(loop, session, server);
  finish_in_loop(loop, other);
  check(succeeded(other) && succeeded(get_from(session, server)));
  check(!waiting->done && is_soon_after(start_time));
}
