/* Descriptors that no program started later inherits. Where the system cannot make them so in one
 * call (macOS), or -DVI_PORTABLE has it so, a program that another thread starts in between still
 * inherits them. In a header, for the stores, which are linked with nothing of the core. */
#ifndef VI_MESSAGE_DESCRIPTOR_H
#define VI_MESSAGE_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined SOCK_CLOEXEC && !defined VI_PORTABLE
#define VI_CLOEXEC_AT_ONCE 1
#endif

/* Without it a socket is asked for the same when it is made. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static inline bool vi_close_on_exec(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static inline bool vi_never_block(int fd) {
  return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

/* pipe(); both ends block. */
static inline int vi_open_pipe(int ends[2]) {
#ifdef VI_CLOEXEC_AT_ONCE
  return pipe2(ends, O_CLOEXEC);
#else
  if (pipe(ends) != 0)
    return -1;
  vi_close_on_exec(ends[0]);
  vi_close_on_exec(ends[1]);
  return 0;
#endif
}

/* socket(); it blocks, and with MSG_NOSIGNAL no send on it raises SIGPIPE. */
static inline int vi_open_socket(int family, int type, int protocol) {
#ifdef VI_CLOEXEC_AT_ONCE
  int fd = socket(family, type | SOCK_CLOEXEC, protocol);
#else
  int fd = socket(family, type, protocol);
  if (fd >= 0)
    vi_close_on_exec(fd);
#endif
#ifdef SO_NOSIGPIPE
  const int on = 1;
  if (fd >= 0)
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return fd;
}

#endif
