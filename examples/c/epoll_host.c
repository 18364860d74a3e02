/* Sends GETs from a program that has a loop of its own, all at once: epoll_host URL...
 * The loop watches viesti's one descriptor beside whatever else the program does; here that is a
 * clock that ticks. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <viesti.h>

static const char CHAIN[] = "return chain {"
                            "  CachingSender { max_size = 100 },"
                            "  RetryingSender { retries = 2 },"
                            "  AsyncSender { timeout = 10 },"
                            "}";

static void print(void *url, const viesti_outcome *outcome) {
  if (outcome->status == VIESTI_OK)
    printf("%d %s\n", viesti_response_status_code(outcome->response), (const char *)url);
  else
    printf("%s\n", outcome->error);
}

static void watch(int poller, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (fd < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
    perror("epoll_host");
    exit(1);
  }
}

/* Until every request has been called back. */
static void run(viesti *relay) {
  int poller = epoll_create1(EPOLL_CLOEXEC), clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec each = {{0, 10000000}, {0, 10000000}};
  timerfd_settime(clock, 0, &each, NULL);
  watch(poller, clock);
  watch(poller, viesti_fd(relay));
  unsigned long long ticks = 0, passed;
  while (viesti_pending(relay) > 0) {
    struct epoll_event event;
    if (epoll_wait(poller, &event, 1, -1) != 1)
      continue;
    if (event.data.fd != clock)
      viesti_step(relay, 0);
    else if (read(clock, &passed, sizeof passed) == sizeof passed)
      ticks += passed;
  }
  fprintf(stderr, "%llu ticks\n", ticks);
  close(clock);
  close(poller);
}

int main(int argc, char **argv) {
  viesti *relay;
  int status = 1;
  if (viesti_open(&relay, NULL) == VIESTI_OK && viesti_load(relay, CHAIN, "=chain") == VIESTI_OK) {
    status = 0;
    for (int i = 1; i < argc && status == 0; i++) {
      viesti_request request = {.size = sizeof request, .url = argv[i]};
      status = viesti_submit(relay, &request, print, argv[i], NULL) != VIESTI_OK;
    }
    run(relay);
  }
  if (status != 0)
    fprintf(stderr, "%s\n", viesti_last_error(relay));
  viesti_close(relay);
  return status;
}
