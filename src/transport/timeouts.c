#include "transport/timeouts.h"

#include "message/clock.h"

enum { LOOKS = 4 }; /* in each timeout */

static const double NANOSECONDS = 1e9;

/* Seconds from one look to the next; 0 if there is nothing to look for. */
static double period_of(const vi_session *session) {
  static const double QUEUE = 1; /* each request in it may have a timeout of its own */
  double idle = session->options.idle_timeout, total = session->options.timeout;
  double shortest = session->active && idle > 0 ? idle : 0;
  double queue = total > 0 && total < QUEUE ? total : QUEUE;
  if (session->queued_first && (shortest == 0 || queue < shortest))
    shortest = queue;
  return shortest / LOOKS;
}

static int64_t next_look(const vi_session *session, int64_t now) {
  double period = period_of(session);
  return period > 0 ? now + (int64_t)(period * NANOSECONDS) + 1 : 0;
}

void vi_timeouts_arm(vi_session *session) {
  if (session->check_at && !session->queued_first)
    return;
  int64_t at = next_look(session, vi_clock_monotonic());
  if (session->check_at == 0 || at < session->check_at)
    session->check_at = at;
}

/* All bytes that went either way so far. */
static int64_t bytes_moved(CURL *easy) {
  curl_off_t up = 0, down = 0;
  long head = 0, request = 0;
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
  curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request);
  return up + down + head + request;
}

/* Connecting has a timeout of its own, and where one of us makes the other wait nobody is late. */
static bool is_expected(const vi_transfer *transfer, int64_t now) {
  return transfer->connected && !transfer->stream_paused && !transfer->upload_starved &&
         transfer->held_until < now;
}

static double seconds_since(int64_t moment, int64_t now) {
  return (double)(now - moment) / NANOSECONDS;
}

/* libcurl moves all that it can at once, and then waits for as long as that should have taken. */
static void note_pause(vi_transfer *transfer, int64_t bytes, int64_t now) {
  static const double LONGEST = 1e6; /* seconds */
  double speed = transfer->session->top_speed;
  if (speed <= 0)
    return;
  double before = transfer->held_until > now ? seconds_since(now, transfer->held_until) : 0;
  double pause = before + (double)bytes / speed;
  transfer->held_until = now + (int64_t)((pause < LONGEST ? pause : LONGEST) * NANOSECONDS);
}

/* Both count, since looks may come often, for the queue's sake, or late, where the program did not
 * let us look, nor take what had come. */
static void check_idle(vi_transfer *transfer, int64_t now) {
  double limit = transfer->session->options.idle_timeout;
  int64_t moved = bytes_moved(transfer->handle->easy);
  if (moved != transfer->moved)
    note_pause(transfer, moved - transfer->moved, now);
  if (moved != transfer->moved || transfer->quiet_since == 0 || !is_expected(transfer, now)) {
    transfer->quiet_looks = 0;
    transfer->quiet_since = now;
  } else {
    transfer->quiet_looks++;
  }
  transfer->moved = moved;
  if (transfer->quiet_looks < LOOKS || seconds_since(transfer->quiet_since, now) < limit)
    return;
  vi_error error;
  vi_error_set(&error, VI_ERROR_TIMEOUT, "no byte came or went for %g s (idle_timeout)", limit);
  error.timeout = VI_TIMEOUT_IDLE;
  vi_transfer_stop(transfer, &error);
}

bool vi_timeouts_end_queued(vi_transfer *transfer, int64_t now) {
  if (transfer->limit <= 0 || seconds_since(transfer->queued_at, now) < transfer->limit)
    return false;
  vi_error error;
  vi_transfer_name_limit(transfer, "all connections were taken for", &error);
  vi_transfer_stop(transfer, &error);
  return true;
}

void vi_timeouts_check(vi_session *session) {
  int64_t now = session->check_at ? vi_clock_monotonic() : 0;
  if (session->check_at == 0 || now < session->check_at)
    return;
  vi_transfer *next;
  if (session->options.idle_timeout > 0)
    for (vi_transfer *transfer = session->active; transfer; transfer = next) {
      next = transfer->next;
      check_idle(transfer, now);
    }
  for (vi_transfer *transfer = session->queued_first; transfer; transfer = next) {
    next = transfer->next;
    vi_timeouts_end_queued(transfer, now);
  }
  session->check_at = next_look(session, now);
}
