/* The response part of viesti.h: a response of the core's, and what layers have said of it. */
#include "binding/response.h"
#include "embed/runtime.h"

#include "message/memory.h"

#include <stdio.h>
#include <string.h>

struct viesti_response {
  atomic_uint references;
  vi_response *core; /* one reference */
  bool from_cache;
  int attempts;
};

viesti_response *vi_embed_response(vi_response *core, bool from_cache, int attempts) {
  viesti_response *response = vi_malloc(sizeof *response);
  if (!response) {
    vi_response_release(core);
    return NULL;
  }
  atomic_init(&response->references, 1);
  response->core = core;
  response->from_cache = from_cache;
  response->attempts = attempts;
  return response;
}

/* The error at `index`. Of a cancelled task nobody knows how far its request came. */
static void note_error(lua_State *L, int index, vi_said *said) {
  if (lua_getfield(L, index, "kind") == LUA_TSTRING) {
    said->is_error = true;
    snprintf(said->kind, sizeof said->kind, "%s", lua_tostring(L, -1));
  }
  lua_getfield(L, index, "sent");
  const char *sent = lua_tostring(L, -1);
  said->maybe_sent = !sent || strcmp(sent, "no") != 0 || strcmp(said->kind, "cancelled") == 0;
}

/* nil and an error are at `index`: raises the error's sentence, what is known of it kept for the
 * caller. */
static void raise_error(lua_State *L, int index, viesti *runtime) {
  lua_settop(L, index + 1);
  if (lua_istable(L, -1))
    note_error(L, index + 1, &runtime->said);
  luaL_tolstring(L, index + 1, NULL);
  lua_error(L);
}

/* How often a layer has sent for the response; if none has counted, once, unless a cache alone
 * answered. */
static int attempts_of(lua_State *L, int index, const vi_response_box *box) {
  if (lua_getiuservalue(L, index, VI_RESPONSE_FACTS) == LUA_TTABLE &&
      lua_getfield(L, -1, "attempts") == LUA_TTABLE)
    return (int)lua_rawlen(L, -1);
  return box->from_cache && !box->cache.forward_status ? 0 : 1;
}

viesti_response *vi_embed_take_response(lua_State *L, int index, viesti *runtime) {
  index = lua_absindex(L, index);
  if (lua_isnil(L, index) && !lua_isnil(L, index + 1))
    raise_error(L, index, runtime);
  if (!vi_test_box(L, index, VI_TYPE_RESPONSE))
    luaL_error(L, "the chain returned %s instead of a response", luaL_typename(L, index));
  const vi_response_box *box = vi_check_response(L, index);
  if (box->streamed)
    luaL_error(L, "the chain returned a streamed response, which C cannot read yet");
  int attempts = attempts_of(L, index, box);
  viesti_response *response =
      vi_embed_response(vi_response_retain(box->response), box->from_cache, attempts);
  if (!response)
    luaL_error(L, "not enough memory");
  return response;
}

static viesti_bytes bytes_of(vi_text text) {
  return (viesti_bytes){text.data, text.length};
}

int viesti_response_status_code(const viesti_response *response) {
  return response->core->status;
}

viesti_bytes viesti_response_reason(const viesti_response *response) {
  return bytes_of(vi_buffer_text(&response->core->reason));
}

viesti_bytes viesti_response_url(const viesti_response *response) {
  return bytes_of(vi_buffer_text(&response->core->url));
}

viesti_bytes viesti_response_body(const viesti_response *response) {
  return bytes_of(vi_response_body(response->core));
}

viesti_bytes viesti_response_header(const viesti_response *response, const char *name) {
  vi_text value;
  vi_headers_get(&response->core->headers, vi_text_of(name), &value);
  return bytes_of(value);
}

size_t viesti_response_header_count(const viesti_response *response) {
  return response->core->headers.count;
}

int viesti_response_header_at(const viesti_response *response, size_t index, viesti_bytes *name,
                              viesti_bytes *value) {
  const vi_headers *headers = &response->core->headers;
  if (index >= headers->count)
    return 0;
  if (name)
    *name = bytes_of(vi_headers_name(headers, index));
  if (value)
    *value = bytes_of(vi_headers_value(headers, index));
  return 1;
}

double viesti_response_elapsed(const viesti_response *response) {
  return response->core->timings.total;
}

int viesti_response_from_cache(const viesti_response *response) {
  return response->from_cache;
}

int viesti_response_attempts(const viesti_response *response) {
  return response->attempts;
}

viesti_response *viesti_response_retain(viesti_response *response) {
  if (response)
    atomic_fetch_add_explicit(&response->references, 1, memory_order_relaxed);
  return response;
}

void viesti_response_release(viesti_response *response) {
  if (!response || atomic_fetch_sub_explicit(&response->references, 1, memory_order_acq_rel) != 1)
    return;
  vi_response_release(response->core);
  vi_free(response);
}
