/* Policies in C: functions that a RetryingSender calls as it calls one in Lua. */
#include "embed/named.h"

enum { CONTEXT = 1 }; /* a viesti.RetryContext */

static double number_of(lua_State *L, const char *name, double fallback) {
  lua_getfield(L, CONTEXT, name);
  double number = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : fallback;
  lua_pop(L, 1);
  return number;
}

/* The string stays on the stack. */
static const char *string_of(lua_State *L, int index, const char *name) {
  if (!lua_toboolean(L, index))
    return "";
  lua_getfield(L, index, name);
  const char *string = lua_tostring(L, -1);
  return string ? string : "";
}

static int verdict_of(lua_State *L, double verdict) {
  if (verdict == VIESTI_AS_USUAL)
    lua_pushnil(L);
  else if (verdict == VIESTI_GIVE_UP || verdict == VIESTI_AGAIN)
    lua_pushboolean(L, verdict == VIESTI_AGAIN);
  else
    lua_pushnumber(L, verdict); /* what is none is refused there */
  return 1;
}

static int ask(lua_State *L) {
  const vi_named *policy = lua_touserdata(L, lua_upvalueindex(1));
  luaL_checktype(L, CONTEXT, LUA_TTABLE);
  lua_settop(L, CONTEXT);
  lua_getfield(L, CONTEXT, "request");
  int request = lua_gettop(L);
  lua_getfield(L, CONTEXT, "error");
  int error = lua_gettop(L);
  viesti_attempt attempt = {
      .size = sizeof attempt,
      .method = string_of(L, request, "method"),
      .url = string_of(L, request, "url"),
      .attempt = (int)number_of(L, "attempt", 0),
      .retries_left = (int)number_of(L, "retries_left", 0),
      .status_code = (int)number_of(L, "status_code", 0),
      .kind = string_of(L, error, "kind"),
      .maybe_sent = string_of(L, CONTEXT, "sent")[0] != 'n',
      .retry_after = number_of(L, "retry_after", -1),
      .wait = number_of(L, "wait", 0),
      .elapsed = number_of(L, "elapsed", 0),
  };
  return verdict_of(L, policy->policy(policy->context, &attempt));
}

static int push_policy(lua_State *L) {
  lua_settop(L, 1);
  lua_pushcclosure(L, ask, 1);
  return 1;
}

viesti_status viesti_add_policy(viesti *runtime, const char *name, viesti_policy policy,
                                void *context) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (!name || !policy)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_add_policy: no name, or no function");
  vi_named named = {.policy = policy, .context = context};
  return vi_embed_add_named(runtime, name, &named, push_policy);
}
