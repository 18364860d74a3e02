#include "transport/receive.h"

#include "transport/streaming.h"

#include <string.h>

enum { LARGE_BODY = 1024 * 1024 };

static bool is_decoding(const vi_transfer *transfer) {
  return transfer->handle->decoder.coding != VI_CODING_NONE;
}

static void begin_body(vi_transfer *transfer) {
  transfer->head = VI_HEAD_BODY;
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  transfer->session->bodies_are_large = announced >= LARGE_BODY;
  if (announced > 0 && (uint64_t)announced <= transfer->session->options.max_body)
    transfer->announced = announced;
}

/* Room for so many bytes more: for the whole body at once, if that is announced and not much more
 * than has come. Memory is not taken on a server's mere word. */
static bool make_room(vi_transfer *transfer, size_t more) {
  enum { BELIEVED = 16 * 1024 * 1024, TIMES = 8 };
  vi_buffer *body = &transfer->received;
  size_t believed = body->length * TIMES, announced = (size_t)transfer->announced;
  if (believed < BELIEVED)
    believed = BELIEVED;
  size_t capacity = announced < believed ? announced : believed;
  if (capacity >= body->length + more)
    return vi_buffer_reserve_exactly(body, capacity);
  return vi_buffer_reserve(body, more);
}

/* False, with the transfer's error, if decoding failed. */
static bool judge_decoding(vi_transfer *transfer, vi_decoding decoding) {
  if (decoding == VI_DECODING_BAD)
    return vi_error_set(&transfer->error, VI_ERROR_PROTOCOL, "the body is not what its %.*s says",
                        (int)transfer->encoding.length, transfer->encoding.data);
  return decoding != VI_DECODING_OUT_OF_MEMORY || vi_receive_out_of_memory(transfer);
}

/* All bytes of the body have been decoded: they must be a whole one, and then it is known to be, by
 * whatever its end on the wire was marked. False, with the transfer's error, if it broke off. */
static bool end_decoding(vi_transfer *transfer) {
  const vi_decoder *decoder = &transfer->handle->decoder;
  if (vi_decoder_is_cut(decoder))
    return vi_error_set(&transfer->error, VI_ERROR_TRUNCATED,
                        "the compressed body ended before its end");
  if (decoder->ended)
    transfer->unbounded = false;
  return true;
}

/* How many bytes more of the body there is room for within the account. */
static size_t affordable(const vi_transfer *transfer) {
  size_t free = transfer->received.capacity - transfer->received.length;
  size_t left = vi_account_left(transfer->session->options.account);
  return left < SIZE_MAX - free ? free + left : SIZE_MAX;
}

static bool exceed_account(vi_transfer *transfer) {
  return vi_error_set(&transfer->error, VI_ERROR_OUT_OF_MEMORY,
                      "the body is larger than what the memory limit leaves");
}

/* Takes from the account what the body has grown by. */
static bool charge(vi_transfer *transfer) {
  const vi_buffer *body = &transfer->received;
  size_t holds = body->within ? 0 : body->capacity;
  if (holds <= transfer->charged)
    return true;
  if (!vi_account_take(transfer->session->options.account, holds - transfer->charged))
    return exceed_account(transfer);
  transfer->charged = holds;
  return true;
}

/* Decodes at most so many bytes. */
static bool decode(vi_transfer *transfer, vi_text *bytes, size_t most) {
  size_t memory = affordable(transfer);
  bool is_short = memory < most;
  vi_decoding decoding = vi_decoder_run(&transfer->handle->decoder, bytes, &transfer->received,
                                        is_short ? memory : most);
  if (is_short && decoding == VI_DECODING_FULL)
    return exceed_account(transfer);
  return judge_decoding(transfer, decoding) && charge(transfer);
}

static bool receive_whole(vi_transfer *transfer, vi_text bytes) {
  vi_buffer *body = &transfer->received;
  size_t limit = transfer->session->options.max_body, room = limit - body->length;
  if (transfer->head != VI_HEAD_BODY)
    begin_body(transfer);
  if (transfer->request->reports_progress) {
    transfer->progressed = true;
    vi_transfer_note(transfer);
  }
  if (is_decoding(transfer)) {
    size_t most = room < SIZE_MAX ? room + 1 : room; /* one byte more tells that it is too large */
    if (!decode(transfer, &bytes, most))
      return false;
  } else if (bytes.length <= room) {
    return ((make_room(transfer, bytes.length) && vi_buffer_append_text(body, bytes)) ||
            vi_receive_out_of_memory(transfer)) &&
           charge(transfer);
  }
  return (body->length <= limit && bytes.length == 0) ||
         vi_error_set(&transfer->error, VI_ERROR_TOO_LARGE,
                      "the body is larger than max_body (%zu)", limit);
}

/* Decodes into what room there is, and keeps what has none. */
static bool receive_coded(vi_transfer *transfer, vi_text bytes) {
  vi_buffer *received = &transfer->received;
  vi_decoding decoding = vi_decoder_run(&transfer->handle->decoder, &bytes, received,
                                        VI_STREAM_HOLDS - received->length);
  return judge_decoding(transfer, decoding) &&
         (vi_buffer_append_text(&transfer->handle->coded, bytes) ||
          vi_receive_out_of_memory(transfer));
}

static size_t receive_piece(vi_transfer *transfer, vi_text bytes) {
  if (transfer->received.length >= VI_STREAM_HOLDS || vi_receive_is_pending(transfer)) {
    transfer->stream_paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer->head = VI_HEAD_BODY;
  bool kept = is_decoding(transfer) ? receive_coded(transfer, bytes)
                                    : vi_buffer_append_text(&transfer->received, bytes) ||
                                          vi_receive_out_of_memory(transfer);
  vi_transfer_note(transfer);
  return kept ? bytes.length : 0;
}

size_t vi_receive_body(char *data, size_t size, size_t count, void *user) {
  vi_transfer *transfer = ((vi_handle *)user)->transfer;
  vi_text bytes = {data, size * count};
  if (transfer->request->streams_response)
    return receive_piece(transfer, bytes);
  return receive_whole(transfer, bytes) ? bytes.length : 0;
}

bool vi_receive_is_pending(const vi_transfer *transfer) {
  const vi_handle *handle = transfer->handle;
  return handle && transfer->error.kind == VI_ERROR_NONE && transfer->request->streams_response &&
         (handle->coded.length > 0 || handle->decoder.full);
}

bool vi_receive_pending(vi_transfer *transfer) {
  if (!vi_receive_is_pending(transfer))
    return true;
  vi_buffer *coded = &transfer->handle->coded;
  vi_text rest = vi_buffer_text(coded);
  vi_decoding decoding = vi_decoder_run(&transfer->handle->decoder, &rest, &transfer->received,
                                        VI_STREAM_HOLDS - transfer->received.length);
  if (!judge_decoding(transfer, decoding))
    return false;
  if (rest.length > 0)
    memmove(coded->data, rest.data, rest.length);
  coded->length = rest.length;
  return !transfer->done || vi_receive_is_pending(transfer) || end_decoding(transfer);
}

/* The body in memory of its own: a small one leaves the handle's. NULL, with the transfer's error:
 * out of memory. */
static vi_body *take_body(vi_transfer *transfer) {
  vi_buffer *received = &transfer->received;
  if (!received->within && received->capacity > 2 * received->length)
    vi_buffer_shrink(received);
  vi_body *body = received->within ? vi_body_new(vi_buffer_text(received)) : vi_body_take(received);
  if (!body) {
    vi_receive_out_of_memory(transfer);
  } else if (vi_body_charge(body, transfer->session->options.account, transfer->charged)) {
    transfer->charged = 0;
  } else {
    exceed_account(transfer);
    vi_body_release(body);
    body = NULL;
  }
  return body;
}

void vi_receive_end(vi_transfer *transfer) {
  if (!vi_receive_is_pending(transfer) && !end_decoding(transfer))
    return;
  if (transfer->head_complete)
    return; /* a streamed response may have been taken already */
  bool is_length_news = transfer->received.length > 0 && vi_transfer_length(transfer) < 0;
  vi_body *body = take_body(transfer);
  if (!body || !vi_receive_complete_head(transfer, body))
    return;
  if (transfer->request->reports_progress && is_length_news)
    transfer->progressed = true;
}
