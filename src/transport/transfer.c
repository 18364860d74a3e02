#include "transport/transfer.h"

#include "message/clock.h"
#include "message/memory.h"
#include "transport/curl_error.h"
#include "transport/loop.h"
#include "transport/queue.h"
#include "transport/receive.h"
#include "transport/sockets.h"
#include "transport/timeouts.h"

#include <stdio.h>
#include <string.h>

/* False, with `error`, if the session sends nothing any more. */
static bool check_open(vi_session *session, vi_error *error) {
  vi_session_drop_if_forked(session);
  if (!session->closed)
    return true;
  if (session->forked)
    return vi_error_set(error, VI_ERROR_FORKED, "the session was made before the process forked");
  return vi_error_set(error, VI_ERROR_CLOSED, "the session is closed");
}

static void set_limit(vi_transfer *transfer) {
  const vi_request *request = transfer->request;
  transfer->limit = request->timeout >= 0 ? request->timeout : transfer->session->options.timeout;
  if (request->deadline <= 0)
    return;
  double left = request->deadline - (double)vi_clock_monotonic() * 1e-9;
  transfer->by_deadline = transfer->limit <= 0 || left < transfer->limit;
  if (transfer->by_deadline)
    transfer->limit = left;
}

vi_transfer *vi_transfer_new(vi_session *session, vi_request *request, vi_error *error) {
  if (!check_open(session, error) || !vi_session_prepare(session, error))
    return NULL;
  vi_transfer *transfer = vi_calloc(sizeof *transfer);
  if (transfer)
    transfer->request = vi_request_retain(request);
  if (!transfer || !transfer->request) {
    vi_free(transfer);
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return NULL;
  }
  transfer->session = vi_session_retain(session);
  transfer->awaiting = request->streams_response ? VI_AWAIT_HEAD : VI_AWAIT_END;
  set_limit(transfer);
  return transfer;
}

/* The socket of a connection that transfers share is read as long as one of them is not paused, and
 * libcurl keeps what comes for the others, up to 32 MiB each. So while a body is streamed transfers
 * take connections of their own: the server waits for whoever reads it, as over HTTP/1. */
static void count_stream(const vi_transfer *transfer, int change) {
  vi_session *session = transfer->session;
  if (!transfer->request->streams_response)
    return;
  session->stream_count += (size_t)change;
  curl_multi_setopt(session->multi, CURLMOPT_PIPELINING,
                    session->stream_count > 0 ? CURLPIPE_NOTHING : CURLPIPE_MULTIPLEX);
}

static void join_active(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  transfer->in_flight = true;
  transfer->previous = NULL;
  transfer->next = session->active;
  if (session->active)
    session->active->previous = transfer;
  session->active = transfer;
  session->active_count++;
  count_stream(transfer, 1);
}

static void leave_active(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  curl_multi_remove_handle(session->multi, transfer->handle->easy);
  if (transfer->previous)
    transfer->previous->next = transfer->next;
  else
    session->active = transfer->next;
  if (transfer->next)
    transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
  transfer->in_flight = false;
  count_stream(transfer, -1);
  if (--session->active_count == 0)
    session->idle_since = vi_clock_monotonic();
  if (session->loop && vi_queue_can_admit(session))
    vi_loop_note_due(session->loop);
}

static bool is_ready(const vi_transfer *transfer) {
  if (transfer->done)
    return true;
  switch (transfer->awaiting) {
  case VI_AWAIT_HEAD:
    return transfer->head_complete;
  case VI_AWAIT_BODY:
    return transfer->received.length > transfer->consumed;
  default:
    return false;
  }
}

static void judge(vi_transfer *transfer) {
  transfer->ready = is_ready(transfer);
  transfer->due = transfer->ready || transfer->upload_starved || transfer->progressed ||
                  transfer->head_news != NULL;
}

void vi_transfer_note(vi_transfer *transfer) {
  judge(transfer);
  if (transfer->due && transfer->looped && transfer->session->loop)
    vi_loop_push_ready(transfer->session->loop, transfer);
}

void vi_transfer_await(vi_transfer *transfer, vi_await what) {
  transfer->awaiting = what;
  judge(transfer);
  if (!transfer->due && transfer->listed)
    vi_loop_forget(transfer->session->loop, transfer);
}

static void settle(vi_transfer *transfer) {
  transfer->done = true;
  vi_transfer_note(transfer);
}

static bool check_deadline(const vi_transfer *transfer, vi_error *error) {
  return !transfer->by_deadline || transfer->limit > 0 ||
         vi_error_set(error, VI_ERROR_DEADLINE, "its deadline had passed %.3f s before it was sent",
                      -transfer->limit);
}

void vi_transfer_start(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  vi_error error;
  if (!check_open(session, &error) || !check_deadline(transfer, &error)) {
    vi_transfer_stop(transfer, &error);
    return;
  }
  if (vi_queue_must_wait(session)) {
    transfer->queued_at = vi_clock_monotonic();
    vi_queue_add(transfer);
  } else {
    vi_transfer_launch(transfer);
  }
  vi_timeouts_arm(session);
}

static double seconds_queued(const vi_transfer *transfer) {
  return transfer->queued_at ? (double)(vi_clock_monotonic() - transfer->queued_at) * 1e-9 : 0;
}

static void hand_over(vi_transfer *transfer) {
  join_active(transfer);
  CURLMcode code = curl_multi_add_handle(transfer->session->multi, transfer->handle->easy);
  if (code == CURLM_OK)
    return;
  vi_transfer_abort(transfer,
                    code == CURLM_OUT_OF_MEMORY ? VI_ERROR_OUT_OF_MEMORY : VI_ERROR_REFUSED,
                    curl_multi_strerror(code));
}

void vi_transfer_launch(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  vi_handle *handle = transfer->handle = vi_session_take_handle(session);
  if (!handle || !vi_handle_set_request(handle, transfer, seconds_queued(transfer))) {
    vi_transfer_abort(transfer, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return;
  }
  if (!transfer->request->streams_response)
    vi_buffer_lay_within(&transfer->received, handle->room, sizeof handle->room);
  if (session->active_count == 0)
    vi_sockets_check_all(session);
  hand_over(transfer);
}

/* libcurl marks the second function as old, but no other lets a caller block on a multi handle
 * whose sockets a loop knows too: it performs, and tells the loop what changed. */
static CURLMcode perform(vi_session *session) {
  int running;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return session->loop ? curl_multi_socket_all(session->multi, &running)
                       : curl_multi_perform(session->multi, &running);
#pragma GCC diagnostic pop
}

/* Until the session wants to be looked at, if that is sooner. */
static int shorten(int timeout, const vi_session *session) {
  if (session->check_at == 0)
    return timeout;
  int64_t left = (session->check_at - vi_clock_monotonic()) / 1000000 + 1;
  return left < timeout ? left > 0 ? (int)left : 0 : timeout;
}

void vi_transfer_wait(vi_transfer *transfer, int timeout) {
  vi_session *session = transfer->session;
  if (transfer->looped) {
    vi_loop_step(session->loop, timeout);
    return;
  }
  if (vi_session_drop_if_forked(session))
    return;
  vi_session_check(session, perform(session));
  vi_session_collect(session);
  vi_timeouts_check(session);
  if (transfer->due || vi_queue_can_admit(session))
    return;
  CURLMcode code = curl_multi_poll(session->multi, NULL, 0, shorten(timeout, session), NULL);
  if (code != CURLM_OK)
    vi_transfer_abort(transfer, VI_ERROR_OUT_OF_MEMORY, curl_multi_strerror(code));
}

void vi_transfer_return_handle(vi_transfer *transfer) {
  vi_handle *handle = transfer->handle;
  if (!handle)
    return;
  if (transfer->received.within)
    transfer->received = (vi_buffer){0}; /* it is the handle's */
  transfer->handle = NULL;
  vi_session_return_handle(transfer->session, handle);
}

/* What a kept connection turned out to be too dead for libcurl sends again over another one, but
 * not the sixth time in the life of a handle; then it counts anew. */
static bool was_counted_out(vi_transfer *transfer) {
  if (transfer->counted_out || !transfer->error.retryable || transfer->request->streams_body ||
      !strstr(transfer->error.message, "Connection died, tried"))
    return false;
  transfer->counted_out = true;
  transfer->connected = false;
  transfer->error = (vi_error){0};
  transfer->handle->detail[0] = '\0';
  return true;
}

/* What got no descriptor waits for one of the session's own. */
static bool was_put_back(vi_transfer *transfer) {
  bool is_shortage = transfer->error.kind == VI_ERROR_OUT_OF_MEMORY && transfer->error.retryable;
  if (!is_shortage || !vi_queue_will_move(transfer->session))
    return false;
  transfer->error = (vi_error){0};
  vi_transfer_return_handle(transfer);
  vi_queue_put_back(transfer);
  vi_timeouts_arm(transfer->session);
  return true;
}

/* Until there is a connection libcurl's numbers are those of the handle's request before. */
bool vi_transfer_may_have_sent(const vi_transfer *transfer) {
  long sent = 0;
  if (transfer->connected)
    curl_easy_getinfo(transfer->handle->easy, CURLINFO_REQUEST_SIZE, &sent);
  return sent > 0;
}

void vi_transfer_finish(vi_transfer *transfer, CURLcode code) {
  leave_active(transfer);
  if (code == CURLE_OK && transfer->head < VI_HEAD_DONE)
    /* A head that breaks off, or never comes over HTTP/2, is a whole one to libcurl. */
    code = transfer->heads > 0 ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING;
  if (code == CURLE_OK && transfer->error.kind == VI_ERROR_NONE)
    vi_receive_end(transfer);
  if (transfer->error.kind != VI_ERROR_NONE) {
    /* A callback stopped the transfer and has said why; libcurl only knows that it did. */
    transfer->error.code = (int)code;
    transfer->error.maybe_sent = vi_transfer_may_have_sent(transfer);
    vi_curl_error_weigh(&transfer->error, transfer->request);
  } else if (code != CURLE_OK) {
    vi_curl_error(transfer, code);
    if (was_counted_out(transfer)) {
      hand_over(transfer);
      return;
    }
    if (was_put_back(transfer))
      return;
  }
  if (!vi_receive_is_pending(transfer))
    vi_transfer_return_handle(transfer);
  settle(transfer);
}

void vi_transfer_stop(vi_transfer *transfer, const vi_error *error) {
  vi_session_drop_if_forked(transfer->session);
  if (transfer->done)
    return;
  transfer->error = *error;
  if (transfer->in_flight) {
    transfer->error.maybe_sent = vi_transfer_may_have_sent(transfer);
    leave_active(transfer);
  }
  if (transfer->queued)
    vi_queue_remove(transfer);
  vi_curl_error_weigh(&transfer->error, transfer->request);
  vi_transfer_return_handle(transfer);
  settle(transfer);
}

void vi_transfer_abort(vi_transfer *transfer, vi_error_kind kind, const char *message) {
  vi_error error;
  vi_error_set(&error, kind, "%s", message);
  vi_transfer_stop(transfer, &error);
}

void vi_transfer_name_limit(const vi_transfer *transfer, const char *what, vi_error *error) {
  if (transfer->by_deadline) {
    char left[40]; /* three digits, or all of those before the point */
    snprintf(left, sizeof left, transfer->limit < 999.5 ? "%.3g" : "%.0f", transfer->limit);
    vi_error_set(error, VI_ERROR_DEADLINE, "%s the %s s that its deadline left", what, left);
  } else {
    vi_error_set(error, VI_ERROR_TIMEOUT, "%s %g s (timeout)", what, transfer->limit);
    error->timeout = VI_TIMEOUT_TOTAL;
  }
}

size_t vi_transfer_received(const vi_transfer *transfer) {
  return transfer->response ? vi_response_body(transfer->response).length
                            : transfer->received.length;
}

int64_t vi_transfer_length(const vi_transfer *transfer) {
  curl_off_t length = -1;
  if (transfer->response) /* it is all there */
    return (int64_t)vi_response_body(transfer->response).length;
  if (transfer->handle && transfer->encoding.length == 0)
    curl_easy_getinfo(transfer->handle->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length;
}

vi_response *vi_transfer_take_response(vi_transfer *transfer) {
  vi_response *response = transfer->response;
  transfer->response = NULL;
  return response;
}

void vi_transfer_release(vi_transfer *transfer) {
  if (!transfer)
    return;
  vi_session *session = transfer->session;
  if (transfer->in_flight && !vi_session_drop_if_forked(session))
    leave_active(transfer);
  if (transfer->queued)
    vi_queue_remove(transfer);
  if (transfer->listed)
    vi_loop_forget(session->loop, transfer);
  vi_transfer_return_handle(transfer);
  vi_request_release(transfer->request);
  vi_response_release(transfer->response);
  vi_response_release(transfer->interim);
  vi_response_release(transfer->head_news);
  vi_buffer_free(&transfer->received);
  vi_account_give(session->options.account, transfer->charged);
  vi_buffer_free(&transfer->upload);
  vi_free(transfer);
  vi_session_release(session);
}
