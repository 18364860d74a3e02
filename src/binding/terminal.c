/* What a program at a terminal wants to know: how wide it is, and that somebody interrupts it. Only
 * the command calls these; a host's signals are its own. */
#include "binding/support.h"
#include "message/descriptor.h"

#include <signal.h>
#include <sys/ioctl.h>

/* terminal_width(file) -> its columns; nil if it is no terminal */
static int terminal_width(lua_State *L) {
  enum { USUAL = 80 };
  const luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef, 1, "the file is closed");
  int fd = fileno(stream->f);
  if (!isatty(fd))
    return 0;
  int columns = 0;
#ifdef TIOCGWINSZ
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) == 0)
    columns = size.ws_col;
#endif
  lua_pushinteger(L, columns > 0 ? columns : USUAL);
  return 1;
}

/* Signals are the process's, and so is this. */
static volatile sig_atomic_t caught;
static int ends[2] = {-1, -1};

static void note(int number) {
  caught = number;
  ssize_t written = write(ends[1], "", 1);
  (void)written; /* a full pipe is readable already */
}

static bool open_pipe(void) {
  if (ends[0] >= 0)
    return true;
  return vi_open_pipe(ends) == 0 && vi_never_block(ends[0]) && vi_never_block(ends[1]);
}

/* catch_interrupts() -> a descriptor that is readable once the process was asked to end, by SIGINT
 * or SIGTERM, which are left alone where they are ignored; nil: there is none. The second one ends
 * the process, whatever it does. */
static int catch_interrupts(lua_State *L) {
  static const int numbers[] = {SIGINT, SIGTERM};
  if (!open_pipe())
    return 0;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction action;
    if (sigaction(numbers[i], NULL, &action) != 0 || action.sa_handler == SIG_IGN)
      continue;
    action = (struct sigaction){.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(numbers[i], &action, NULL);
  }
  lua_pushinteger(L, ends[0]);
  return 1;
}

/* release_interrupts(): SIGINT ends the process, which Lua's own program lets end no more than the
 * Lua code that runs next. */
static int release_interrupts(lua_State *L) {
  (void)L;
  signal(SIGINT, SIG_DFL);
  return 0;
}

/* hold_standard_streams(): where one of them is closed, what is opened next, a connection say,
 * would take its place, and get what is written there. Reading finds nothing then, writing to
 * standard output fails, and to standard error goes nowhere. */
static int hold_standard_streams(lua_State *L) {
  static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
  (void)L;
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
      break;
  return 0;
}

/* interrupted() -> the number of the signal that was caught, or nil */
static int interrupted(lua_State *L) {
  if (caught == 0)
    return 0;
  lua_pushinteger(L, caught);
  return 1;
}

void vi_open_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"terminal_width", terminal_width},     {"release_interrupts", release_interrupts},
      {"catch_interrupts", catch_interrupts}, {"hold_standard_streams", hold_standard_streams},
      {"interrupted", interrupted},           {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
