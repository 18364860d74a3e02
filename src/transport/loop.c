#include "transport/loop.h"

#include "message/clock.h"
#include "message/memory.h"
#include "transport/fork.h"
#include "transport/poller.h"
#include "transport/queue.h"
#include "transport/sockets.h"
#include "transport/timeouts.h"
#include "transport/watches.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { EVENTS_PER_STEP = 256, NANOSECONDS_PER_MILLISECOND = 1000000, AT_ONCE = 1 };

/* The entry of a descriptor, made if need be; NULL: out of memory. */
static vi_socket *socket_of(vi_loop *loop, int fd) {
  size_t index = (size_t)fd;
  if (index >= loop->socket_count) {
    size_t count = loop->socket_count ? loop->socket_count : 64;
    while (count <= index)
      count *= 2;
    vi_socket *sockets = vi_realloc(loop->sockets, count * sizeof *sockets);
    if (!sockets)
      return NULL;
    memset(sockets + loop->socket_count, 0, (count - loop->socket_count) * sizeof *sockets);
    loop->sockets = sockets;
    loop->socket_count = count;
  }
  return &loop->sockets[index];
}

/* A child that has no poller of its own yet must leave its parent's as it is. */
static bool watch(vi_loop *loop, int fd, vi_socket *socket, int events) {
  bool done = loop->generation != vi_fork_generation() ||
              vi_poller_watch(&loop->poller, fd, socket->watched, events);
  socket->watched = (unsigned char)(done ? events : 0);
  return done;
}

/* A closed descriptor leaves the poller by itself only if no child process holds it too; and its
 * number may come back. */
bool vi_loop_note_socket(vi_loop *loop, curl_socket_t fd, bool open) {
  vi_socket *socket = socket_of(loop, fd);
  if (!socket)
    return false;
  if (socket->watched)
    watch(loop, fd, socket, 0);
  vi_watches_release(loop, socket);
  *socket = (vi_socket){.ours = open};
  return true;
}

/* CURLMOPT_SOCKETFUNCTION. A socket that libcurl no longer cares about stays with the poller until
 * it makes noise: on a kept connection the next request wants it again. One whose end we would not
 * see (the resolver's) leaves at once; where that cannot be watched libcurl, which would give its
 * multi handle up for it, still asks the resolver from time to time. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *unused) {
  (void)easy;
  (void)unused;
  vi_session *session = user;
  vi_loop *loop = session->loop;
  vi_socket *socket = socket_of(loop, fd);
  if (!socket)
    return -1;
  int wanted = what == CURL_POLL_REMOVE ? 0
                                        : (what & CURL_POLL_IN ? VI_POLL_READ : 0) |
                                              (what & CURL_POLL_OUT ? VI_POLL_WRITE : 0);
  if (socket->watches)
    vi_loop_note_socket(loop, fd, false);
  socket->session = session;
  socket->wanted = (unsigned char)wanted;
  if (wanted == socket->watched || (wanted == 0 && socket->ours))
    return 0;
  return watch(loop, fd, socket, wanted) || wanted == 0 || !socket->ours ? 0 : -1;
}

static int64_t sooner(int64_t a, int64_t b) {
  return a == 0 || b < a ? b : a;
}

/* When the loop must be called even if no socket is ready: a moment of vi_clock_monotonic(), or
 * AT_ONCE; 0: never. */
static int64_t next_deadline(const vi_loop *loop) {
  int64_t deadline = 0;
  if (loop->ready_first || loop->ready_watches || loop->pending)
    return AT_ONCE;
  if (vi_timers_first(&loop->timers))
    deadline = vi_timers_first(&loop->timers)->deadline;
  for (const vi_session *session = loop->sessions; session; session = session->next) {
    if (vi_queue_can_admit(session))
      return AT_ONCE;
    if (session->deadline)
      deadline = sooner(deadline, session->deadline);
    if (session->check_at && (session->active || session->queued_first))
      deadline = sooner(deadline, session->check_at);
  }
  return deadline;
}

/* Keeps the promise of vi_loop_fd; within a turn, its end will. A child must leave alone the alarm
 * that it shares with its parent, until it has one of its own. */
void vi_loop_note_due(vi_loop *loop) {
  if (loop->poller.alarm >= 0 && !loop->in_turn && loop->generation == vi_fork_generation())
    vi_poller_set_alarm(&loop->poller, next_deadline(loop));
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer(CURLM *multi, long timeout, void *user) {
  (void)multi;
  vi_session *session = user;
  session->deadline =
      timeout < 0 ? 0 : vi_clock_monotonic() + (int64_t)timeout * NANOSECONDS_PER_MILLISECOND;
  vi_loop_note_due(session->loop);
  return 0;
}

static void set_hooks(vi_session *session, bool on) {
  curl_multi_setopt(session->multi, CURLMOPT_SOCKETFUNCTION, on ? on_socket : NULL);
  curl_multi_setopt(session->multi, CURLMOPT_SOCKETDATA, session);
  curl_multi_setopt(session->multi, CURLMOPT_TIMERFUNCTION, on ? on_timer : NULL);
  curl_multi_setopt(session->multi, CURLMOPT_TIMERDATA, session);
}

static void attach(vi_loop *loop, vi_session *session) {
  session->loop = loop;
  session->next = loop->sessions;
  loop->sessions = session;
  set_hooks(session, true);
}

void vi_loop_detach(vi_loop *loop, vi_session *session) {
  vi_session **link = &loop->sessions;
  while (*link && *link != session)
    link = &(*link)->next;
  if (*link)
    *link = session->next;
  for (size_t fd = 0; fd < loop->socket_count; fd++)
    if (loop->sockets[fd].session == session) {
      if (loop->sockets[fd].watched)
        watch(loop, (int)fd, &loop->sockets[fd], 0);
      loop->sockets[fd] = (vi_socket){0};
    }
  session->loop = NULL;
  session->next = NULL;
  session->deadline = 0;
  if (session->multi)
    set_hooks(session, false);
}

vi_loop *vi_loop_new(vi_error *error) {
  vi_loop *loop = vi_calloc(sizeof *loop);
  if (!loop) {
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return NULL;
  }
  loop->generation = vi_fork_generation();
  if (vi_poller_open(&loop->poller))
    return loop;
  vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "no descriptor for the loop: %s", strerror(errno));
  vi_free(loop);
  return NULL;
}

/* A child shares the poller with its parent: it needs one of its own, and none of the sockets. */
static void leave_parent(vi_loop *loop) {
  if (loop->generation == vi_fork_generation())
    return;
  loop->generation = vi_fork_generation();
  bool has_bell = loop->poller.bell >= 0;
  vi_poller_close(&loop->poller);
  if (vi_poller_open(&loop->poller) && has_bell)
    vi_poller_add_bell(&loop->poller);
  for (size_t fd = 0; fd < loop->socket_count; fd++) {
    vi_watches_release(loop, &loop->sockets[fd]);
    loop->sockets[fd] = (vi_socket){0};
  }
  for (vi_session *session = loop->sessions; session; session = session->next)
    vi_session_drop_if_forked(session);
}

void vi_loop_free(vi_loop *loop) {
  if (!loop)
    return;
  leave_parent(loop);
  while (loop->sessions) {
    vi_session *session = loop->sessions;
    vi_session_abort_all(session, VI_ERROR_CLOSED, "the loop was closed");
    vi_loop_detach(loop, session);
  }
  while (loop->ready_first)
    vi_loop_take_ready(loop);
  vi_timers_free(&loop->timers);
  vi_free(loop->sockets);
  vi_poller_close(&loop->poller);
  vi_free(loop);
}

int vi_loop_fd(vi_loop *loop) {
  leave_parent(loop);
  if (!vi_poller_add_alarm(&loop->poller))
    return -1;
  vi_loop_note_due(loop);
  return loop->poller.fd;
}

bool vi_loop_add_bell(vi_loop *loop) {
  leave_parent(loop);
  return vi_poller_add_bell(&loop->poller);
}

void vi_loop_ring(const vi_loop *loop) {
  vi_poller_ring(&loop->poller);
}

int vi_loop_timeout(const vi_loop *loop) {
  int64_t deadline = next_deadline(loop);
  if (deadline == 0)
    return -1;
  int64_t left = deadline - vi_clock_monotonic();
  if (left <= 0)
    return 0;
  int64_t milliseconds = (left + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND;
  return milliseconds < INT32_MAX ? (int)milliseconds : INT32_MAX;
}

static bool has_work(const vi_loop *loop) {
  return loop->ready_first || loop->ready_watches || loop->waiting_watches || loop->pending ||
         vi_timers_first(&loop->timers);
}

bool vi_loop_is_idle(const vi_loop *loop) {
  for (const vi_session *session = loop->sessions; session; session = session->next)
    if (session->active || session->queued_first)
      return false;
  return !has_work(loop);
}

static bool is_unread(const vi_loop *loop, const vi_transfer *transfer) {
  return transfer->awaiting == VI_AWAIT_BODY && !transfer->waiter && transfer != loop->driven_for;
}

bool vi_loop_is_stalled(const vi_loop *loop) {
  for (const vi_session *session = loop->sessions; session; session = session->next) {
    if (session->queued_first)
      return false;
    for (const vi_transfer *transfer = session->active; transfer; transfer = transfer->next)
      if (!is_unread(loop, transfer))
        return false;
  }
  return !has_work(loop);
}

void vi_loop_set_pending(vi_loop *loop, bool pending) {
  loop->pending = pending;
  if (pending)
    vi_loop_note_due(loop);
}

void vi_loop_begin_turn(vi_loop *loop) {
  loop->in_turn = true;
}

void vi_loop_end_turn(vi_loop *loop) {
  loop->in_turn = false;
  vi_loop_note_due(loop);
}

bool vi_loop_start(vi_loop *loop, vi_transfer *transfer) {
  vi_session *session = transfer->session;
  leave_parent(loop);
  if (!session->loop)
    attach(loop, session);
  if (session->loop != loop) {
    vi_transfer_abort(transfer, VI_ERROR_REFUSED, "another loop drives the session");
    return false;
  }
  transfer->looped = true;
  vi_transfer_start(transfer);
  vi_loop_note_due(loop);
  return true;
}

static void act_on_socket(vi_loop *loop, const vi_poll_event *event) {
  vi_socket *socket = socket_of(loop, event->fd);
  if (!socket || !socket->watched)
    return; /* closed while an earlier event of this step was worked on */
  if (socket->watches) {
    watch(loop, event->fd, socket, vi_watches_act(loop, socket, event->ready));
    return;
  }
  if (!socket->wanted) {
    if (socket->ours)
      vi_sockets_check(socket->session, event->fd);
    watch(loop, event->fd, socket, 0);
    return;
  }
  int what = (event->ready & VI_POLL_READ ? CURL_CSELECT_IN : 0) |
             (event->ready & VI_POLL_WRITE ? CURL_CSELECT_OUT : 0) |
             (event->ready & VI_POLL_ERROR ? CURL_CSELECT_ERR : 0);
  vi_session *session = socket->session; /* `socket` may move in the call */
  int running;
  vi_session_check(session, curl_multi_socket_action(session->multi, event->fd, what, &running));
}

static void act_on_deadline(vi_session *session) {
  if (session->deadline == 0 || session->deadline > vi_clock_monotonic())
    return;
  session->deadline = 0; /* libcurl sets the next one from inside the call */
  int running;
  vi_session_check(session,
                   curl_multi_socket_action(session->multi, CURL_SOCKET_TIMEOUT, 0, &running));
}

void vi_loop_step(vi_loop *loop, int timeout) {
  leave_parent(loop);
  int due = vi_loop_timeout(loop);
  if (due >= 0 && (timeout < 0 || due < timeout))
    timeout = due;
  vi_poll_event events[EVENTS_PER_STEP];
  int count = vi_poller_wait(&loop->poller, events, EVENTS_PER_STEP, timeout);
  for (int i = 0; i < count; i++)
    act_on_socket(loop, &events[i]);
  for (vi_session *session = loop->sessions; session; session = session->next) {
    act_on_deadline(session);
    vi_session_collect(session);
    vi_timeouts_check(session);
  }
  vi_loop_note_due(loop);
}

bool vi_loop_watch(vi_loop *loop, vi_watch *one) {
  leave_parent(loop);
  if (fcntl(one->fd, F_GETFD) < 0)
    return false; /* before there is an entry for it, and all those below */
  vi_socket *socket = socket_of(loop, one->fd);
  if (!socket || socket->ours || socket->wanted) {
    errno = socket ? EBUSY : ENOMEM;
    return false;
  }
  socket->session = NULL;
  vi_watches_add(loop, socket, one);
  if (watch(loop, one->fd, socket, vi_watches_wanted(socket)))
    return true;
  int reason = errno;
  vi_watches_remove(loop, socket, one);
  errno = reason;
  return false;
}

void vi_loop_unwatch(vi_loop *loop, vi_watch *one) {
  if (!one->waiting && !one->listed)
    return;
  vi_socket *socket = one->waiting ? socket_of(loop, one->fd) : NULL;
  vi_watches_remove(loop, socket, one);
  if (socket)
    watch(loop, one->fd, socket, vi_watches_wanted(socket));
}

vi_watch *vi_loop_take_watch(vi_loop *loop) {
  vi_watch *one = loop->ready_watches;
  if (one)
    vi_watches_remove(loop, NULL, one);
  return one;
}

void vi_loop_push_ready(vi_loop *loop, vi_transfer *transfer) {
  if (transfer->listed)
    return;
  transfer->listed = true;
  transfer->next_ready = NULL;
  transfer->previous_ready = loop->ready_last;
  *(loop->ready_last ? &loop->ready_last->next_ready : &loop->ready_first) = transfer;
  loop->ready_last = transfer;
  vi_loop_note_due(loop);
}

void vi_loop_forget(vi_loop *loop, vi_transfer *transfer) {
  if (!transfer->listed)
    return;
  transfer->listed = false;
  vi_transfer *next = transfer->next_ready, *previous = transfer->previous_ready;
  *(previous ? &previous->next_ready : &loop->ready_first) = next;
  *(next ? &next->previous_ready : &loop->ready_last) = previous;
}

vi_transfer *vi_loop_take_ready(vi_loop *loop) {
  vi_transfer *transfer = loop->ready_first;
  if (transfer)
    vi_loop_forget(loop, transfer);
  return transfer;
}

vi_timer *vi_loop_take_timer(vi_loop *loop) {
  vi_timer *timer = vi_timers_first(&loop->timers);
  if (!timer || timer->deadline > vi_clock_monotonic())
    return NULL;
  vi_timers_remove(&loop->timers, timer);
  return timer;
}
