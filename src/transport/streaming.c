#include "transport/streaming.h"

#include "transport/curl_error.h"
#include "transport/receive.h"

#include <inttypes.h>

/* For an error found outside of libcurl's calls, in an answer that may have come to its end. */
static void stop_for_its_error(vi_transfer *transfer) {
  if (transfer->done) {
    transfer->error.maybe_sent = true;
    vi_curl_error_weigh(&transfer->error, transfer->request);
  }
  vi_transfer_stop(transfer, &transfer->error);
}

/* Lets libcurl go on where a callback made it pause. It may call one at once, and go on as if
 * nothing were wrong when that fails. */
static void go_on(vi_transfer *transfer) {
  if (vi_session_drop_if_forked(transfer->session) || !transfer->in_flight)
    return;
  CURLcode code = curl_easy_pause(transfer->handle->easy, CURLPAUSE_CONT);
  bool lost = code != CURLE_OK && code != CURLE_BAD_FUNCTION_ARGUMENT; /* which is: it is over */
  if (lost && transfer->error.kind == VI_ERROR_NONE)
    vi_error_set(&transfer->error, VI_ERROR_OUT_OF_MEMORY, "%s", curl_easy_strerror(code));
  if (transfer->error.kind != VI_ERROR_NONE)
    stop_for_its_error(transfer);
}

vi_text vi_transfer_peek(const vi_transfer *transfer) {
  vi_text all = vi_buffer_text(&transfer->received);
  if (all.length == 0)
    return all; /* with no address to add to */
  return (vi_text){all.data + transfer->consumed, all.length - transfer->consumed};
}

void vi_transfer_consume(vi_transfer *transfer, size_t length) {
  transfer->consumed += length;
  if (transfer->consumed == transfer->received.length) {
    vi_buffer_clear(&transfer->received);
    transfer->consumed = 0;
    if (!vi_receive_pending(transfer))
      stop_for_its_error(transfer);
    if (transfer->done && !vi_receive_is_pending(transfer))
      vi_transfer_return_handle(transfer);
    if (transfer->stream_paused && transfer->received.length == 0) {
      transfer->stream_paused = false;
      go_on(transfer); /* which may fill `received` at once */
    }
  }
  vi_transfer_await(transfer, transfer->awaiting);
}

static int64_t announced(const vi_transfer *transfer) {
  return transfer->request->body_length;
}

/* A body that is not as long as was announced ends the transfer. */
static bool check_upload_length(vi_transfer *transfer) {
  int64_t length = announced(transfer), total = transfer->upload_total;
  if (length < 0 || total == length || (total < length && !transfer->upload_ended))
    return true;
  vi_error error;
  vi_error_set(&error, VI_ERROR_SCRIPT,
               "the body has %" PRId64 " bytes%s, %" PRId64 " were announced", total,
               total > length ? " or more" : "", length);
  vi_transfer_stop(transfer, &error);
  return false;
}

void vi_transfer_supply(vi_transfer *transfer, vi_text bytes) {
  transfer->upload_total += (int64_t)bytes.length;
  transfer->upload_ended = bytes.length == 0;
  if (!check_upload_length(transfer))
    return;
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
  go_on(transfer);
}
