/* Requests of tables that say no more than texts, numbers, true and false, and a body or params of
 * such: those of nearly all programs. What says more is read by request.lua, which has the same
 * made of it. */
#include "binding/objects.h"
#include "message/url.h"

#include <string.h>

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
  vi_text method, url, content; /* held by the table that they come from, as the fields */
  vi_plain_fields headers, params, data;
  double timeout, deadline; /* as in vi_request */
  bool stream, idempotent, has_params, has_data, has_json;
} plain_options;

static bool read_flag(lua_State *L, bool *flag) {
  *flag = lua_toboolean(L, -1);
  return lua_isboolean(L, -1);
}

/* The option whose name and value are on top of the stack; false if it is another, or something
 * else stands there. */
static bool read_plain_option(lua_State *L, plain_options *options) {
  vi_text name = {0};
  vi_read_plain_text(L, -2, &name);
  if (vi_text_equal(name, VI_TEXT("url")))
    return vi_read_plain_text(L, -1, &options->url);
  if (vi_text_equal(name, VI_TEXT("method")))
    return vi_read_plain_text(L, -1, &options->method);
  if (vi_text_equal(name, VI_TEXT("headers")))
    return vi_read_plain_fields(L, lua_gettop(L), &options->headers);
  if (vi_text_equal(name, VI_TEXT("json")))
    return options->has_json = true;
  if (vi_text_equal(name, VI_TEXT("params")))
    return options->has_params = vi_read_plain_form(L, lua_gettop(L), &options->params);
  if (vi_text_equal(name, VI_TEXT("data")))
    return options->has_data = vi_read_plain_form(L, lua_gettop(L), &options->data);
  if (vi_text_equal(name, VI_TEXT("content")))
    return vi_read_plain_text(L, -1, &options->content);
  if (vi_text_equal(name, VI_TEXT("stream")))
    return read_flag(L, &options->stream);
  if (vi_text_equal(name, VI_TEXT("idempotent")))
    return read_flag(L, &options->idempotent);
  if (vi_text_equal(name, VI_TEXT("timeout")))
    return vi_read_plain_seconds(L, -1, &options->timeout);
  return vi_text_equal(name, VI_TEXT("deadline")) &&
         vi_read_plain_seconds(L, -1, &options->deadline);
}

/* Raises nothing, and leaves the stack as it was. */
static bool read_plain(lua_State *L, int index, plain_options *options) {
  options->method = options->url = options->content = (vi_text){0};
  options->headers.count = options->params.count = options->data.count = 0;
  options->stream = options->idempotent = false;
  options->has_params = options->has_data = options->has_json = false;
  options->timeout = -1;
  options->deadline = 0;
  int top = lua_gettop(L);
  bool plain = vi_is_plain_table(L, index);
  if (plain)
    for (lua_pushnil(L); plain && lua_next(L, index); lua_pop(L, 1))
      plain = read_plain_option(L, options);
  lua_settop(L, top);
  int bodies = options->has_data + options->has_json + (options->content.data != NULL);
  if (!plain || !options->url.data || bodies > 1 || (bodies == 1 && !options->method.data))
    return false;
  if (!options->method.data)
    options->method = VI_TEXT("GET");
  return is_usual_method(options->method.data);
}

/* The type of a body that follows from the option which gives it; empty: none. */
static vi_text type_of(const plain_options *options) {
  for (size_t i = 0; i < options->headers.count; i++)
    if (vi_text_equal_nocase(options->headers.names[i], VI_CONTENT_TYPE))
      return (vi_text){0};
  return options->has_json ? TYPE_OF_JSON : options->has_data ? TYPE_OF_DATA : (vi_text){0};
}

/* All but JSON. NULL: something is wrong, or out of memory. */
static vi_request *make_request(const plain_options *options) {
  vi_buffer query = {0}, form = {0};
  vi_request *request = NULL;
  if (vi_write_plain_form(&query, &options->params) && vi_write_plain_form(&form, &options->data)) {
    vi_text body = options->has_data ? vi_buffer_text(&form) : options->content;
    request = vi_request_new(options->method, options->url, vi_buffer_text(&query),
                             options->has_data || body.data ? &body : NULL, NULL);
  }
  vi_buffer_free(&query);
  vi_buffer_free(&form);
  if (!request)
    return NULL;
  request->timeout = options->timeout;
  request->deadline = options->deadline;
  request->streams_response = options->stream;
  request->idempotent = options->idempotent;
  vi_text type = type_of(options);
  if (vi_add_plain_fields(&request->headers, &options->headers) &&
      (type.length == 0 ||
       vi_headers_add(&request->headers, VI_CONTENT_TYPE, type) == VI_HEADERS_OK))
    return request;
  vi_request_release(request);
  return NULL;
}

/* Whether the Request has to remember something. */
static bool is_remembered(const plain_options *options) {
  return options->has_params || options->has_data || options->has_json || options->content.data;
}

vi_request *vi_new_plain_request(lua_State *L, int index) {
  plain_options options;
  bool needs_box = !read_plain(L, index, &options) || is_remembered(&options) || options.stream;
  return needs_box ? NULL : make_request(&options);
}

/* Remembers, in the table on top of the stack, a copy of that option of the table at `index`. */
static void remember(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  vi_push_copy(L, -1);
  lua_setfield(L, -3, name);
  lua_pop(L, 1);
}

/* Gives the request the JSON of what the table at `index` says. False: there is none, or out of
 * memory. Lua code of the user's may run. */
static bool add_json(lua_State *L, int index, vi_request *request) {
  lua_getfield(L, index, "json");
  if (!vi_push_json(L, -1))
    return false;
  vi_text text = {0};
  text.data = lua_tolstring(L, -1, &text.length);
  request->has_body = vi_buffer_append_text(&request->body, text);
  lua_pop(L, 2);
  return request->has_body;
}

/* Has the Request on top of the stack, of the table at `index`, remember what the core does not
 * know, and gives it its JSON. False, with something left on the stack: as add_json. */
static bool complete(lua_State *L, int index, const plain_options *options, vi_request *request) {
  bool typed = type_of(options).length > 0; /* while their texts are there */
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, -3, VI_REQUEST_GIVEN);
  lua_getfield(L, index, "url");
  lua_setfield(L, -2, "url");
  lua_pushboolean(L, typed);
  lua_setfield(L, -2, "typed");
  if (options->has_params)
    remember(L, index, "params");
  if (options->has_data)
    remember(L, index, "data");
  if (options->content.data)
    remember(L, index, "content");
  if (options->has_json) {
    if (!add_json(L, index, request))
      return false;
    remember(L, index, "json");
  }
  lua_pop(L, 1);
  return true;
}

bool vi_push_plain_request(lua_State *L, int index) {
  int top = lua_gettop(L);
  plain_options options;
  vi_request **box = vi_push_request_box(L);
  vi_request *request = *box = read_plain(L, index, &options) ? make_request(&options) : NULL;
  if (!request || (is_remembered(&options) && !complete(L, index, &options, request))) {
    lua_settop(L, top);
    return false;
  }
  vi_open_request_box(L, request);
  return true;
}

void vi_open_plain_request(lua_State *L) {
  lua_newtable(L);
  vi_set_text(L, "json", TYPE_OF_JSON);
  vi_set_text(L, "data", TYPE_OF_DATA);
  lua_setfield(L, -2, "media_types");
}
