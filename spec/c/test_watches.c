/* transport/watches: who waits for a descriptor that is no transfer's. */
#include "exchange.h"
#include "tap.h"
#include "transport/loop.h"

#include <errno.h>
#include <unistd.h>

enum { PATIENCE = 5000 };

static int pipe_ends[2];

static void close_pipe(void *unused) {
  (void)unused;
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

static vi_loop *loop_and_pipe(void) {
  check(pipe(pipe_ends) == 0);
  tap_defer(close_pipe, pipe_ends);
  return new_loop();
}

static vi_watch watch_of(int fd, int events) {
  return (vi_watch){.fd = fd, .events = events};
}

IT("is taken once it is ready, and keeps the loop from being idle until then") {
  vi_loop *loop = loop_and_pipe();
  vi_watch watch = watch_of(pipe_ends[0], VI_POLL_READ);
  check(vi_loop_watch(loop, &watch));
  check(!vi_loop_is_idle(loop));
  vi_loop_step(loop, 0);
  check(!vi_loop_take_watch(loop) && watch.waiting && !watch.ready);
  check(write(pipe_ends[1], "x", 1) == 1);
  vi_loop_step(loop, PATIENCE);
  check_int(vi_loop_timeout(loop), 0);
  check(vi_loop_take_watch(loop) == &watch && watch.ready && !watch.waiting);
  check(!vi_loop_take_watch(loop));
  check(vi_loop_is_idle(loop));
}

IT("waits for what it was told to, whatever others of the descriptor wait for") {
  vi_loop *loop = loop_and_pipe();
  vi_watch first = watch_of(pipe_ends[0], VI_POLL_READ), second = first;
  check(vi_loop_watch(loop, &first) && vi_loop_watch(loop, &second));
  vi_loop_unwatch(loop, &first);
  check(write(pipe_ends[1], "x", 1) == 1);
  vi_loop_step(loop, PATIENCE);
  check(vi_loop_take_watch(loop) == &second);
  check(!first.ready && vi_loop_is_idle(loop));
}

IT("is ready, whatever it waits for, where the other end is gone") {
  vi_loop *loop = loop_and_pipe();
  vi_watch watch = watch_of(pipe_ends[1], VI_POLL_READ);
  check(vi_loop_watch(loop, &watch));
  close(pipe_ends[0]);
  vi_loop_step(loop, PATIENCE);
  check(vi_loop_take_watch(loop) == &watch);
  pipe_ends[0] = -1;
}

IT("can be given up at any time, and more than once") {
  vi_loop *loop = loop_and_pipe();
  vi_watch watch = watch_of(pipe_ends[0], VI_POLL_READ);
  vi_loop_unwatch(loop, &watch);
  check(vi_loop_watch(loop, &watch));
  check(write(pipe_ends[1], "x", 1) == 1);
  vi_loop_step(loop, PATIENCE);
  vi_loop_unwatch(loop, &watch); /* ready, and not taken */
  vi_loop_unwatch(loop, &watch);
  check(!vi_loop_take_watch(loop) && vi_loop_is_idle(loop));
  check(vi_loop_watch(loop, &watch));
  vi_loop_step(loop, PATIENCE);
  check(vi_loop_take_watch(loop) == &watch);
}

IT("is refused for what is no open descriptor, and for one of libcurl's") {
  vi_loop *loop = loop_and_pipe();
  vi_watch closed = watch_of(123456, VI_POLL_READ), negative = watch_of(-1, VI_POLL_READ);
  check(!vi_loop_watch(loop, &closed) && errno == EBADF);
  check(!vi_loop_watch(loop, &negative) && errno == EBADF);
  vi_watch busy = watch_of(pipe_ends[0], VI_POLL_READ);
  check(vi_loop_note_socket(loop, pipe_ends[0], true));
  check(!vi_loop_watch(loop, &busy) && errno == EBUSY);
  check(vi_loop_note_socket(loop, pipe_ends[0], false));
  check(vi_loop_watch(loop, &busy));
  check(!vi_loop_is_idle(loop));
  vi_loop_unwatch(loop, &busy);
  check(vi_loop_is_idle(loop));
}

IT("is ready where libcurl gets the number of its descriptor") {
  vi_loop *loop = loop_and_pipe();
  vi_watch watch = watch_of(pipe_ends[0], VI_POLL_READ);
  check(vi_loop_watch(loop, &watch));
  check(vi_loop_note_socket(loop, pipe_ends[0], true));
  check(vi_loop_take_watch(loop) == &watch && watch.ready);
  vi_loop_note_socket(loop, pipe_ends[0], false);
}
