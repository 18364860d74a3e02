/* viesti.stores.redis: a connection to a Redis server as Lua sees it, and nothing that waits but
 * `wait`. What is said over it, and when, is lua/viesti/redis's. Is linked with nothing of viesti's
 * core. */
#include "message/descriptor.h"
#include "stores/redis_protocol.h"
#include "stores/redis_resolve.h"

#include <hiredis.h>
#include <lauxlib.h>
#include <lua.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <time.h>

#define CONNECTION "viesti.redis.Connection"

enum {
  READ_SIZE = 16 * 1024,
  MOST_ELEMENTS = 1 << 20,   /* of an array in a reply */
  MOST_BUFFERED = 1 << 30,   /* bytes of a reply that is not whole yet */
  KEPT_CAPACITY = 64 * 1024, /* of the memory for what is to be sent */
  MILLISECONDS_PER_SECOND = 1000,
  TOKEN_SIZE = 12,
};

#if HIREDIS_MAJOR >= 1
typedef size_t array_size;
#else
typedef int array_size;
#endif

typedef struct connection {
  int fd; /* -1: none */
  redisReader *reader;
  redisReplyObjectFunctions functions; /* the reader's */
  void *(*create_array)(const redisReadTask *, array_size);
  redisReply *reply; /* while it becomes a Lua value */
  char *out;
  size_t length, sent, capacity; /* of `out` */
  bool drained;                  /* the last read took all there was */
} connection;

static connection *check(lua_State *L) {
  return luaL_checkudata(L, 1, CONNECTION);
}

static int refuse(lua_State *L, const char *reason) {
  lua_pushnil(L);
  lua_pushstring(L, reason);
  return 2;
}

static int yes(lua_State *L, bool value) {
  lua_pushboolean(L, value);
  return 1;
}

/* An array whose announced size is absurd ends the connection before memory is asked for. */
static void *create_array(const redisReadTask *task, array_size elements) {
  const connection *it = task->privdata;
  return elements <= MOST_ELEMENTS ? it->create_array(task, elements) : NULL;
}

/* hiredis's own functions but for the arrays'. */
static bool open_reader(connection *it) {
  it->reader = redisReaderCreate();
  if (!it->reader)
    return false;
  it->functions = *it->reader->fn;
  it->create_array = it->functions.createArray;
  it->functions.createArray = create_array;
  it->reader->fn = &it->functions;
  it->reader->privdata = it;
  return true;
}

static int close_connection(lua_State *L) {
  connection *it = check(L);
  if (it->reply)
    freeReplyObject(it->reply);
  if (it->reader)
    redisReaderFree(it->reader);
  if (it->fd >= 0)
    close(it->fd);
  free(it->out);
  *it = (connection){.fd = -1};
  return 0;
}

/* connection() -> Connection, to nowhere yet; what is queued is sent once it leads somewhere */
static int new_connection(lua_State *L) {
  connection *it = lua_newuserdatauv(L, sizeof *it, 0);
  *it = (connection){.fd = -1};
  luaL_setmetatable(L, CONNECTION);
  return open_reader(it) ? 1 : luaL_error(L, "out of memory");
}

static int start(lua_State *L, connection *it, const struct sockaddr *address, socklen_t length) {
  const int on = 1;
  if (it->fd >= 0)
    close(it->fd);
  it->fd = vi_open_socket(address->sa_family, SOCK_STREAM, 0);
  if (it->fd < 0 || !vi_never_block(it->fd))
    return refuse(L, strerror(errno));
  if (address->sa_family != AF_UNIX)
    setsockopt(it->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(it->fd, address, length) == 0 || errno == EINPROGRESS)
    return yes(L, true);
  return refuse(L, strerror(errno));
}

/* it:connect_path(path) -> true once it is under way, or nil and a reason */
static int connect_path(lua_State *L) {
  connection *it = check(L);
  size_t length;
  const char *path = luaL_checklstring(L, 2, &length);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (length >= sizeof address.sun_path)
    return refuse(L, strerror(ENAMETOOLONG));
  memcpy(address.sun_path, path, length + 1);
  return start(L, it, (const struct sockaddr *)&address, sizeof address);
}

/* it:connect_address(address, port) -> likewise; false if that is a name, which has to be looked up
 * first */
static int connect_address(lua_State *L) {
  connection *it = check(L);
  const char *host = luaL_checkstring(L, 2), *port = luaL_checkstring(L, 3);
  struct addrinfo *found,
      hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  if (getaddrinfo(host, port, &hints, &found) != 0)
    return yes(L, false);
  struct sockaddr_storage address;
  socklen_t length = found->ai_addrlen;
  memcpy(&address, found->ai_addr, length);
  freeaddrinfo(found);
  return start(L, it, (const struct sockaddr *)&address, length);
}

/* it:connected() -> true, or nil and why it is not, for one that can be written */
static int connected(lua_State *L) {
  const connection *it = check(L);
  int problem = 0;
  socklen_t size = sizeof problem;
  if (getsockopt(it->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
    problem = errno;
  return problem ? refuse(L, strerror(problem)) : yes(L, true);
}

static int descriptor(lua_State *L) {
  lua_pushinteger(L, check(L)->fd);
  return 1;
}

static bool append(connection *it, const char *text, size_t length) {
  if (length == 0)
    return true;
  if (it->length + length > it->capacity) {
    size_t capacity = it->capacity ? it->capacity : 1024;
    while (capacity < it->length + length)
      capacity *= 2;
    char *out = realloc(it->out, capacity);
    if (!out)
      return false;
    it->out = out;
    it->capacity = capacity;
  }
  memcpy(it->out + it->length, text, length);
  it->length += length;
  return true;
}

/* it:queue(text) -> whether there was memory for these commands, to be sent by flush */
static int queue(lua_State *L) {
  connection *it = check(L);
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  luaL_argcheck(L, it->reader, 1, "it is closed");
  return yes(L, append(it, text, length));
}

static void forget_sent(connection *it) {
  it->length = it->sent = 0;
  if (it->capacity <= KEPT_CAPACITY)
    return;
  free(it->out);
  it->out = NULL;
  it->capacity = 0;
}

/* it:flush() -> true once all is sent, false while the socket takes no more; nil and a reason */
static int flush(lua_State *L) {
  connection *it = check(L);
  while (it->sent < it->length) {
    ssize_t sent = send(it->fd, it->out + it->sent, it->length - it->sent, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return yes(L, false);
    if (sent < 0 && errno != EINTR)
      return refuse(L, strerror(errno));
    it->sent += sent > 0 ? (size_t)sent : 0;
  }
  forget_sent(it);
  return yes(L, true);
}

/* How many more bytes there are to parse; 0: none for now; -1, with `reason`: the end. */
static int read_more(connection *it, const char **reason) {
  char bytes[READ_SIZE];
  if (it->drained) {
    it->drained = false;
    return 0;
  }
  ssize_t count;
  do {
    count = recv(it->fd, bytes, sizeof bytes, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return 0;
  if (count <= 0)
    *reason = count == 0 ? "the server closed the connection" : strerror(errno);
  else if (it->reader->len > MOST_BUFFERED)
    *reason = "a reply is too large";
  else if (redisReaderFeed(it->reader, bytes, (size_t)count) != REDIS_OK)
    *reason = it->reader->errstr;
  it->drained = count < READ_SIZE;
  return *reason ? -1 : (int)count;
}

/* it:take() -> true and the next reply; false while there is none; nil and a reason */
static int take(lua_State *L) {
  connection *it = check(L);
  luaL_argcheck(L, it->reader, 1, "it is closed");
  const char *reason = NULL;
  void *reply = NULL;
  for (;;) {
    if (redisReaderGetReply(it->reader, &reply) != REDIS_OK)
      return refuse(L, it->reader->errstr);
    if (reply)
      break;
    int more = read_more(it, &reason);
    if (more <= 0)
      return more < 0 ? refuse(L, reason) : yes(L, false);
  }
  it->reply = reply;
  lua_pushboolean(L, true);
  vi_redis_push_reply(L, it->reply);
  freeReplyObject(it->reply);
  it->reply = NULL;
  return 2;
}

/* resolve(host) -> descriptor to be read by read_addresses, or nil and a reason */
static int resolve(lua_State *L) {
  int fd = vi_redis_resolve(luaL_checkstring(L, 1));
  if (fd < 0)
    return refuse(L, strerror(errno));
  lua_pushinteger(L, fd);
  return 1;
}

/* read_addresses(descriptor) -> lines, once it can be read */
static int read_addresses(lua_State *L) {
  char text[4096];
  ssize_t count = read((int)luaL_checkinteger(L, 1), text, sizeof text);
  lua_pushlstring(L, text, count > 0 ? (size_t)count : 0);
  return 1;
}

static int close_descriptor(lua_State *L) {
  close((int)luaL_checkinteger(L, 1));
  return 0;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* wait(descriptor, "r"|"w"|"rw", seconds) -> whether that came before the time was over; blocks */
static int wait_for(lua_State *L) {
  const char *mode = luaL_checkstring(L, 2);
  struct pollfd polled = {
      .fd = (int)luaL_checkinteger(L, 1),
      .events = (short)((strchr(mode, 'r') ? POLLIN : 0) | (strchr(mode, 'w') ? POLLOUT : 0))};
  double deadline = now() + luaL_checknumber(L, 3);
  int ready;
  do {
    double left = (deadline - now()) * MILLISECONDS_PER_SECOND;
    ready = poll(&polled, 1, left > 0 ? (int)left + 1 : 0);
  } while (ready < 0 && errno == EINTR && now() < deadline);
  return yes(L, ready > 0);
}

static int pid(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

/* token() -> letters and digits that nobody else has */
static int token(lua_State *L) {
  unsigned char bytes[TOKEN_SIZE];
  char text[2 * TOKEN_SIZE + 1];
  if (getentropy(bytes, sizeof bytes) != 0)
    return luaL_error(L, "no random numbers");
  for (int i = 0; i < TOKEN_SIZE; i++)
    snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  lua_pushstring(L, text);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_viesti_stores_redis(lua_State *L) {
  static const luaL_Reg methods[] = {{"connect_path", connect_path},
                                     {"connect_address", connect_address},
                                     {"connected", connected},
                                     {"fd", descriptor},
                                     {"queue", queue},
                                     {"flush", flush},
                                     {"take", take},
                                     {"close", close_connection},
                                     {"__gc", close_connection},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"connection", new_connection},
                                       {"command", vi_redis_command},
                                       {"resolve", resolve},
                                       {"read_addresses", read_addresses},
                                       {"close", close_descriptor},
                                       {"wait", wait_for},
                                       {"pid", pid},
                                       {"token", token},
                                       {NULL, NULL}};
  luaL_newmetatable(L, CONNECTION);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
