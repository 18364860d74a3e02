/* embed/submit: requests under way while the host does something else. */
#include "host.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char ASYNC[] = "return chain { AsyncSender { timeout = 5 } }";
static const origin_answer HANGING[] = {{.then = ORIGIN_HANG}};

IT("calls back once, from a step, with the response") {
  origin *server = host_serve_hello();
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(server && runtime);
  check(host_get(runtime, host_url(server), &about) != 0);
  check_int(about.times, 0);
  check_int(viesti_pending(runtime), 1);
  host_finish(runtime);
  viesti_step(runtime, 0);
  check_int(about.times, 1);
  check_int(about.how, VIESTI_OK);
  check_int(about.status, 200);
}

IT("has many under way at once") {
  origin *server = host_serve_hello();
  viesti *runtime = host_open(ASYNC);
  told about[40] = {0};
  require(server && runtime);
  for (int i = 0; i < 40; i++)
    host_get(runtime, host_url(server), &about[i]);
  host_finish(runtime);
  for (int i = 0; i < 40; i++)
    check(about[i].times == 1 && about[i].status == 200);
}

IT("says of one that fails why, and of what kind that is") {
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(runtime);
  host_get(runtime, "http://127.0.0.1:1/", &about);
  host_finish(runtime);
  check_int(about.times, 1);
  check_int(about.how, VIESTI_FAILED);
  check_text(vi_text_of(about.kind), "connect");
  check(strstr(about.error, "127.0.0.1:1"));
  check_int(about.maybe_sent, 0);
  host_get(runtime, "ftp://127.0.0.1/", &about);
  host_finish(runtime);
  check_text(vi_text_of(about.kind), "");
  check_int(about.maybe_sent, 0);
}

IT("says what a chain raised, of the kind of what code of its user's fails with") {
  viesti *runtime = host_open("local S = Sender:extend('OwnSender')\n"
                              "function S:send() error('no way', 0) end\n"
                              "return S()");
  told about = {0};
  require(runtime);
  host_get(runtime, "http://127.0.0.1:1/", &about);
  host_finish(runtime);
  check_int(about.how, VIESTI_FAILED);
  check_text(vi_text_of(about.error), "no way");
  check_text(vi_text_of(about.kind), "script");
  check_int(about.maybe_sent, 1);
  check_int(host_send(runtime, "http://127.0.0.1:1/"), 0);
  check_text(vi_text_of(viesti_last_error(runtime)), "no way");
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "script");
  check_int(viesti_last_error_maybe_sent(runtime), 1);
}

IT("cancels what waits for its server, and says so from the next step") {
  origin *server = host_serve(HANGING, 1);
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(server && runtime);
  viesti_ticket ticket = host_get(runtime, host_url(server), &about);
  viesti_step(runtime, 20);
  check_int(viesti_cancel(runtime, ticket), VIESTI_OK);
  check_int(about.times, 0);
  check_int(viesti_timeout(runtime), 0);
  viesti_step(runtime, -1);
  check_int(about.times, 1);
  check_text(vi_text_of(about.kind), "cancelled");
  check_int(viesti_cancel(runtime, ticket), VIESTI_OK);
  check_int(viesti_cancel(runtime, 99), VIESTI_OK);
  viesti_step(runtime, 0);
  check_int(about.times, 1);
}

IT("cancels what no step has begun with") {
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(runtime);
  viesti_cancel(runtime, host_get(runtime, "http://127.0.0.1:1/", &about));
  viesti_step(runtime, -1);
  check_text(vi_text_of(about.kind), "cancelled");
}

IT("calls back what is under way when it is closed") {
  origin *server = host_serve(HANGING, 1);
  viesti *runtime = NULL;
  told begun = {0}, fresh = {0};
  require(server && viesti_open(&runtime, NULL) == VIESTI_OK);
  check_int(viesti_load(runtime, ASYNC, NULL), VIESTI_OK);
  host_get(runtime, host_url(server), &begun);
  viesti_step(runtime, 20);
  host_get(runtime, host_url(server), &fresh);
  viesti_close(runtime);
  check(begun.times == 1 && strcmp(begun.kind, "cancelled") == 0);
  check(fresh.times == 1 && strcmp(fresh.kind, "cancelled") == 0);
}

IT("goes on with it first for as long as it is to linger") {
  static const origin_answer answers[] = {
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .then = ORIGIN_KEEP, .delay = 50}};
  viesti_options options = {.size = sizeof options, .linger_ms = 5000};
  origin *server = host_serve(answers, 1);
  viesti *runtime = NULL;
  told about = {0};
  require(server && viesti_open(&runtime, &options) == VIESTI_OK);
  check_int(viesti_load(runtime, ASYNC, NULL), VIESTI_OK);
  host_get(runtime, host_url(server), &about);
  viesti_close(runtime);
  check_int(about.times, 1);
  check_int(about.status, 200);
}

typedef struct again {
  viesti *runtime;
  const char *url;
  int left;
  viesti_status refused;
} again;

static void submit_again(void *context, const viesti_outcome *outcome) {
  again *self = context;
  viesti_request request = {.size = sizeof request, .url = self->url};
  (void)outcome;
  if (self->left-- > 0)
    self->refused = viesti_submit(self->runtime, &request, submit_again, self, NULL);
  else
    viesti_close(self->runtime);
}

IT("lets a callback submit another request, send one, and close the runtime") {
  origin *server = host_serve_hello();
  viesti *runtime = NULL;
  require(server && viesti_open(&runtime, NULL) == VIESTI_OK);
  check_int(viesti_load(runtime, ASYNC, NULL), VIESTI_OK);
  again self = {runtime, host_url(server), 3, VIESTI_OK};
  viesti_request request = {.size = sizeof request, .url = self.url};
  check_int(viesti_submit(runtime, &request, submit_again, &self, NULL), VIESTI_OK);
  while (self.left >= 0)
    check_int(viesti_step(runtime, -1), VIESTI_OK);
  check_int(self.refused, VIESTI_OK);
}

IT("refuses what a callback submits while the runtime is closed") {
  viesti *runtime = NULL;
  require(viesti_open(&runtime, NULL) == VIESTI_OK);
  check_int(viesti_load(runtime, ASYNC, NULL), VIESTI_OK);
  again self = {runtime, "http://127.0.0.1:1/", 1, VIESTI_OK};
  viesti_request request = {.size = sizeof request, .url = self.url};
  check_int(viesti_submit(runtime, &request, submit_again, &self, NULL), VIESTI_OK);
  viesti_close(runtime);
  check_int(self.refused, VIESTI_MISUSE);
}

IT("goes on with them while another one is sent, and calls back before that returns") {
  origin *server = host_serve_hello();
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(server && runtime);
  host_get(runtime, host_url(server), &about);
  for (int i = 0; i < 100 && about.times == 0; i++)
    check_int(host_send(runtime, host_url(server)), 200);
  check_int(about.times, 1);
}

IT("lets them finish on the chain that they were sent through") {
  origin *server = host_serve_hello();
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(server && runtime);
  host_get(runtime, host_url(server), &about);
  check_int(viesti_load(runtime, "return MockSender { asynchronous = true }", NULL), VIESTI_OK);
  host_finish(runtime);
  check_int(about.status, 200);
}

static bool is_readable(int fd, int timeout) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  return poll(&one, 1, timeout) == 1;
}

IT("has a descriptor that is readable whenever a step has something to do") {
  origin *server = host_serve_hello();
  viesti *runtime = host_open(ASYNC);
  told about = {0};
  require(server && runtime);
  int fd = viesti_fd(runtime);
  check(fd >= 0 && viesti_fd(runtime) == fd);
  check(!is_readable(fd, 0));
  check_int(viesti_timeout(runtime), -1);
  viesti_ticket ticket = host_get(runtime, host_url(server), &about);
  for (int i = 0; i < 1000 && about.times == 0 && is_readable(fd, 5000); i++)
    viesti_step(runtime, 0);
  check_int(about.status, 200);
  ticket = host_get(runtime, host_url(server), &about);
  viesti_cancel(runtime, ticket);
  check(is_readable(fd, 0));
  viesti_step(runtime, 0);
  check_int(about.times, 2);
}

IT("ends the next step that waits when it is woken, and a descriptor's poll") {
  viesti *runtime = host_open(ASYNC);
  require(runtime);
  viesti_wakeup(runtime);
  check_int(viesti_timeout(runtime), 0);
  check_int(viesti_step(runtime, -1), VIESTI_OK);
  int fd = viesti_fd(runtime);
  viesti_step(runtime, 0);
  check(!is_readable(fd, 0));
  viesti_wakeup(runtime);
  viesti_wakeup(runtime);
  check(is_readable(fd, 0));
  viesti_step(runtime, -1);
  check(!is_readable(fd, 0));
}

IT("does not lose a wake to a request that is sent meanwhile") {
  origin *server = host_serve_hello();
  viesti *runtime = host_open(ASYNC);
  require(server && runtime);
  int fd = viesti_fd(runtime);
  viesti_wakeup(runtime);
  check_int(host_send(runtime, host_url(server)), 200);
  check(is_readable(fd, 0));
  check_int(viesti_step(runtime, -1), VIESTI_OK);
}

IT("has a descriptor of its own in a child process, which is woken there") {
  viesti *runtime = host_open(ASYNC);
  require(runtime);
  viesti_fd(runtime);
  pid_t child = fork();
  if (child == 0) {
    int fd = viesti_fd(runtime);
    viesti_wakeup(runtime);
    _exit(is_readable(fd, 0) && viesti_step(runtime, -1) == VIESTI_OK ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  check_int(status, 0);
  check(!is_readable(viesti_fd(runtime), 0));
}

IT("refuses a request without a callback, and one through no chain, and calls nobody") {
  viesti *runtime = host_open(NULL);
  told about = {0};
  viesti_ticket ticket = 7;
  viesti_request request = {.size = sizeof request, .url = "http://127.0.0.1:1/"};
  require(runtime);
  check_int(viesti_submit(runtime, &request, NULL, NULL, NULL), VIESTI_MISUSE);
  check_int(viesti_submit(NULL, &request, host_note, &about, NULL), VIESTI_MISUSE);
  check_int(viesti_submit(runtime, &request, host_note, &about, &ticket), VIESTI_FAILED);
  check_int(ticket, 0);
  check_text(vi_text_of(viesti_last_error(runtime)), "no chain is loaded");
  check_int(host_send(runtime, "http://127.0.0.1:1/"), 0);
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "");
  check_int(viesti_last_error_maybe_sent(runtime), 0);
  viesti_step(runtime, 0);
  check_int(about.times, 0);
  check_int(viesti_pending(runtime), 0);
}

IT("says what is wrong with a request, and no more of what went before") {
  viesti *runtime = host_open("return SyncSender { timeout = 5 }");
  viesti_header fields[] = {{"A", "b"}, {NULL, "c"}};
  viesti_request request = {.size = sizeof request, .url = "http://127.0.0.1:1/"};
  viesti_response *response;
  require(runtime);
  check_int(viesti_send(runtime, &request, &response), VIESTI_FAILED);
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "connect");
  check_int(viesti_last_error_maybe_sent(runtime), 0);
  request.url = "http://127.0.0.1:1/with space";
  check_int(viesti_send(runtime, &request, &response), VIESTI_FAILED);
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "");
  check_int(viesti_last_error_maybe_sent(runtime), 0);
  check_int(viesti_send(runtime, &request, NULL), VIESTI_MISUSE);
  check_text(vi_text_of(viesti_last_error(runtime)),
             "viesti_send: there is no pointer for the response");
  check_text(vi_text_of(viesti_last_error_kind(runtime)), "");
  check_int(viesti_send(runtime, NULL, &response), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "request is NULL"));
  request.header_count = 2;
  check_int(viesti_send(runtime, &request, &response), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "headers are NULL"));
  request.headers = fields;
  check_int(viesti_send(runtime, &request, &response), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "one of the request's headers"));
  request.body_length = 5;
  request.header_count = 0;
  check_int(viesti_send(runtime, &request, &response), VIESTI_MISUSE);
  check_text(vi_text_of(viesti_last_error(runtime)),
             "viesti_send: the request's body is NULL, but its length is not 0");
  request.body = "12345";
  check_int(viesti_send(runtime, &request, &response), VIESTI_MISUSE);
  check_text(vi_text_of(viesti_last_error(runtime)),
             "viesti_send: a body needs a method, \"POST\" say");
  request.url = NULL;
  check_int(viesti_send(runtime, &request, &response), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "url is NULL"));
  request.size = 4;
  check_int(viesti_send(runtime, &request, &response), VIESTI_MISUSE);
  check(strstr(viesti_last_error(runtime), "its size"));
}
