#include "transport/sockets.h"

#include "message/clock.h"
#include "message/memory.h"
#include "transport/loop.h"
#include "transport/transfer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

bool vi_sockets_add(vi_session *session, curl_socket_t fd) {
  if (session->socket_count == session->socket_capacity) {
    size_t capacity = session->socket_capacity ? session->socket_capacity * 2 : 8;
    curl_socket_t *sockets = vi_realloc(session->sockets, capacity * sizeof *sockets);
    if (!sockets)
      return false;
    session->sockets = sockets;
    session->socket_capacity = capacity;
  }
  session->sockets[session->socket_count++] = fd;
  return !session->loop || vi_loop_note_socket(session->loop, fd, true);
}

void vi_sockets_remove(vi_session *session, curl_socket_t fd) {
  for (size_t i = session->socket_count; i-- > 0;)
    if (session->sockets[i] == fd) {
      session->sockets[i] = session->sockets[--session->socket_count];
      break;
    }
  if (session->loop)
    vi_loop_note_socket(session->loop, fd, false);
}

void vi_sockets_cut_off(vi_session *session) {
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (size_t i = 0; i < session->socket_count; i++)
    if (nowhere < 0 || dup2(nowhere, session->sockets[i]) < 0)
      close(session->sockets[i]);
  if (nowhere >= 0)
    close(nowhere);
}

/* 0 for a socket that has no port. */
static long local_port(curl_socket_t fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage room;
  } address = {0};
  socklen_t size = sizeof address;
  if (getsockname(fd, &address.any, &size) != 0)
    return 0;
  if (address.any.sa_family == AF_INET6)
    return ntohs(address.in6.sin6_port);
  return address.any.sa_family == AF_INET ? ntohs(address.in.sin_port) : 0;
}

/* libcurl does not say which socket a transfer uses before it is over, but it says the port. A
 * paused transfer's is readable, and not waited for. */
static bool may_be_in_use(const vi_session *session, curl_socket_t fd) {
  long port = session->active ? local_port(fd) : 0;
  for (const vi_transfer *transfer = session->active; transfer; transfer = transfer->next) {
    long used = 0;
    curl_easy_getinfo(transfer->handle->easy, CURLINFO_LOCAL_PORT, &used);
    if (used == port || port == 0)
      return true;
  }
  return false;
}

/* HTTP/2 has things to say without being asked. */
void vi_sockets_check(vi_session *session, curl_socket_t fd) {
  char byte;
  if (!session->has_multiplexed && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0 &&
      !may_be_in_use(session, fd))
    shutdown(fd, SHUT_RDWR);
}

void vi_sockets_check_all(vi_session *session) {
  enum { SOON = 1000000 }; /* nanoseconds: what follows at once costs nothing */
  if (session->idle_since == 0 || vi_clock_monotonic() - session->idle_since < SOON)
    return;
  for (size_t i = 0; i < session->socket_count; i++)
    vi_sockets_check(session, session->sockets[i]);
}
