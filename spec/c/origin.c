#include "origin.h"

#include "message/descriptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_CONNECTIONS = 1000, KEPT_REQUESTS = 20, REQUEST_SIZE = 1 << 21, TLS_HANDSHAKE = 0x16 };

typedef struct connection {
  origin *server;
  pthread_t thread;
  int fd; /* -1: closed */
  char
      *buffer; /* here, not in the thread alone, for the sake of leak checkers in forked children */
} connection;

typedef struct kept_request {
  char *bytes;
  size_t length;
} kept_request;

struct origin {
  const origin_answer *answers;
  size_t answer_count;
  int listener, port;
  pthread_t acceptor;
  pthread_mutex_t lock; /* for all below */
  bool stopping;
  size_t connection_count, request_count;
  connection connections[MOST_CONNECTIONS];
  kept_request requests[KEPT_REQUESTS];
};

static void pause_for(int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, NULL);
}

/* The length of the request's body by its Content-Length. */
static size_t body_length(const char *head) {
  const char *field = strcasestr(head, "\r\nContent-Length:");
  return field ? (size_t)strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static bool ends_with(const char *bytes, size_t length, const char *end) {
  return length >= strlen(end) && strcmp(bytes + length - strlen(end), end) == 0;
}

/* True if those bytes are a whole request, or all of it that is read before the answer. */
static bool is_whole(const char *bytes, size_t length, bool early) {
  const char *end = strstr(bytes, "\r\n\r\n");
  if (!end || early)
    return end != NULL;
  if (strcasestr(bytes, "\r\nTransfer-Encoding: chunked\r\n"))
    return ends_with(bytes, length, "\r\n0\r\n\r\n");
  return length >= (size_t)(end - bytes) + 4 + body_length(bytes);
}

/* Reads one request into `bytes`, NUL-terminated; its length, or 0 at the end of the connection. */
static size_t read_request(int fd, char *bytes, bool early) {
  size_t length = 0;
  while (length < REQUEST_SIZE - 1 && (length == 0 || !is_whole(bytes, length, early))) {
    ssize_t count = recv(fd, bytes + length, REQUEST_SIZE - 1 - length, 0);
    if (count <= 0)
      return 0;
    length += (size_t)count;
    bytes[length] = '\0';
    if (bytes[0] == TLS_HANDSHAKE)
      return length;
  }
  return length;
}

/* Keeps the request and chooses the answer. */
static const origin_answer *note_request(origin *server, const char *bytes, size_t length) {
  pthread_mutex_lock(&server->lock);
  size_t index = server->request_count++;
  if (index < KEPT_REQUESTS) {
    char *copy = malloc(length + 1);
    if (copy)
      server->requests[index] = (kept_request){memcpy(copy, bytes, length + 1), length};
  }
  pthread_mutex_unlock(&server->lock);
  return &server->answers[index < server->answer_count ? index : server->answer_count - 1];
}

static bool send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
    if (count <= 0)
      return false;
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool send_in_pieces(int fd, const origin_answer *answer, size_t length) {
  size_t piece = answer->piece ? answer->piece : length;
  for (size_t sent = 0; sent < length; sent += piece) {
    if (sent > 0)
      pause_for(answer->pause);
    if (!send_all(fd, answer->bytes + sent, piece < length - sent ? piece : length - sent))
      return false;
  }
  return true;
}

/* Answers one request; true if another one may follow. */
static bool serve_one(connection *self) {
  char *buffer = self->buffer;
  size_t length = read_request(self->fd, buffer, self->server->answers[0].early);
  if (length == 0)
    return false;
  const origin_answer *answer = note_request(self->server, buffer, length);
  if (answer->delay)
    pause_for(answer->delay);
  size_t size = answer->length || !answer->bytes ? answer->length : strlen(answer->bytes);
  if (!send_in_pieces(self->fd, answer, size))
    return false;
  if (answer->then == ORIGIN_HANG)
    while (recv(self->fd, buffer, 1, 0) > 0)
      continue;
  if (answer->then == ORIGIN_RESET) {
    struct linger none = {1, 0};
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  return answer->then == ORIGIN_KEEP;
}

static void *serve(void *argument) {
  connection *self = argument;
  self->buffer = malloc(REQUEST_SIZE);
  while (self->buffer && serve_one(self))
    continue;
  free(self->buffer);
  pthread_mutex_lock(&self->server->lock);
  close(self->fd);
  self->fd = -1;
  pthread_mutex_unlock(&self->server->lock);
  return NULL;
}

static void *take_connections(void *argument) {
  origin *server = argument;
  int fd;
  while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
    vi_close_on_exec(fd);
    pthread_mutex_lock(&server->lock);
    size_t index = server->connection_count;
    connection *new = &server->connections[index];
    bool taken = !server->stopping && index < MOST_CONNECTIONS;
    if (taken)
      *new = (connection){.server = server, .fd = fd};
    taken = taken && pthread_create(&new->thread, NULL, serve, new) == 0;
    server->connection_count += taken;
    pthread_mutex_unlock(&server->lock);
    if (!taken)
      close(fd);
  }
  return NULL;
}

static bool listen_on_loopback(origin *server) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server->listener = vi_open_socket(AF_INET, SOCK_STREAM, 0);
  if (server->listener < 0)
    return false;
  if (bind(server->listener, (struct sockaddr *)&address, size) < 0 ||
      listen(server->listener, 256) < 0 ||
      getsockname(server->listener, (struct sockaddr *)&address, &size) < 0) {
    close(server->listener);
    return false;
  }
  server->port = ntohs(address.sin_port);
  return true;
}

origin *origin_start(const origin_answer *answers, size_t count) {
  origin *server = calloc(1, sizeof *server);
  if (!server)
    return NULL;
  server->answers = answers;
  server->answer_count = count;
  pthread_mutex_init(&server->lock, NULL);
  if (listen_on_loopback(server) &&
      pthread_create(&server->acceptor, NULL, take_connections, server) == 0)
    return server;
  free(server);
  return NULL;
}

void origin_stop(origin *server) {
  pthread_mutex_lock(&server->lock);
  server->stopping = true;
  pthread_mutex_unlock(&server->lock);
  shutdown(server->listener, SHUT_RDWR);
  pthread_join(server->acceptor, NULL);
  close(server->listener);
  pthread_mutex_lock(&server->lock);
  for (size_t i = 0; i < server->connection_count; i++)
    if (server->connections[i].fd >= 0)
      shutdown(server->connections[i].fd, SHUT_RDWR);
  pthread_mutex_unlock(&server->lock);
  for (size_t i = 0; i < server->connection_count; i++)
    pthread_join(server->connections[i].thread, NULL);
  for (size_t i = 0; i < KEPT_REQUESTS; i++)
    free(server->requests[i].bytes);
  pthread_mutex_destroy(&server->lock);
  free(server);
}

int origin_port(const origin *server) {
  return server->port;
}

size_t origin_connections(origin *server) {
  pthread_mutex_lock(&server->lock);
  size_t count = server->connection_count;
  pthread_mutex_unlock(&server->lock);
  return count;
}

size_t origin_requests(origin *server) {
  pthread_mutex_lock(&server->lock);
  size_t count = server->request_count;
  pthread_mutex_unlock(&server->lock);
  return count;
}

vi_text origin_request(origin *server, size_t index) {
  pthread_mutex_lock(&server->lock);
  kept_request request = index < KEPT_REQUESTS ? server->requests[index] : (kept_request){NULL, 0};
  pthread_mutex_unlock(&server->lock);
  return (vi_text){request.bytes, request.length};
}
