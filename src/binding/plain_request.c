/* Requests of tables that say no more than texts, numbers, and a body or params of such: those of
 * nearly all programs. What says more is read by request.lua, which has the same made of it. */
#include "binding/objects.h"
#include "message/url.h"

#include <string.h>

static const vi_text CONTENT_TYPE = {"Content-Type", sizeof "Content-Type" - 1};
static const vi_text TYPE_OF_JSON = {"application/json", sizeof "application/json" - 1};
static const vi_text TYPE_OF_DATA = {"application/x-www-form-urlencoded",
                                     sizeof "application/x-www-form-urlencoded" - 1};

static bool is_usual_method(const char *method) {
  static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (strcmp(usual[i], method) == 0)
      return true;
  return false;
}

/* What such a table says. */
typedef struct plain_options {
  vi_text method, url; /* held by the table that they come from, as the fields */
  vi_plain_fields headers, params, data;
  double timeout, deadline; /* as in vi_request */
  bool has_params, has_data, has_json;
} plain_options;

static bool read_text(lua_State *L, vi_text *text) {
  if (lua_type(L, -1) != LUA_TSTRING)
    return false;
  text->data = lua_tolstring(L, -1, &text->length);
  return true;
}

/* The option whose name and value are on top of the stack; false if it is another, or something
 * else stands there. */
static bool read_plain_option(lua_State *L, plain_options *options) {
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
  if (strcmp(name, "url") == 0)
    return read_text(L, &options->url);
  if (strcmp(name, "method") == 0)
    return read_text(L, &options->method);
  if (strcmp(name, "headers") == 0)
    return vi_read_plain_fields(L, lua_gettop(L), &options->headers);
  if (strcmp(name, "json") == 0)
    return options->has_json = true;
  if (strcmp(name, "params") == 0)
    return options->has_params = vi_read_plain_form(L, lua_gettop(L), &options->params);
  if (strcmp(name, "data") == 0)
    return options->has_data = vi_read_plain_form(L, lua_gettop(L), &options->data);
  if (strcmp(name, "timeout") == 0)
    return vi_read_plain_seconds(L, -1, &options->timeout);
  return strcmp(name, "deadline") == 0 && vi_read_plain_seconds(L, -1, &options->deadline);
}

/* Raises nothing, and leaves the stack as it was. */
static bool read_plain(lua_State *L, int index, plain_options *options) {
  options->method = options->url = (vi_text){0};
  options->headers.count = options->params.count = options->data.count = 0;
  options->has_params = options->has_data = options->has_json = false;
  options->timeout = -1;
  options->deadline = 0;
  int top = lua_gettop(L);
  bool plain = vi_is_plain_table(L, index);
  if (plain)
    for (lua_pushnil(L); plain && lua_next(L, index); lua_pop(L, 1))
      plain = read_plain_option(L, options);
  lua_settop(L, top);
  bool has_body = options->has_data || options->has_json;
  if (!plain || !options->url.data || (options->has_data && options->has_json) ||
      (has_body && !options->method.data))
    return false;
  if (!options->method.data)
    options->method = VI_TEXT("GET");
  return is_usual_method(options->method.data);
}

/* The type of a body that follows from the option which gives it; empty: none. */
static vi_text type_of(const plain_options *options) {
  for (size_t i = 0; i < options->headers.count; i++)
    if (vi_text_equal_nocase(options->headers.names[i], CONTENT_TYPE))
      return (vi_text){0};
  return options->has_json ? TYPE_OF_JSON : options->has_data ? TYPE_OF_DATA : (vi_text){0};
}

/* NULL: something is wrong, or out of memory. `json`: the body, if it is that. */
static vi_request *make_request(const plain_options *options, vi_text json) {
  vi_buffer query = {0}, form = {0};
  vi_request *request = NULL;
  if (vi_write_plain_form(&query, &options->params) && vi_write_plain_form(&form, &options->data)) {
    vi_text body = options->has_json ? json : vi_buffer_text(&form);
    bool has_body = options->has_json || options->has_data;
    request = vi_request_new(options->method, options->url, vi_buffer_text(&query),
                             has_body ? &body : NULL, NULL);
  }
  vi_buffer_free(&query);
  vi_buffer_free(&form);
  if (!request)
    return NULL;
  request->timeout = options->timeout;
  request->deadline = options->deadline;
  vi_text type = type_of(options);
  if (vi_add_plain_fields(&request->headers, &options->headers) &&
      (type.length == 0 || vi_headers_add(&request->headers, CONTENT_TYPE, type) == VI_HEADERS_OK))
    return request;
  vi_request_release(request);
  return NULL;
}

vi_request *vi_new_plain_request(lua_State *L, int index) {
  plain_options options;
  if (!read_plain(L, index, &options) || options.has_params || options.has_data || options.has_json)
    return NULL;
  return make_request(&options, (vi_text){0});
}

/* Pushes what the Request of that table is to remember. */
static void push_given(lua_State *L, int index, const plain_options *options) {
  static const char *const names[] = {"params", "data", "json"};
  const bool there[] = {options->has_params, options->has_data, options->has_json};
  lua_createtable(L, 0, 4);
  lua_getfield(L, index, "url");
  lua_setfield(L, -2, "url");
  lua_pushboolean(L, type_of(options).length > 0);
  lua_setfield(L, -2, "typed");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (there[i]) {
      lua_getfield(L, index, names[i]);
      vi_push_copy(L, -1);
      lua_setfield(L, -3, names[i]);
      lua_pop(L, 1);
    }
}

/* The body, if it is JSON, and what to remember, into the slots `json` and `given`. False: there is
 * no JSON for what was given. */
static bool push_content(lua_State *L, int index, const plain_options *options, int json,
                         int given) {
  if (options->has_json) {
    lua_getfield(L, index, "json");
    if (!vi_push_json(L, -1))
      return false;
    lua_replace(L, json);
  }
  push_given(L, index, options);
  lua_replace(L, given);
  return true;
}

static vi_request *read_request(lua_State *L, int index) {
  enum { JSON = 1, GIVEN, BOX };
  int top = lua_gettop(L);
  lua_settop(L, top + GIVEN);
  vi_push_request_box(L);
  plain_options options;
  if (!read_plain(L, index, &options))
    return NULL;
  if (!options.has_params && !options.has_data && !options.has_json)
    return make_request(&options, (vi_text){0});
  /* Lua code of the user's may run while JSON is made or garbage collected, and edit the table: its
   * texts are read once more. */
  bool had_json = options.has_json;
  if (!push_content(L, index, &options, top + JSON, top + GIVEN))
    return NULL;
  lua_settop(L, top + BOX);
  lua_pushvalue(L, top + GIVEN);
  lua_setiuservalue(L, top + BOX, VI_REQUEST_GIVEN);
  if (!read_plain(L, index, &options) || options.has_json != had_json)
    return NULL;
  vi_text json = {0};
  if (had_json)
    json.data = lua_tolstring(L, top + JSON, &json.length);
  return make_request(&options, json);
}

bool vi_push_plain_request(lua_State *L, int index) {
  int top = lua_gettop(L);
  vi_request *request = read_request(L, index);
  if (!request) {
    lua_settop(L, top);
    return false;
  }
  vi_open_request_box(L, request);
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
  return true;
}

void vi_open_plain_request(lua_State *L) {
  lua_newtable(L);
  vi_set_text(L, "json", TYPE_OF_JSON);
  vi_set_text(L, "data", TYPE_OF_DATA);
  lua_setfield(L, -2, "media_types");
}
