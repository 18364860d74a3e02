/* embed/sender, embed/policy: a chain that ends in a sender of the host's, and asks a policy of
 * his. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sender that keeps what it has to work on, or completes it at once. */
typedef struct worker {
  bool at_once;
  viesti_answer answer;
  const viesti_request *request;
  viesti_completion *completion;
  int started, cancelled, closed;
  viesti_status result; /* of what it called */
} worker;

static void start(void *context, const viesti_request *request, viesti_completion *completion) {
  worker *self = context;
  self->started++;
  self->request = request;
  self->completion = completion;
  if (self->at_once)
    self->result = viesti_complete(completion, &self->answer);
}

static void cancel(void *context, viesti_completion *completion) {
  worker *self = context;
  self->cancelled++;
  self->result = viesti_complete(completion, &self->answer);
}

static void close(void *context) {
  ((worker *)context)->closed++;
}

static const viesti_header FIELDS[] = {{"X-A", "1"}, {"X-A", "2"}};

/* For the running test, and until its runtime is closed. */
static worker *new_worker(bool at_once) {
  worker *self = malloc(sizeof *self);
  if (!check(self))
    abort();
  *self = (worker){.at_once = at_once,
                   .answer = {.size = sizeof(viesti_answer),
                              .status_code = 203,
                              .reason = "Mine",
                              .headers = FIELDS,
                              .header_count = 2,
                              .body = "a\0b",
                              .body_length = 3}};
  tap_defer(free, self);
  return self;
}

/* A runtime whose chains know `OwnSender`, with one of that source. */
static viesti *open_with(worker *self, const char *source) {
  viesti *runtime = host_open(NULL);
  viesti_sender sender = {sizeof sender, self, start, cancel, close};
  bool ready = runtime && viesti_add_sender(runtime, "OwnSender", &sender) == VIESTI_OK &&
               viesti_load(runtime, source, NULL) == VIESTI_OK;
  if (!check(ready))
    printf("# %s\n", viesti_last_error(runtime));
  return ready ? runtime : NULL;
}

static const char SOURCE[] = "return chain { RetryingSender { retries = 0 }, OwnSender {} }";
static const char URL[] = "http://example.test/a?b=c";

IT("answers as the host does, at once") {
  worker *self = new_worker(true);
  viesti *runtime = open_with(self, SOURCE);
  viesti_request request = {.size = sizeof request, .url = URL};
  viesti_response *response;
  require(runtime);
  check_int(viesti_send(runtime, &request, &response), VIESTI_OK);
  require(response);
  check_int(viesti_response_status_code(response), 203);
  viesti_bytes reason = viesti_response_reason(response), body = viesti_response_body(response);
  check(reason.length == 4 && memcmp(reason.data, "Mine", 4) == 0);
  check(body.length == 3 && memcmp(body.data, "a\0b", 3) == 0);
  check_int(viesti_response_header_count(response), 2);
  check_int(viesti_response_attempts(response), 1);
  check(viesti_response_url(response).length == strlen(URL));
  viesti_response_release(response);
}

IT("shows the host the request until it is over") {
  worker *self = new_worker(false);
  viesti *runtime = open_with(self, SOURCE);
  viesti_header headers[] = {{"X-B", "b"}, {"Content-Type", "text/plain"}};
  viesti_request request = {.size = sizeof request,
                            .method = "PUT",
                            .url = URL,
                            .headers = headers,
                            .header_count = 2,
                            .body = "data",
                            .body_length = 4,
                            .timeout = 9};
  told about = {0};
  require(runtime);
  check_int(viesti_submit(runtime, &request, host_note, &about, NULL), VIESTI_OK);
  viesti_step(runtime, 0);
  require(self->request);
  check_text(vi_text_of(self->request->method), "PUT");
  check_text(vi_text_of(self->request->url), URL);
  check_int(self->request->header_count, 2);
  check_text(vi_text_of(self->request->headers[0].name), "X-B");
  check_text(vi_text_of(self->request->headers[1].value), "text/plain");
  check(self->request->body_length == 4 && memcmp(self->request->body, "data", 4) == 0);
  check(self->request->timeout > 8 && self->request->timeout <= 9);
  check_int(viesti_complete(self->completion, &self->answer), VIESTI_OK);
  host_finish(runtime);
  check_int(about.status, 203);
}

IT("is completed later, and lets others go on meanwhile") {
  worker *self = new_worker(false);
  viesti *runtime = open_with(self, SOURCE);
  told first = {0}, second = {0};
  require(runtime);
  host_get(runtime, URL, &first);
  viesti_step(runtime, 0);
  viesti_completion *completion = self->completion;
  host_get(runtime, URL, &second);
  viesti_step(runtime, 0);
  check_int(self->started, 2);
  check_int(viesti_complete(self->completion, &self->answer), VIESTI_OK);
  check_int(viesti_timeout(runtime), 0);
  viesti_step(runtime, -1);
  check(second.status == 203 && first.times == 0);
  check_int(viesti_fail(completion, "reset", "it broke", 1), VIESTI_OK);
  viesti_step(runtime, -1);
  check_text(vi_text_of(first.kind), "reset");
  check_int(first.maybe_sent, 1);
  check(strstr(first.error, "it broke"));
}

IT("fails with the host's words, which a RetryingSender goes by") {
  worker *self = new_worker(false);
  viesti *runtime = open_with(self, "return chain {\n"
                                    "  RetryingSender { retries = 1, backoff = { base = 0 } },\n"
                                    "  OwnSender {} }");
  told about = {0};
  require(runtime);
  host_get(runtime, URL, &about);
  for (int i = 0; i < 100 && self->started < 2; i++) {
    viesti_step(runtime, 0);
    if (self->started == 1 && self->completion) {
      check_int(viesti_fail(self->completion, "connect", "nobody there", 0), VIESTI_OK);
      self->completion = NULL;
    }
  }
  require(self->started == 2 && self->completion);
  check_int(viesti_complete(self->completion, &self->answer), VIESTI_OK);
  host_finish(runtime);
  check_int(about.status, 203);
}

IT("tells the host once that nobody waits any more, and takes no answer then") {
  worker *self = new_worker(false);
  viesti *runtime = open_with(self, SOURCE);
  told about = {0};
  require(runtime);
  viesti_ticket ticket = host_get(runtime, URL, &about);
  viesti_step(runtime, 0);
  viesti_cancel(runtime, ticket);
  check_int(self->cancelled, 1);
  check_int(self->result, VIESTI_MISUSE);
  host_finish(runtime);
  check_text(vi_text_of(about.kind), "cancelled");
  check_int(about.maybe_sent, 1);
}

IT("tells the host likewise when the request's time is up") {
  worker *self = new_worker(false);
  viesti *runtime =
      open_with(self, "return chain { DeadlineSender { max_time = 0.02 }, OwnSender {} }");
  told late = {0}, slow = {0};
  viesti_request request = {.size = sizeof request, .url = URL, .timeout = 0.01};
  require(runtime);
  host_get(runtime, URL, &late);
  viesti_submit(runtime, &request, host_note, &slow, NULL);
  host_finish(runtime);
  check_text(vi_text_of(late.kind), "deadline");
  check(strcmp(slow.kind, "timeout") == 0 || strcmp(slow.kind, "deadline") == 0);
  check_int(self->cancelled, 2);
}

IT("tells the host so, and that it is closed, when the runtime is") {
  worker *self = new_worker(false);
  viesti *runtime = NULL;
  told about = {0};
  viesti_sender sender = {sizeof sender, self, start, cancel, close};
  require(viesti_open(&runtime, NULL) == VIESTI_OK);
  check_int(viesti_add_sender(runtime, "OwnSender", &sender), VIESTI_OK);
  check_int(viesti_load(runtime, SOURCE, NULL), VIESTI_OK);
  host_get(runtime, URL, &about);
  viesti_step(runtime, 0);
  viesti_close(runtime);
  check_int(about.times, 1);
  check_int(self->cancelled, 1);
  check_int(self->closed, 1);
}

IT("needs viesti_submit where the host does not answer at once") {
  worker *self = new_worker(false);
  viesti *runtime = open_with(self, SOURCE);
  require(runtime);
  check_int(host_send(runtime, URL), 0);
  check(strstr(viesti_last_error(runtime), "viesti_submit"));
  check_int(self->cancelled, 1);
}

IT("takes no answer that is none, and waits for another") {
  worker *self = new_worker(false);
  viesti *runtime = open_with(self, SOURCE);
  told about = {0};
  viesti_header bad = {"A\r\nB", "c"};
  require(runtime);
  host_get(runtime, URL, &about);
  viesti_step(runtime, 0);
  viesti_answer answer = self->answer;
  answer.status_code = 100;
  check_int(viesti_complete(self->completion, &answer), VIESTI_MISUSE);
  answer.status_code = 200;
  answer.body = NULL;
  check_int(viesti_complete(self->completion, &answer), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "body is NULL, but its length is not 0"));
  answer.body = self->answer.body;
  answer.reason = "Fine\r\nX-A: b";
  check_int(viesti_complete(self->completion, &answer), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "reason"));
  answer.reason = NULL;
  answer.headers = &bad;
  answer.header_count = 1;
  check_int(viesti_complete(self->completion, &answer), VIESTI_MISUSE);
  check_int(viesti_complete(self->completion, NULL), VIESTI_MISUSE);
  check_int(viesti_complete(NULL, &self->answer), VIESTI_MISUSE);
  check_int(viesti_fail(self->completion, "nonsense", "words", 0), VIESTI_MISUSE);
  check_int(viesti_complete(self->completion, &self->answer), VIESTI_OK);
  host_finish(runtime);
  check_int(about.status, 203);
}

static viesti *called_runtime;

static void start_by_calling(void *context, const viesti_request *request,
                             viesti_completion *completion) {
  worker *self = context;
  viesti_response *response;
  self->result = viesti_send(called_runtime, request, &response);
  viesti_close(called_runtime);
  viesti_complete(completion, &self->answer);
}

IT("cannot call the runtime from inside of its chain, and closes it after") {
  worker *self = new_worker(true);
  viesti_sender sender = {sizeof sender, self, start_by_calling, cancel, close};
  require(viesti_open(&called_runtime, NULL) == VIESTI_OK);
  check_int(viesti_add_sender(called_runtime, "OwnSender", &sender), VIESTI_OK);
  check_int(viesti_load(called_runtime, SOURCE, NULL), VIESTI_OK);
  check_int(host_send(called_runtime, URL), 203);
  check_int(self->result, VIESTI_MISUSE);
  check_int(self->closed, 1);
}

IT("is refused a name that is none, or that a chain's source knows") {
  worker *self = new_worker(true);
  viesti *runtime = open_with(self, SOURCE);
  viesti_sender sender = {sizeof sender, self, start, cancel, close};
  static const char *const names[] = {"",      "a b",   "1a",         "end",
                                      "pairs", "redis", "SyncSender", "OwnSender"};
  require(runtime);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    check_int(viesti_add_sender(runtime, names[i], &sender), VIESTI_FAILED);
  sender.start = NULL;
  check_int(viesti_add_sender(runtime, "OtherSender", &sender), VIESTI_MISUSE);
  check_int(self->closed, 0);
}

/* A sender that is wrong first, and keeps what was said of that. */
static char said[3][100];

static void start_wrong(void *context, const viesti_request *request,
                        viesti_completion *completion) {
  viesti *runtime = *(viesti **)context;
  viesti_answer answer = {.size = sizeof answer, .status_code = 99};
  (void)request;
  check_int(viesti_complete(completion, &answer), VIESTI_MISUSE);
  snprintf(said[0], sizeof said[0], "%s", viesti_last_error(runtime));
  viesti_header fields[1001];
  for (size_t i = 0; i < 1001; i++)
    fields[i] = (viesti_header){"A", "b"};
  answer = (viesti_answer){
      .size = sizeof answer, .status_code = 200, .headers = fields, .header_count = 1001};
  check_int(viesti_complete(completion, &answer), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "headers are too many"));
  answer.header_count = 1000;
  check_int(viesti_fail(completion, "odd", "it is odd", 0), VIESTI_MISUSE);
  snprintf(said[1], sizeof said[1], "%s", viesti_last_error(runtime));
  check_int(viesti_step(runtime, 0), VIESTI_MISUSE);
  snprintf(said[2], sizeof said[2], "%s", viesti_last_error(runtime));
  answer.status_code = strstr(request->url, "never") ? 600 : 200;
  viesti_complete(completion, &answer);
}

IT("says what is wrong with what completes a request, and nothing of it once that is done") {
  viesti *runtime = host_open(NULL);
  viesti_sender sender = {.size = sizeof sender, .context = &runtime, .start = start_wrong};
  require(runtime);
  check_int(viesti_add_sender(runtime, "OwnSender", &sender), VIESTI_OK);
  check_int(viesti_load(runtime, "return OwnSender {}", NULL), VIESTI_OK);
  check_int(host_send(runtime, URL), 200);
  check_text(vi_text_of(said[0]), "viesti_complete: the answer's status is not from 200 to 599");
  check_text(vi_text_of(said[1]), "viesti_fail: there is no error of that kind");
  check_text(vi_text_of(said[2]),
             "the runtime is called from inside of its chain, or from another thread");
  check_text(vi_text_of(viesti_last_error(runtime)), "");
  check_int(host_send(runtime, "http://example.test/never"), 0);
  check(strstr(viesti_last_error(runtime), "viesti_complete: the answer's status is not"));
}

/* Functions of the host's, each of which closes the runtime when it is its turn. */
typedef enum function { IN_LOG, IN_START, IN_CANCEL, IN_CLOSE, FUNCTIONS } function;

typedef struct closer {
  viesti *runtime;
  function place;
  int cancelled, closed, told;
} closer;

static void close_in(closer *self, function one) {
  if (self->place == one)
    viesti_close(self->runtime);
}

static void log_and_close(void *context, viesti_bytes text) {
  (void)text;
  close_in(context, IN_LOG);
}

static void start_and_close(void *context, const viesti_request *request,
                            viesti_completion *completion) {
  (void)request;
  (void)completion;
  close_in(context, IN_START);
}

static void cancel_and_close(void *context, viesti_completion *completion) {
  closer *self = context;
  (void)completion;
  self->cancelled++;
  close_in(self, IN_CANCEL);
}

static void note_closing(void *context) {
  closer *self = context;
  self->closed++;
  close_in(self, IN_CLOSE);
}

static void count_outcome(void *context, const viesti_outcome *outcome) {
  closer *self = context;
  check_text(vi_text_of(outcome->kind), "cancelled");
  self->told++;
}

/* Goes on until the runtime has been closed; returns after which call that was. */
static const char *closed_after(closer *self) {
  viesti_options options = {.size = sizeof options, .log = log_and_close, .context = self};
  viesti_sender sender = {sizeof sender, self, start_and_close, cancel_and_close, note_closing};
  viesti_request request = {.size = sizeof request, .url = URL};
  viesti_ticket ticket;
  check_int(viesti_open(&self->runtime, &options), VIESTI_OK);
  check_int(viesti_add_sender(self->runtime, "OwnSender", &sender), VIESTI_OK);
  check_int(viesti_load(self->runtime, "log 'here' return OwnSender {}", NULL), VIESTI_OK);
  if (self->closed)
    return "load";
  check_int(viesti_submit(self->runtime, &request, count_outcome, self, &ticket), VIESTI_OK);
  check_int(viesti_step(self->runtime, 0), VIESTI_OK);
  if (self->closed)
    return "step";
  check_int(viesti_cancel(self->runtime, ticket), VIESTI_OK);
  if (self->closed)
    return "cancel";
  viesti_close(self->runtime);
  return "close";
}

IT("is closed from any function of the host's, when the call that runs that returns") {
  static const char *const calls[FUNCTIONS] = {"load", "step", "cancel", "close"};
  for (function place = 0; place < FUNCTIONS; place++) {
    closer self = {.place = place};
    check_text(vi_text_of(closed_after(&self)), calls[place]);
    check_int(self.closed, 1);
    check_int(self.told, place == IN_LOG ? 0 : 1);
    check_int(self.cancelled, place == IN_LOG ? 0 : 1);
  }
}

/* A policy that returns what it is to, and keeps what it was asked. */
typedef struct judge {
  double verdicts[3];
  int asked;
  viesti_attempt attempt;
  char url[60], kind[24];
} judge;

static double decide(void *context, const viesti_attempt *attempt) {
  judge *self = context;
  self->attempt = *attempt;
  snprintf(self->url, sizeof self->url, "%s", attempt->url);
  snprintf(self->kind, sizeof self->kind, "%s", attempt->kind);
  return self->verdicts[self->asked++];
}

static viesti *open_judged(judge *self, worker *sender) {
  static const char source[] =
      "return chain { RetryingSender { retries = 3, policy = own_policy }, OwnSender {} }";
  viesti *runtime = open_with(sender, SOURCE);
  bool ready = runtime && viesti_add_policy(runtime, "own_policy", decide, self) == VIESTI_OK &&
               viesti_load(runtime, source, NULL) == VIESTI_OK;
  if (!check(ready))
    printf("# %s\n", viesti_last_error(runtime));
  return ready ? runtime : NULL;
}

IT("asks the host's policy whether to send again") {
  worker *sender = new_worker(true);
  judge self = {.verdicts = {0, VIESTI_AS_USUAL}};
  viesti *runtime = open_judged(&self, sender);
  require(runtime);
  check_int(host_send(runtime, URL), 203);
  check_int(self.asked, 2);
  check_int(sender->started, 2);
  check_int(self.attempt.status_code, 203);
  check_int(self.attempt.attempt, 2);
  check_int(self.attempt.retries_left, 2);
  check_text(vi_text_of(self.url), URL);
  check_text(vi_text_of(self.kind), "");
  check(self.attempt.retry_after < 0);
  check(self.attempt.wait >= 0 && self.attempt.wait <= 2); /* what VIESTI_AGAIN would be */
}

IT("asks it about a POST that succeeded as well, and goes by its word") {
  worker *sender = new_worker(true);
  judge self = {.verdicts = {VIESTI_AS_USUAL, 0, VIESTI_AS_USUAL}};
  viesti *runtime = open_judged(&self, sender);
  viesti_request request = {.size = sizeof request, .method = "POST", .url = URL, .body = ""};
  viesti_response *response;
  require(runtime);
  for (int sent = 1; sent <= 3; sent += 2) {
    check_int(viesti_send(runtime, &request, &response), VIESTI_OK);
    viesti_response_release(response);
    check_int(self.attempt.maybe_sent, 1);
    check_int(sender->started, sent);
  }
}

IT("goes by its word that it is not to") {
  worker *sender = new_worker(true);
  judge self = {.verdicts = {VIESTI_GIVE_UP}};
  sender->answer.status_code = 503;
  viesti *runtime = open_judged(&self, sender);
  require(runtime);
  check_int(host_send(runtime, URL), 503);
  check_int(self.asked, 1);
  check_int(sender->started, 1);
}

IT("is named by a chain that nobody vouches for, as any sender and policy of the host's") {
  worker *sender = new_worker(true);
  judge self = {.verdicts = {0, VIESTI_AS_USUAL}};
  viesti_options options = {.size = sizeof options, .untrusted = 1};
  viesti_sender own = {sizeof own, sender, start, cancel, close};
  viesti *runtime;
  require(viesti_open(&runtime, &options) == VIESTI_OK);
  check_int(viesti_add_sender(runtime, "OwnSender", &own), VIESTI_OK);
  check_int(viesti_add_policy(runtime, "own_policy", decide, &self), VIESTI_OK);
  check_int(
      viesti_load(
          runtime,
          "return chain { RetryingSender { retries = 3, policy = own_policy }, OwnSender {} }",
          NULL),
      VIESTI_OK);
  check_int(host_send(runtime, URL), 203);
  check_int(self.asked, 2);
  check_int(sender->started, 2);
  viesti_close(runtime);
}

IT("says so where the policy says nothing that can be done") {
  worker *sender = new_worker(true);
  judge self = {.verdicts = {-7}};
  viesti *runtime = open_judged(&self, sender);
  require(runtime);
  check_int(host_send(runtime, URL), 0);
  check(strstr(viesti_last_error(runtime), "policy must return"));
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "script");
}
