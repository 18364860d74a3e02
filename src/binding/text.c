/* Functions on text that Lua code shares with the core. */
#include "binding/support.h"

#include "message/clock.h"
#include "message/http_date.h"
#include "message/random.h"
#include "message/url.h"

#include <arpa/inet.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* encode(text) -> percent-encoded */
static int encode(lua_State *L) {
  vi_text text = vi_check_text(L, 1);
  luaL_Buffer out;
  char *room = luaL_buffinitsize(L, &out, text.length * 3);
  luaL_pushresultsize(&out, vi_url_encode(text, room));
  return 1;
}

static vi_text text_in(lua_State *L, int list, lua_Integer at) {
  vi_text text = {0};
  lua_rawgeti(L, list, at);
  text.data = lua_tolstring(L, -1, &text.length);
  lua_pop(L, 1); /* the list holds it */
  return text;
}

/* encode_fields({ name, value, name, value, ... }) -> "name=value&name=value", percent-encoded */
static int encode_fields(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  size_t room = 0, length = 0;
  for (lua_Integer i = 1; i < count; i += 2)
    room += vi_url_pair_room(text_in(L, 1, i), text_in(L, 1, i + 1));
  luaL_Buffer out;
  char *bytes = luaL_buffinitsize(L, &out, room);
  for (lua_Integer i = 1; i < count; i += 2)
    length = vi_url_encode_pair(text_in(L, 1, i), text_in(L, 1, i + 1), bytes, length);
  luaL_pushresultsize(&out, length);
  return 1;
}

static vi_text integer_text(lua_Integer number, char room[VI_NUMBER_ROOM]) {
  size_t start = VI_NUMBER_ROOM;
  lua_Unsigned left = number < 0 ? 0 - (lua_Unsigned)number : (lua_Unsigned)number;
  do
    room[--start] = (char)('0' + left % 10);
  while (left /= 10);
  if (number < 0)
    room[--start] = '-';
  return (vi_text){room + start, VI_NUMBER_ROOM - start};
}

vi_text vi_number_text(lua_State *L, int index, char room[VI_NUMBER_ROOM]) {
  enum { FEWEST = 15, MOST = 17 };                          /* digits */
  static const lua_Number LARGEST_EXACT = 9007199254740992; /* up to it each whole one is a float */
  lua_Number number = lua_tonumber(L, index);
  int is_whole;
  lua_Integer whole = lua_tointegerx(L, index, &is_whole);
  if (is_whole && (lua_isinteger(L, index) || fabs(number) <= LARGEST_EXACT))
    return integer_text(whole, room);
  for (int digits = FEWEST; digits <= MOST; digits++) {
    snprintf(room, VI_NUMBER_ROOM, "%.*g", digits, number);
    if (strtod(room, NULL) == number)
      break;
  }
  return (vi_text){room, isfinite(number) ? vi_text_with_point(room) : strlen(room)};
}

/* number_text(number) -> what vi_number_text says */
static int number_text(lua_State *L) {
  char room[VI_NUMBER_ROOM];
  luaL_checktype(L, 1, LUA_TNUMBER);
  vi_push_text(L, vi_number_text(L, 1, room));
  return 1;
}

/* resolve_url(base, reference) -> the URL in normal form, or nil and what is wrong */
static int resolve_url(lua_State *L) {
  enum { SPARE = 64 }; /* for a scheme, and a slash or two */
  vi_text base = vi_check_text(L, 1), reference = vi_check_text(L, 2);
  /* Room for every character percent-encoded comes first: nothing raises with `out` in hand. */
  size_t room = 3 * (base.length + reference.length) + SPARE;
  luaL_Buffer result;
  char *bytes = luaL_buffinitsize(L, &result, room);
  vi_buffer out = {0};
  vi_error error;
  bool resolved = vi_url_resolve(base, reference, &out, &error) && out.length <= room;
  size_t length = resolved ? out.length : 0;
  if (resolved)
    memcpy(bytes, out.data, length);
  vi_buffer_free(&out);
  luaL_pushresultsize(&result, length);
  if (resolved)
    return 1;
  lua_pushnil(L);
  lua_pushstring(L, error.message);
  return 2;
}

/* parse_date(text) -> seconds since 1970, or nil if it is not one of HTTP's three formats */
static int parse_date(lua_State *L) {
  int64_t seconds;
  if (!vi_http_date_parse(vi_check_text(L, 1), (int64_t)vi_clock_wall(), &seconds))
    return 0;
  lua_pushinteger(L, (lua_Integer)seconds);
  return 1;
}

/* is_token(text) -> whether it may be a method or a field name */
static int is_token(lua_State *L) {
  lua_pushboolean(L, vi_text_is_token(vi_check_text(L, 1)));
  return 1;
}

/* public_url(url) -> the URL for people to read: without its user and password */
static int public_url(lua_State *L) {
  vi_push_public_url(L, vi_check_text(L, 1));
  return 1;
}

/* is_address(text) -> whether it is an IP address, without brackets */
static int is_address(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  struct in6_addr parsed;
  lua_pushboolean(L, inet_pton(AF_INET, text, &parsed) == 1 ||
                         inet_pton(AF_INET6, text, &parsed) == 1);
  return 1;
}

/* is_interface(name) -> whether the system has one of that name */
static int is_interface(lua_State *L) {
  lua_pushboolean(L, if_nametoindex(luaL_checkstring(L, 1)) != 0);
  return 1;
}

/* uuid() -> a random one (RFC 9562 5.4) */
static int uuid(lua_State *L) {
  enum { SIZE = 16, VERSION = 6, VARIANT = 8 };
  unsigned char bytes[SIZE];
  if (!vi_random_fill(bytes, sizeof bytes))
    return luaL_error(L, "this system has no random numbers");
  bytes[VERSION] = (unsigned char)((bytes[VERSION] & 0x0f) | 0x40);
  bytes[VARIANT] = (unsigned char)((bytes[VARIANT] & 0x3f) | 0x80);
  char text[2 * SIZE + sizeof "----"], *end = text;
  for (int i = 0; i < SIZE; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *end++ = '-';
    end += snprintf(end, 3, "%02x", bytes[i]);
  }
  lua_pushlstring(L, text, (size_t)(end - text));
  return 1;
}

void vi_open_text(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", encode},
                                       {"encode_fields", encode_fields},
                                       {"number_text", number_text},
                                       {"resolve_url", resolve_url},
                                       {"parse_date", parse_date},
                                       {"is_token", is_token},
                                       {"is_address", is_address},
                                       {"is_interface", is_interface},
                                       {"public_url", public_url},
                                       {"uuid", uuid},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
