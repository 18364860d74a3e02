/* transport: a child process leaves alone what its parent goes on using. */
#include "coding.h"
#include "exchange.h"
#include "message/clock.h"
#include "tap.h"
#include "transport/streaming.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Forks; the child runs `body` and exits with 0 if it returned true. Its output is the parent's. */
static bool holds_in_child(bool (*body)(void *), void *context) {
  pid_t child = fork();
  if (child == 0)
    _exit(body(context) ? 0 : 1);
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

typedef struct inherited {
  vi_session *session;
  vi_loop *loop;
  vi_transfer *transfer;
  origin *server;
} inherited;

static bool refuses_session(void *context) {
  inherited *from_parent = context;
  vi_error error;
  vi_request *request = request_for(from_parent->server, "GET", "/", "");
  return !vi_transfer_new(from_parent->session, request, &error) && error.kind == VI_ERROR_FORKED &&
         !error.maybe_sent;
}

static bool ends_transfer(void *context) {
  inherited *from_parent = context;
  vi_loop_step(from_parent->loop, 0);
  vi_transfer *ready = vi_loop_take_ready(from_parent->loop);
  return ready == from_parent->transfer && ready->error.kind == VI_ERROR_FORKED &&
         vi_loop_is_idle(from_parent->loop);
}

static bool drops_everything(void *context) {
  inherited *from_parent = context;
  vi_transfer_release(from_parent->transfer);
  vi_loop_free(from_parent->loop);
  vi_session_release(from_parent->session);
  return true;
}

static bool works_anew(void *context) {
  inherited *from_parent = context;
  vi_session *session = plain_session();
  vi_transfer *in_old_loop = start(from_parent->loop, session, from_parent->server);
  finish_in_loop(from_parent->loop, in_old_loop);
  return succeeded(in_old_loop) && succeeded(get_from(session, from_parent->server));
}

/* Reads nothing of what the parent is about to read. */
static bool reads_nothing(void *context) {
  inherited *from_parent = context;
  vi_text bytes = vi_transfer_peek(from_parent->transfer);
  vi_transfer_consume(from_parent->transfer, bytes.length);
  vi_transfer_wait(from_parent->transfer, 100);
  return from_parent->transfer->error.kind == VI_ERROR_FORKED &&
         vi_transfer_peek(from_parent->transfer).length == 0;
}

static bool waits_for_nothing(void *context) {
  inherited *from_parent = context;
  vi_transfer_wait(from_parent->transfer, 100);
  return from_parent->transfer->error.kind == VI_ERROR_FORKED;
}

/* Whichever is the first thing that the child does, the session drops its connections before. */
static bool aborts(void *context) {
  inherited *from_parent = context;
  vi_transfer_abort(from_parent->transfer, VI_ERROR_CANCELLED, "no longer wanted");
  return from_parent->session->forked && from_parent->transfer->error.kind == VI_ERROR_FORKED;
}

static bool releases(void *context) {
  inherited *from_parent = context;
  vi_transfer_release(from_parent->transfer);
  return from_parent->session->forked;
}

/* A socket that the child still has as its parent does, such as the resolver's, is given up. */
static bool gives_up_sockets(void *context) {
  vi_loop *loop = ((inherited *)context)->loop;
  int given_up = 0;
  for (size_t fd = 0; fd < loop->socket_count; fd++)
    if (loop->sockets[fd].watched && vi_loop_note_socket(loop, (curl_socket_t)fd, false))
      given_up++;
  return given_up > 0;
}

static bool starts(void *context) {
  inherited *from_parent = context;
  vi_transfer_start(from_parent->transfer);
  return from_parent->session->forked && from_parent->transfer->error.kind == VI_ERROR_FORKED &&
         !from_parent->transfer->error.maybe_sent;
}

/* A transfer in flight whose answer comes after the child is gone. */
static inherited in_flight(void) {
  static const origin_answer answers[] = {{.bytes = OK_HELLO, .then = ORIGIN_KEEP, .delay = 300},
                                          {.bytes = OK_HELLO, .then = ORIGIN_KEEP}};
  inherited state = {.session = plain_session(), .loop = new_loop()};
  state.server = serve_all(answers, 2);
  state.transfer = start(state.loop, state.session, state.server);
  step_until_sent(state.loop, state.server, 1);
  return state;
}

static void goes_on_in_parent(const inherited *state) {
  finish_in_loop(state->loop, state->transfer);
  check(succeeded(state->transfer));
  check(succeeded(get_from(state->session, state->server)));
  check_int(origin_connections(state->server), 1);
}

IT("refuses the parent's session in the child, and the parent keeps its connection") {
  inherited state = in_flight();
  check(holds_in_child(refuses_session, &state));
  goes_on_in_parent(&state);
}

IT("ends the parent's transfers in the child alone") {
  inherited state = in_flight();
  check(holds_in_child(ends_transfer, &state));
  goes_on_in_parent(&state);
}

IT("lets the child drop everything without a word to the server") {
  inherited state = in_flight();
  check(holds_in_child(drops_everything, &state));
  goes_on_in_parent(&state);
}

IT("lets the child go on with the loop and a session of its own") {
  inherited state = in_flight();
  check(holds_in_child(works_anew, &state));
  finish_in_loop(state.loop, state.transfer);
  check(succeeded(state.transfer));
}

static bool is_readable(int fd, int timeout) {
  struct pollfd descriptor = {.fd = fd, .events = POLLIN};
  return poll(&descriptor, 1, timeout) == 1;
}

static bool polls_on_its_own(void *context) {
  inherited *from_parent = context;
  vi_loop_set_pending(from_parent->loop, true);
  bool rung = is_readable(vi_loop_fd(from_parent->loop), 5000);
  vi_loop_set_pending(from_parent->loop, false);
  vi_loop_step(from_parent->loop, 0);
  return rung && ends_transfer(from_parent);
}

IT("gives the child an alarm of its own, and leaves the parent's alone") {
  inherited state = in_flight();
  vi_timer timer = {0};
  int fd = vi_loop_fd(state.loop);
  check(holds_in_child(polls_on_its_own, &state));
#ifdef VI_POLLER_EPOLL /* elsewhere it is no descriptor */
  bool is_time = vi_clock_monotonic() >= state.loop->poller.rings_at;
  check(is_time || !is_readable(state.loop->poller.alarm, 0));
#endif
  check(vi_timers_add(&state.loop->timers, &timer, vi_clock_monotonic()));
  vi_loop_step(state.loop, 0);
  check(is_readable(fd, 5000));
  vi_timers_remove(&state.loop->timers, &timer);
  goes_on_in_parent(&state);
}

IT("drops the parent's connections in the child before it lets go of a transfer") {
  bool (*const ways[])(void *) = {aborts, releases, waits_for_nothing};
  for (size_t i = 0; i < 3; i++) {
    inherited state = in_flight();
    tap_at("way %zu", i);
    check(holds_in_child(ways[i], &state));
    goes_on_in_parent(&state);
  }
}

IT("keeps what its parent waits for when the child gives up a socket that both have") {
  inherited state = in_flight();
  check(holds_in_child(gives_up_sockets, &state));
  goes_on_in_parent(&state);
}

IT("does not start in the child what was made in the parent") {
  inherited state = {.session = plain_session(), .server = serve(OK_HELLO, ORIGIN_KEEP)};
  check(succeeded(get_from(state.session, state.server)));
  state.transfer = transfer_of(state.session, request_for(state.server, "GET", "/", ""));
  check(holds_in_child(starts, &state));
  vi_transfer_start(state.transfer);
  finish(state.transfer);
  check(succeeded(state.transfer));
  check_int(origin_connections(state.server), 1);
}

static pid_t idle_child(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  return child;
}

IT("is not woken again and again by a connection it closed and a child still holds") {
  inherited state = in_flight();
  pid_t child = idle_child();
  vi_transfer_abort(state.transfer, VI_ERROR_CANCELLED, "no longer wanted");
  vi_loop_take_ready(state.loop);
  bool woken = is_readable(state.loop->poller.fd, 1000);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  check(!woken);
}

IT("leaves to the parent the rest of a body that it reads while it blocks") {
  vi_text body = noise(3000000);
  vi_text answer = concatenated(VI_TEXT(OK_HEAD "Content-Length: 3000000\r\n\r\n"), body);
  inherited state = {.session = plain_session(), .server = serve_bytes(answer, ORIGIN_KEEP)};
  state.transfer = stream_from(state.session, state.server);
  vi_transfer_start(state.transfer);
  vi_transfer_await(state.transfer, VI_AWAIT_END);
  for (int i = 0; i < 1000 && !state.transfer->stream_paused; i++)
    vi_transfer_wait(state.transfer, 10);
  check(state.transfer->stream_paused);
  check(holds_in_child(reads_nothing, &state));
  check(holds_in_child(waits_for_nothing, &state));
  check(vi_text_equal(read_all(state.transfer, SIZE_MAX), body));
  check(succeeded(state.transfer));
}
