/* A chain that ends in a sender of the program's own, which knows an answer or two by heart and
 * takes its time: custom_sender URL... A policy of the program's has what it is too busy for sent
 * again. */
#include <stdio.h>
#include <string.h>
#include <viesti.h>

enum { MOST = 2 };

static const char CHAIN[] = "return chain {"
                            "  RetryingSender { retries = 5, policy = patience },"
                            "  MemorySender {},"
                            "}";

/* The requests that it has not answered yet. */
typedef struct memory {
  viesti_completion *waiting[MOST];
  const viesti_request *requests[MOST];
  int count;
} memory;

static void start(void *context, const viesti_request *request, viesti_completion *completion) {
  memory *self = context;
  if (self->count == MOST) {
    viesti_answer busy = {.size = sizeof busy, .status_code = 503};
    viesti_complete(completion, &busy);
    return;
  }
  self->waiting[self->count] = completion;
  self->requests[self->count++] = request;
}

static void forget(memory *self, int index) {
  self->count--;
  self->waiting[index] = self->waiting[self->count];
  self->requests[index] = self->requests[self->count];
}

/* Nobody waits for it any more. */
static void cancel(void *context, viesti_completion *completion) {
  memory *self = context;
  for (int i = self->count - 1; i >= 0; i--)
    if (self->waiting[i] == completion)
      forget(self, i);
}

/* Answers one of those that wait. */
static void answer(memory *self) {
  viesti_header type = {"Content-Type", "text/plain"};
  viesti_answer found = {.size = sizeof found,
                         .status_code = 200,
                         .headers = &type,
                         .header_count = 1,
                         .body = "a greeting",
                         .body_length = 10};
  viesti_answer missing = {.size = sizeof missing, .status_code = 404};
  viesti_completion *completion = self->waiting[0];
  int is_known = strstr(self->requests[0]->url, "/greeting") != NULL;
  forget(self, 0);
  viesti_complete(completion, is_known ? &found : &missing);
}

static double patience(void *context, const viesti_attempt *attempt) {
  (void)context;
  return attempt->status_code == 503
             ? 0
             : VIESTI_AS_USUAL; /* at once, when others have had their turn */
}

static void print(void *url, const viesti_outcome *outcome) {
  if (outcome->status != VIESTI_OK) {
    printf("%s\n", outcome->error);
    return;
  }
  viesti_bytes body = viesti_response_body(outcome->response);
  printf("%d %s %.*s\n", viesti_response_status_code(outcome->response), (const char *)url,
         (int)body.length, body.data ? body.data : "");
}

int main(int argc, char **argv) {
  memory memory = {.count = 0};
  viesti_sender sender = {sizeof sender, &memory, start, cancel, NULL};
  viesti *relay;
  int status = 1;
  if (viesti_open(&relay, NULL) == VIESTI_OK &&
      viesti_add_sender(relay, "MemorySender", &sender) == VIESTI_OK &&
      viesti_add_policy(relay, "patience", patience, NULL) == VIESTI_OK &&
      viesti_load(relay, CHAIN, "=chain") == VIESTI_OK) {
    status = 0;
    for (int i = 1; i < argc; i++) {
      viesti_request request = {.size = sizeof request, .url = argv[i]};
      viesti_submit(relay, &request, print, argv[i], NULL);
    }
    while (viesti_pending(relay) > 0) {
      viesti_step(relay, 0);
      if (memory.count > 0)
        answer(&memory);
    }
  } else {
    fprintf(stderr, "%s\n", viesti_last_error(relay));
  }
  viesti_close(relay);
  return status;
}
