#include "embed/answer.h"

#include "message/clock.h"
#include "message/memory.h"
#include "transport/curl_error.h"

/* The seconds that are left, by the request's own limits; 0: any number, negative: none. */
static double time_left(const vi_request *request) {
  double left = request->timeout > 0 ? request->timeout : 0;
  if (request->deadline > 0) {
    double until = request->deadline - (double)vi_clock_monotonic() * 1e-9;
    if (until <= 0)
      return -1;
    left = left > 0 && left < until ? left : until;
  }
  return left;
}

static bool append_string(vi_buffer *texts, vi_text text) {
  return vi_buffer_append_text(texts, text) && vi_buffer_append_char(texts, '\0');
}

/* The fields as NUL-terminated strings. */
static bool copy_fields(viesti_completion *completion, const vi_headers *headers) {
  vi_buffer *texts = &completion->texts;
  if (headers->count == 0)
    return true;
  completion->fields = vi_malloc(headers->count * sizeof *completion->fields);
  if (!completion->fields ||
      !vi_buffer_reserve(texts, vi_headers_length(headers) + 2 * headers->count))
    return false;
  for (size_t i = 0; i < headers->count; i++) { /* the buffer does not move any more */
    completion->fields[i].name = texts->data + texts->length;
    append_string(texts, vi_headers_name(headers, i));
    completion->fields[i].value = texts->data + texts->length;
    append_string(texts, vi_headers_value(headers, i));
  }
  return true;
}

bool vi_completion_open(viesti_completion *completion, vi_request *request) {
  completion->request = vi_request_retain(request);
  completion->began = vi_clock_monotonic();
  if (!completion->request || !copy_fields(completion, &request->headers))
    return false;
  completion->view = (viesti_request){
      .size = sizeof completion->view,
      .method = request->method.data,
      .url = request->url.data,
      .headers = completion->fields,
      .header_count = request->headers.count,
      .body = !request->has_body   ? NULL
              : request->body.data ? request->body.data
                                   : "",
      .body_length = request->body.length,
      .timeout = time_left(request),
  };
  return true;
}

void vi_completion_cancel(viesti_completion *completion) {
  if (completion->over)
    return;
  completion->over = true;
  completion->task = NULL;
  if (completion->sender->cancel)
    completion->sender->cancel(completion->sender->context, completion);
}

void vi_completion_free(viesti_completion *completion) {
  vi_response_release(completion->response);
  vi_request_release(completion->request);
  vi_buffer_free(&completion->texts);
  vi_free(completion->fields);
  completion->response = NULL;
  completion->request = NULL;
  completion->fields = NULL;
}

static viesti_status finish(viesti_completion *completion) {
  vi_task *task = completion->task;
  completion->over = true;
  completion->task = NULL;
  if (task)
    vi_task_wake(task, completion);
  vi_embed_say_nothing(completion->runtime);
  return VIESTI_OK;
}

/* NULL: nothing. */
static const char *wrong_with(const viesti_answer *answer) {
  if (answer->status_code < 200 || answer->status_code > 599)
    return "the answer's status is not from 200 to 599";
  if (answer->reason && vi_headers_check(vi_text_of("reason"), vi_text_of(answer->reason)))
    return "the answer's reason is no text of one line";
  if (answer->body_length > 0 && !answer->body)
    return "the answer's body is NULL, but its length is not 0";
  if (answer->header_count > 0 && !answer->headers)
    return "the answer's headers are NULL, but their count is not 0";
  for (size_t i = 0; i < answer->header_count; i++) {
    const viesti_header *field = &answer->headers[i];
    if (!field->name || !field->value ||
        vi_headers_check(vi_text_of(field->name), vi_text_of(field->value)))
      return "the name or the value of one of the answer's headers is no such";
  }
  return NULL;
}

static vi_headers_result fill(vi_response *response, const viesti_answer *answer) {
  vi_text body = {answer->body, answer->body_length};
  response->status = answer->status_code;
  if (!vi_buffer_append_text(&response->reason, vi_text_of(answer->reason)) ||
      !vi_buffer_append_text(&response->body->bytes, body))
    return VI_HEADERS_OUT_OF_MEMORY;
  vi_headers_result added = VI_HEADERS_OK;
  for (size_t i = 0; i < answer->header_count && added == VI_HEADERS_OK; i++)
    added = vi_headers_add(&response->headers, vi_text_of(answer->headers[i].name),
                           vi_text_of(answer->headers[i].value));
  return added;
}

/* Makes it the completion's response. */
static vi_headers_result take_answer(viesti_completion *completion, const viesti_answer *answer) {
  vi_response *response = vi_response_new();
  vi_headers_result result = VI_HEADERS_OUT_OF_MEMORY;
  if (response && vi_buffer_append_text(&response->url, vi_buffer_text(&completion->request->url)))
    result = fill(response, answer);
  if (result == VI_HEADERS_OK && !vi_body_charge(response->body, completion->runtime->account, 0))
    result = VI_HEADERS_OUT_OF_MEMORY;
  if (result != VI_HEADERS_OK) {
    vi_response_release(response);
    return result;
  }
  response->timings.total = (double)(vi_clock_monotonic() - completion->began) * 1e-9;
  completion->response = response;
  return VI_HEADERS_OK;
}

static const char IS_OVER[] = "the completion is over";

static const char *read_answer(viesti_answer *to, const viesti_answer *from) {
  size_t least = offsetof(viesti_answer, status_code) + sizeof from->status_code;
  if (!from)
    return "the answer is NULL";
  if (!vi_embed_read(to, sizeof *to, from, least))
    return "the answer does not begin with its size";
  return wrong_with(to);
}

viesti_status viesti_complete(viesti_completion *completion, const viesti_answer *answer) {
  viesti_answer given;
  if (!completion)
    return VIESTI_MISUSE;
  const char *wrong = completion->over ? IS_OVER : read_answer(&given, answer);
  if (wrong)
    return vi_embed_misuse(completion->runtime, "viesti_complete", wrong);
  switch (take_answer(completion, &given)) {
  case VI_HEADERS_TOO_LARGE:
    return vi_embed_misuse(completion->runtime, "viesti_complete",
                           "the answer's headers are too many, or too large");
  case VI_HEADERS_OUT_OF_MEMORY:
    return vi_embed_fail(completion->runtime, VIESTI_OUT_OF_MEMORY, "not enough memory");
  default:
    return finish(completion);
  }
}

viesti_status viesti_fail(viesti_completion *completion, const char *kind, const char *message,
                          int maybe_sent) {
  vi_error_kind known = kind ? vi_error_kind_of(kind) : VI_ERROR_NONE;
  if (!completion)
    return VIESTI_MISUSE;
  const char *wrong = completion->over         ? IS_OVER
                      : known == VI_ERROR_NONE ? "there is no error of that kind"
                      : !message               ? "the message is NULL"
                                               : NULL;
  if (wrong)
    return vi_embed_misuse(completion->runtime, "viesti_fail", wrong);
  vi_error_set(&completion->error, known, "%s", message);
  completion->error.maybe_sent = maybe_sent != 0;
  vi_curl_error_weigh(&completion->error, completion->request);
  return finish(completion);
}
