#include "transport/queue.h"

#include "message/clock.h"
#include "transport/timeouts.h"

/* As many streams as libcurl, and most servers, allow on a connection of HTTP/2. */
enum { STREAMS = 100 };

static bool is_full(const vi_session *session) {
  size_t connections = (size_t)session->options.max_connections;
  if (session->affordable > 0 && session->active_count >= session->affordable)
    return true;
  bool shares = session->multiplexes && session->stream_count == 0;
  return connections > 0 && session->active_count >= connections * (shares ? STREAMS : 1);
}

bool vi_queue_must_wait(const vi_session *session) {
  return session->queued_first || is_full(session);
}

bool vi_queue_can_admit(const vi_session *session) {
  return session->queued_first && !is_full(session);
}

void vi_queue_add(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  transfer->queued = true;
  transfer->next = NULL;
  transfer->previous = session->queued_last;
  *(session->queued_last ? &session->queued_last->next : &session->queued_first) = transfer;
  session->queued_last = transfer;
}

bool vi_queue_will_move(const vi_session *session) {
  for (const vi_transfer *other = session->active; other; other = other->next)
    if (!other->request->streams_response && !other->request->streams_body)
      return true;
  return false;
}

void vi_queue_put_back(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  vi_transfer *next = session->queued_first;
  while (next && next->put_back)
    next = next->next;
  vi_transfer *previous = next ? next->previous : session->queued_last;
  if (transfer->queued_at == 0)
    transfer->queued_at = vi_clock_monotonic();
  transfer->queued = transfer->put_back = true;
  transfer->next = next;
  transfer->previous = previous;
  *(previous ? &previous->next : &session->queued_first) = transfer;
  *(next ? &next->previous : &session->queued_last) = transfer;
  session->affordable = session->active_count;
}

void vi_queue_remove(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  vi_transfer *next = transfer->next, *previous = transfer->previous;
  *(previous ? &previous->next : &session->queued_first) = next;
  *(next ? &next->previous : &session->queued_last) = previous;
  transfer->next = transfer->previous = NULL;
  transfer->queued = transfer->put_back = false;
  if (!session->queued_first)
    session->affordable = 0;
}

void vi_queue_admit(vi_session *session) {
  while (vi_queue_can_admit(session)) {
    vi_transfer *transfer = session->queued_first;
    if (vi_timeouts_end_queued(transfer, vi_clock_monotonic()))
      continue;
    vi_queue_remove(transfer);
    vi_transfer_launch(transfer);
    vi_timeouts_arm(session);
  }
}
