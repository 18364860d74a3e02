#include "transport/transfer.h"

#include "message/memory.h"
#include "transport/curl_error.h"
#include "transport/handle.h"
#include "transport/loop.h"
#include "transport/receive.h"

static vi_transfer *create(vi_session *session) {
  vi_transfer *transfer = vi_calloc(sizeof *transfer);
  if (!transfer)
    return NULL;
  transfer->session = session;
  transfer->url = curl_url();
  transfer->easy = vi_handle_new(transfer);
  if (transfer->easy && transfer->url)
    return transfer;
  vi_transfer_free(transfer);
  return NULL;
}

vi_transfer *vi_transfer_new(vi_session *session, vi_request *request, vi_error *error) {
  vi_session_drop_if_forked(session);
  if (session->closed) {
    vi_error_set(error, session->forked ? VI_ERROR_FORKED : VI_ERROR_CLOSED,
                 session->forked ? "the session was made before the process forked"
                                 : "the session is closed");
    return NULL;
  }
  vi_transfer *transfer = session->idle;
  if (transfer)
    session->idle = transfer->next;
  else
    transfer = create(session);
  if (!transfer) {
    vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
    return NULL;
  }
  vi_session_retain(session);
  transfer->request = vi_request_retain(request);
  transfer->response = vi_response_new();
  transfer->awaiting = request->streams_response ? VI_AWAIT_HEAD : VI_AWAIT_END;
  transfer->next = transfer->previous = NULL;
  if (transfer->response && vi_handle_set_request(transfer))
    return transfer;
  vi_error_set(error, VI_ERROR_OUT_OF_MEMORY, "out of memory");
  vi_transfer_release(transfer);
  return NULL;
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
}

static void leave_active(vi_transfer *transfer) {
  vi_session *session = transfer->session;
  curl_multi_remove_handle(session->multi, transfer->easy);
  if (transfer->previous)
    transfer->previous->next = transfer->next;
  else
    session->active = transfer->next;
  if (transfer->next)
    transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
  transfer->in_flight = false;
  session->active_count--;
}

static bool is_ready(const vi_transfer *transfer) {
  if (transfer->done)
    return true;
  switch (transfer->awaiting) {
  case VI_AWAIT_HEAD:
    return transfer->head_complete;
  case VI_AWAIT_BODY:
    return transfer->stream.length > transfer->stream_start;
  default:
    return false;
  }
}

static void judge(vi_transfer *transfer) {
  transfer->ready = is_ready(transfer);
  transfer->due = transfer->ready || transfer->upload_starved;
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

void vi_transfer_start(vi_transfer *transfer) {
  transfer->detail[0] = '\0';
  if (transfer->session->closed) {
    vi_transfer_abort(transfer, VI_ERROR_CLOSED, "the session is closed");
    return;
  }
  join_active(transfer);
  CURLMcode code = curl_multi_add_handle(transfer->session->multi, transfer->easy);
  if (code == CURLM_OK)
    return;
  vi_transfer_abort(transfer,
                    code == CURLM_OUT_OF_MEMORY ? VI_ERROR_OUT_OF_MEMORY : VI_ERROR_REFUSED,
                    curl_multi_strerror(code));
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

void vi_transfer_wait(vi_transfer *transfer, int timeout) {
  vi_session *session = transfer->session;
  if (transfer->looped) {
    vi_loop_step(session->loop, timeout);
    return;
  }
  CURLMcode code = perform(session);
  vi_session_collect(session);
  if (code == CURLM_OK && !transfer->due)
    code = curl_multi_poll(session->multi, NULL, 0, timeout, NULL);
  if (code != CURLM_OK)
    vi_transfer_abort(transfer, VI_ERROR_OUT_OF_MEMORY, curl_multi_strerror(code));
}

void vi_transfer_finish(vi_transfer *transfer, CURLcode code) {
  leave_active(transfer);
  if (code == CURLE_OK && transfer->head < VI_HEAD_DONE)
    code = CURLE_PARTIAL_FILE; /* a head that breaks off is a whole one to libcurl */
  if (code == CURLE_OK && transfer->error.kind == VI_ERROR_NONE)
    vi_receive_end(transfer);
  if (transfer->error.kind != VI_ERROR_NONE) {
    /* A callback stopped the transfer and has said why; libcurl only knows that it did. */
    transfer->error.code = (int)code;
    transfer->error.maybe_sent = true;
  } else if (code != CURLE_OK) {
    vi_curl_error(&transfer->error, transfer->easy, code, transfer->detail,
                  transfer->head < VI_HEAD_DONE, transfer->request);
  }
  settle(transfer);
}

void vi_transfer_abort(vi_transfer *transfer, vi_error_kind kind, const char *message) {
  if (transfer->done)
    return;
  long sent = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
  vi_error_set(&transfer->error, kind, "%s", message);
  transfer->error.maybe_sent = transfer->in_flight && sent > 0;
  if (transfer->in_flight)
    leave_active(transfer);
  settle(transfer);
}

vi_text vi_transfer_peek(const vi_transfer *transfer) {
  return (vi_text){transfer->stream.data + transfer->stream_start,
                   transfer->stream.length - transfer->stream_start};
}

void vi_transfer_consume(vi_transfer *transfer, size_t length) {
  transfer->stream_start += length;
  if (transfer->stream_start == transfer->stream.length) {
    vi_buffer_clear(&transfer->stream);
    transfer->stream_start = 0;
    if (transfer->stream_paused && transfer->in_flight) {
      transfer->stream_paused = false;
      curl_easy_pause(transfer->easy, CURLPAUSE_CONT); /* may fill `stream` at once */
    }
  }
  vi_transfer_await(transfer, transfer->awaiting);
}

static int64_t announced(const vi_transfer *transfer) {
  return transfer->request->body_length;
}

static bool is_length_wrong(const vi_transfer *transfer, bool ended) {
  int64_t length = announced(transfer), total = transfer->upload_total;
  return length >= 0 && (total > length || (ended && total < length));
}

void vi_transfer_supply(vi_transfer *transfer, vi_text bytes) {
  transfer->upload_total += (int64_t)bytes.length;
  transfer->upload_ended = bytes.length == 0;
  if (is_length_wrong(transfer, transfer->upload_ended)) {
    vi_transfer_abort(transfer, VI_ERROR_SCRIPT, "the body is not as long as was announced");
    return;
  }
  if (bytes.length > 0) {
    vi_buffer_clear(&transfer->upload);
    transfer->body_sent = 0;
    if (!vi_buffer_append_text(&transfer->upload, bytes)) {
      vi_transfer_abort(transfer, VI_ERROR_OUT_OF_MEMORY, "out of memory");
      return;
    }
  }
  /* libcurl asks for no more than was announced; whether there is more is asked here. */
  transfer->upload_starved = bytes.length > 0 && transfer->upload_total == announced(transfer);
  vi_transfer_await(transfer, transfer->awaiting);
  if (transfer->in_flight)
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

vi_response *vi_transfer_take_response(vi_transfer *transfer) {
  vi_response *response = transfer->response;
  transfer->response = NULL;
  return response;
}

/* Back to what a fresh transfer is; the handle and the memory for fields and paths stay. */
static void forget_exchange(vi_transfer *transfer) {
  vi_request_release(transfer->request);
  vi_response_release(transfer->response);
  vi_buffer_free(&transfer->stream);
  vi_buffer_free(&transfer->upload);
  transfer->request = NULL;
  transfer->response = NULL;
  transfer->waiter = NULL;
  transfer->outer = NULL;
  transfer->error = (vi_error){0};
  transfer->head = VI_HEAD_NONE;
  transfer->heads = 0;
  transfer->awaiting = VI_AWAIT_END;
  transfer->looped = transfer->done = transfer->ready = transfer->due = false;
  transfer->head_complete = false;
  transfer->stream_paused = transfer->upload_ended = transfer->upload_starved = false;
  transfer->stream_start = 0;
  transfer->upload_total = 0;
}

void vi_transfer_release(vi_transfer *transfer) {
  if (!transfer)
    return;
  vi_session *session = transfer->session;
  if (transfer->in_flight)
    leave_active(transfer);
  if (transfer->listed)
    vi_loop_forget(session->loop, transfer);
  vi_handle_unset_request(transfer);
  forget_exchange(transfer);
  if (session->closed) {
    vi_transfer_free(transfer);
  } else {
    transfer->next = session->idle;
    session->idle = transfer;
  }
  vi_session_release(session);
}

void vi_transfer_free(vi_transfer *transfer) {
  curl_easy_cleanup(transfer->easy);
  curl_url_cleanup(transfer->url);
  vi_buffer_free(&transfer->origin);
  vi_buffer_free(&transfer->path);
  vi_fields_free(&transfer->fields);
  vi_free(transfer);
}
