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
  if (session->closed) {
    vi_error_set(error, VI_ERROR_CLOSED, "the session is closed");
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

static void settle(vi_transfer *transfer) {
  transfer->done = true;
  if (transfer->looped && transfer->session->loop)
    vi_loop_push_ready(transfer->session->loop, transfer);
}

void vi_transfer_start(vi_transfer *transfer) {
  transfer->detail[0] = '\0';
  join_active(transfer);
  CURLMcode code = curl_multi_add_handle(transfer->session->multi, transfer->easy);
  if (code == CURLM_OK)
    return;
  vi_transfer_abort(transfer,
                    code == CURLM_OUT_OF_MEMORY ? VI_ERROR_OUT_OF_MEMORY : VI_ERROR_REFUSED,
                    curl_multi_strerror(code));
}

void vi_transfer_wait(vi_transfer *transfer, int timeout) {
  vi_session *session = transfer->session;
  if (transfer->looped || (session->loop && session->active_count > 1)) {
    vi_loop_step(session->loop, timeout);
    return;
  }
  int running;
  CURLMcode code = curl_multi_perform(session->multi, &running);
  vi_session_collect(session);
  if (code == CURLM_OK && !transfer->done)
    code = curl_multi_poll(session->multi, NULL, 0, timeout, NULL);
  if (code != CURLM_OK)
    vi_transfer_abort(transfer, VI_ERROR_OUT_OF_MEMORY, curl_multi_strerror(code));
}

void vi_transfer_finish(vi_transfer *transfer, CURLcode code) {
  leave_active(transfer);
  if (transfer->error.kind != VI_ERROR_NONE) {
    /* A callback stopped the transfer and has said why; libcurl only knows that it did. */
    transfer->error.code = (int)code;
    transfer->error.maybe_sent = true;
  } else if (code != CURLE_OK) {
    vi_curl_error(&transfer->error, transfer->easy, code, transfer->detail, transfer->request);
  } else {
    vi_receive_end(transfer);
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

vi_response *vi_transfer_take_response(vi_transfer *transfer) {
  vi_response *response = transfer->response;
  transfer->response = NULL;
  return response;
}

void vi_transfer_release(vi_transfer *transfer) {
  if (!transfer)
    return;
  vi_session *session = transfer->session;
  if (transfer->in_flight)
    leave_active(transfer);
  else if (transfer->looped && session->loop)
    vi_loop_forget(session->loop, transfer);
  vi_handle_unset_request(transfer);
  vi_request_release(transfer->request);
  vi_response_release(transfer->response);
  transfer->request = NULL;
  transfer->response = NULL;
  transfer->waiter = NULL;
  transfer->error = (vi_error){0};
  transfer->head = VI_HEAD_NONE;
  transfer->looped = transfer->done = false;
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
