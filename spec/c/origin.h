/* A server on loopback that answers with scripted bytes, right or wrong: one thread that accepts,
 * and one for each connection. To TLS it speaks plain HTTP. It uses no memory of the core's. */
#ifndef SPEC_ORIGIN_H
#define SPEC_ORIGIN_H

#include "message/text.h"

/* What follows the bytes of an answer. */
typedef enum origin_end {
  ORIGIN_KEEP,  /* the next request on the same connection is read */
  ORIGIN_CLOSE, /* the connection is closed */
  ORIGIN_RESET, /* the connection is reset */
  ORIGIN_HANG,  /* nothing more, until the client goes away */
} origin_end;

typedef struct origin_answer {
  const char *bytes; /* NULL: none */
  size_t length;     /* 0: `bytes` ends with a NUL */
  origin_end then;
  int delay;    /* milliseconds before the first byte */
  size_t piece; /* bytes sent at once, 0: all of them; and between one piece and the next: */
  int pause;    /* milliseconds */
  bool early;   /* the first one's: requests are answered when their heads have come */
} origin_answer;

typedef struct origin origin;

/* A server that gives the first request, on whatever connection, the first answer and so on; the
 * last one is for all that follow. The answers must outlive it. NULL: no port or memory. */
origin *origin_start(const origin_answer *answers, size_t count);

/* Closes all connections, waits for all threads and frees the server. */
void origin_stop(origin *server);

/* The port it listens on. */
int origin_port(const origin *server);

/* How many connections it took and how many requests it read so far. */
size_t origin_connections(origin *server);
size_t origin_requests(origin *server);

/* The bytes of request `index`, as they came; empty if there was none, or one of many. */
vi_text origin_request(origin *server, size_t index);

#endif
