#include "stores/redis_resolve.h"

#include "message/descriptor.h"

#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct question {
  int answer; /* the pipe's end to write */
  char host[];
} question;

/* As many lines as are written at once, and so never block. */
static size_t print_addresses(const struct addrinfo *list, char *out, size_t size) {
  size_t length = 0;
  for (const struct addrinfo *each = list; each; each = each->ai_next) {
    char address[NI_MAXHOST];
    if (getnameinfo(each->ai_addr, each->ai_addrlen, address, sizeof address, NULL, 0,
                    NI_NUMERICHOST) != 0 ||
        length + strlen(address) + 2 > size)
      continue;
    length += (size_t)snprintf(out + length, size - length, "%s\n", address);
  }
  return length;
}

static void *look_up(void *argument) {
  question *asked = argument;
  struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM};
  char text[PIPE_BUF];
  int problem = getaddrinfo(asked->host, NULL, &hints, &list);
  size_t length = problem ? 0 : print_addresses(list, text, sizeof text);
  if (list)
    freeaddrinfo(list);
  if (length == 0)
    length = (size_t)snprintf(text, sizeof text, "-%s\n",
                              problem ? gai_strerror(problem) : "it has no address");
  while (write(asked->answer, text, length) < 0 && errno == EINTR)
    continue;
  close(asked->answer);
  free(asked);
  return NULL;
}

/* All signals are for others, SIGPIPE too, where nobody waits for the answer any more. */
static int start_thread(question *asked) {
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int problem = pthread_create(&thread, NULL, look_up, asked);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!problem)
    pthread_detach(thread);
  return problem;
}

int vi_redis_resolve(const char *host) {
  int ends[2];
  if (vi_open_pipe(ends) != 0)
    return -1;
  vi_never_block(ends[0]);
  question *asked = malloc(sizeof *asked + strlen(host) + 1);
  int problem = ENOMEM;
  if (asked) {
    asked->answer = ends[1];
    strcpy(asked->host, host); /* NOLINT: as long as was asked for */
    problem = start_thread(asked);
  }
  if (!problem)
    return ends[0];
  free(asked);
  close(ends[0]);
  close(ends[1]);
  errno = problem;
  return -1;
}
