#include "embed/named.h"

#include "message/memory.h"

#include <string.h>

typedef struct add_call {
  const char *name;
  void *what;
  lua_CFunction push;
} add_call;

/* Whether a source of Lua's may have it as a variable's name, which a keyword cannot be. */
static bool is_identifier(lua_State *L, const char *name) {
  static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  if (name[0] == '\0' || name[strspn(name, LETTERS)])
    return false;
  int status = luaL_loadstring(L, lua_pushfstring(L, "local %s", name));
  if (status == LUA_ERRMEM)
    lua_error(L);
  return status == LUA_OK;
}

/* A global of a chain's source that is nobody's yet. */
static void check_name(lua_State *L, const char *name) {
  if (!is_identifier(L, name))
    luaL_error(L, "a name in a chain's source is an identifier, got \"%s\"", name);
  vi_embed_require(L, "viesti.chains.sandbox");
  lua_getfield(L, -1, "knows");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  bool is_known = lua_toboolean(L, -1);
  vi_embed_push_names(L);
  if (is_known || lua_getfield(L, -1, name) != LUA_TNIL)
    luaL_error(L, "a chain's source knows the name %s already", name);
  lua_settop(L, 1);
}

static int add_protected(lua_State *L) {
  const add_call *arguments = lua_touserdata(L, 1);
  check_name(L, arguments->name);
  vi_embed_push_names(L);
  lua_pushcfunction(L, arguments->push);
  lua_pushlightuserdata(L, arguments->what);
  lua_pushstring(L, arguments->name);
  lua_call(L, 2, 1);
  lua_setfield(L, -2, arguments->name);
  return 0;
}

viesti_status vi_embed_add_named(viesti *runtime, const char *name, const vi_named *what,
                                 lua_CFunction push) {
  vi_named *copy = vi_malloc(sizeof *copy);
  if (!copy)
    return vi_embed_fail(runtime, VIESTI_OUT_OF_MEMORY, "not enough memory");
  *copy = *what;
  copy->runtime = runtime;
  add_call arguments = {name, copy, push};
  viesti_status status = vi_embed_call(runtime, add_protected, &arguments);
  if (status == VIESTI_OK) {
    copy->next = runtime->named;
    runtime->named = copy;
  } else {
    vi_free(copy);
  }
  return vi_embed_return(runtime, status);
}

void vi_embed_forget_named(viesti *runtime) {
  while (runtime->named) {
    vi_named *one = runtime->named;
    runtime->named = one->next;
    if (one->sender.close)
      one->sender.close(one->sender.context);
    vi_free(one);
  }
}

static int push_store(lua_State *L) {
  vi_push_store(L, lua_touserdata(L, 1));
  return 1;
}

viesti_status viesti_add_store(viesti *runtime, const char *name, viesti_store *store) {
  if (!vi_embed_is_usable(runtime))
    return VIESTI_MISUSE;
  if (!name || !store)
    return vi_embed_fail(runtime, VIESTI_MISUSE, "viesti_add_store: no name, or no store");
  add_call arguments = {name, store, push_store};
  return vi_embed_return(runtime, vi_embed_call(runtime, add_protected, &arguments));
}
