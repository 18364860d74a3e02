#include "binding/cache_policy.h"

#include "binding/transport.h"
#include "transport/sent_field.h"

#include <string.h>

static bool boolean(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static double number(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  double value = luaL_optnumber(L, -1, 0);
  lua_pop(L, 1);
  return value;
}

static vi_set_cookie set_cookie(lua_State *L, int index) {
  lua_getfield(L, index, "set_cookie");
  const char *what = luaL_optstring(L, -1, "store");
  vi_set_cookie value = strcmp(what, "strip") == 0  ? VI_SET_COOKIE_STRIP
                        : strcmp(what, "skip") == 0 ? VI_SET_COOKIE_SKIP
                                                    : VI_SET_COOKIE_STORE;
  lua_pop(L, 1);
  return value;
}

/* The strings of a list, which the table at `kept` and a userdata in it keep. */
static const vi_text *texts(lua_State *L, int index, const char *name, int kept, size_t *count) {
  *count = 0;
  if (lua_getfield(L, index, name) != LUA_TTABLE) {
    lua_pop(L, 1);
    return NULL;
  }
  lua_Integer length = luaL_len(L, -1);
  vi_text *list = lua_newuserdatauv(L, (size_t)length * sizeof *list + 1, 0);
  lua_rawsetp(L, kept, list);
  for (lua_Integer i = 1; i <= length; i++) {
    lua_rawgeti(L, -1, i);
    list[i - 1] = vi_check_text(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, kept);
  }
  lua_pop(L, 1);
  *count = (size_t)length;
  return list;
}

static bool sent_field(void *session, const vi_request *request, vi_text name, vi_buffer *out) {
  return vi_session_sent_field(session, request, name, out);
}

void vi_read_policy(lua_State *L, int index, vi_policy *policy) {
  index = lua_absindex(L, index);
  luaL_checktype(L, index, LUA_TTABLE);
  lua_newtable(L);
  int kept = lua_gettop(L);
  *policy = (vi_policy){
      .shared = boolean(L, index, "shared"),
      .authorizes = boolean(L, index, "authorizes"),
      .store_errors = boolean(L, index, "store_errors"),
      .heuristic = number(L, index, "heuristic"),
      .stale_if_error = number(L, index, "stale_if_error"),
      .stale_while_revalidate = number(L, index, "stale_while_revalidate"),
      .stale_on_disconnect = boolean(L, index, "stale_on_disconnect"),
      .select_language = boolean(L, index, "select_language"),
      .records = boolean(L, index, "records"),
      .set_cookie = set_cookie(L, index),
  };
  policy->targets = texts(L, index, "targeted", kept, &policy->target_count);
  policy->methods = texts(L, index, "methods", kept, &policy->method_count);
  if (lua_getfield(L, index, "session") != LUA_TNIL) {
    policy->context = vi_check_session(L, -1);
    policy->sent_field = sent_field;
    lua_rawsetp(L, kept, policy->context);
  } else {
    lua_pop(L, 1);
  }
}

const vi_choices *vi_read_choices(lua_State *L, int index, vi_choices *out) {
  if (lua_isnoneornil(L, index))
    return NULL;
  luaL_checktype(L, index, LUA_TTABLE);
  *out = (vi_choices){.ttl = -1};
  if (lua_getfield(L, index, "ttl") != LUA_TNIL)
    out->ttl = luaL_checknumber(L, -1);
  lua_getfield(L, index, "refuses");
  out->refuses = lua_toboolean(L, -1);
  if (lua_getfield(L, index, "tags") != LUA_TNIL)
    out->tags = vi_check_text(L, -1); /* the table keeps it */
  lua_pop(L, 3);
  return out;
}
