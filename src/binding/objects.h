/* Requests, responses and what belongs to them as Lua objects: how the binding's files get at each
 * other's. */
#ifndef VI_BINDING_OBJECTS_H
#define VI_BINDING_OBJECTS_H

#include "binding/support.h"
#include "cache/cache_status.h"
#include "message/request.h"
#include "message/response.h"
#include "transport/transfer.h"

/* A Response's box. What a layer says about a response stands here, beside the shared core. */
typedef struct vi_response_box {
  vi_response *response; /* one reference; NULL until opened, or made of these when asked for: */
  vi_stored *stored;     /* what a cache has found, one reference; NULL: nothing; */
  double asked_at;       /* and when */
  vi_transfer *stream;   /* where it comes from, owned, until its body is whole or streamed out */
  size_t weight;         /* for vi_remove_weight */
  bool streamed;         /* it is or was one */
  bool held;             /* its stream is what is left of the body that is there */
  bool busy;             /* somebody who is no task waits for it */
  bool begun;            /* some of it was read, or it was closed */
  bool cut;              /* it was closed before its end */
  bool withheld;         /* some of it is still in a store, which it is read from */
  bool unbounded;        /* its end was known by that of the connection alone */
  const void *looper;    /* the coroutine that loops over its chunks; NULL: none yet */
  size_t position;       /* in a body that is there: where reading it goes on */
  bool from_cache;
  vi_cache_facts cache;
} vi_response_box;

/* The user value of a Request that holds what the caller gave: a table, for reading back and for
 * copies; nil for one that said no more than the core knows. */
enum { VI_REQUEST_GIVEN = 1 };

/* The user values of a Response that its transfer needs: the reader of the request's body, until
 * that is sent; of a stream the request, for errors on the way; what a function of the user's
 * raised, or the Error behind a held stream; the Lua object through which a body passes into a
 * store or out of one; and what is to be closed when the stream ends. */
enum {
  VI_RESPONSE_READER = 4,
  VI_RESPONSE_REQUEST,
  VI_RESPONSE_CAUSE,
  VI_RESPONSE_PASSAGE,
  VI_RESPONSE_ENDINGS
};

/* The request at `index`; raises if it is none. Borrowed from the userdata. */
VI_RAISES vi_request *vi_check_request(lua_State *L, int index);

/* Pushes a closed Request, to be opened by storing one reference in the result. */
VI_RAISES vi_request **vi_push_request_box(lua_State *L);

/* Opens the closed Request on top of the stack: it has that reference, and is as heavy as the body.
 */
VI_RAISES void vi_open_request_box(lua_State *L, vi_request *request);

/* The multipart body at `index`; raises if it is none. Borrowed from the userdata. */
VI_RAISES vi_multipart *vi_check_multipart(lua_State *L, int index);

/* Pushes the function of the request at `index` that is told of the response's progress, or of its
 * head. */
VI_RAISES void vi_push_progress(lua_State *L, int index);
VI_RAISES void vi_push_on_head(lua_State *L, int index);

#define VI_CONTENT_TYPE VI_TEXT("Content-Type")

/* Fields in a table of the caller's, whose texts it holds, where they are no more than texts and
 * numbers. Not to be moved: it holds those of the numbers itself. */
enum { VI_PLAIN_FIELDS = 16 };
typedef struct vi_plain_fields {
  vi_text names[VI_PLAIN_FIELDS], values[VI_PLAIN_FIELDS];
  char numbers[VI_PLAIN_FIELDS][VI_NUMBER_ROOM];
  size_t count;
} vi_plain_fields;

/* Reads header fields from the table at `index`, of names to values or of pairs, checked, in the
 * order in which request.lua has them. False, with something left on the stack: there are more, or
 * other values, or something is wrong, which request.lua then says. Raises nothing. */
bool vi_read_plain_fields(lua_State *L, int index, vi_plain_fields *fields);

/* Likewise the params or the data of a request, which may be true or false, too. */
bool vi_read_plain_form(lua_State *L, int index, vi_plain_fields *fields);

/* Reads the string at `index`, which the caller's table holds. False: it is none. */
bool vi_read_plain_text(lua_State *L, int index, vi_text *text);

/* Likewise seconds at `index`, of a time limit or a moment. */
bool vi_read_plain_seconds(lua_State *L, int index, double *seconds);

/* The bytes of all names and values. */
size_t vi_plain_fields_length(const vi_plain_fields *fields);

/* Copies them, with their texts into `room`, which has that many bytes. */
void vi_copy_plain_fields(vi_plain_fields *to, const vi_plain_fields *from, char *room);

/* Adds header fields. False: they are too many, or out of memory. */
bool vi_add_plain_fields(vi_headers *headers, const vi_plain_fields *fields);

/* Appends params or data as they are sent, "name=value&name=value". False: out of memory. */
bool vi_write_plain_form(vi_buffer *out, const vi_plain_fields *fields);

/* True for a table without a metatable. */
bool vi_is_plain_table(lua_State *L, int index);

/* A request, one reference, of the table at `index` if that holds a URL and, at most, a method of
 * the usual ones, plain fields, times and `idempotent`, and nothing is wrong with them; else NULL.
 * Raises nothing. */
vi_request *vi_new_plain_request(lua_State *L, int index);

/* Pushes a Request of such a table, which may give params, a body in a string, data or json, and
 * `stream`, too; or returns false: it says more, or something is wrong with it. */
VI_RAISES bool vi_push_plain_request(lua_State *L, int index);

/* The request at `index`, where a Request is put in the place of a table of options; raises what is
 * wrong with them. `what`: the index of the name of what was called with it, 0 for `send`. Only for
 * functions whose upvalue 1 is Request's table of methods. */
VI_RAISES vi_request *vi_take_request(lua_State *L, int index, int what);

/* Puts a Request of `request` in the place of the table at `index` that it was made of. */
VI_RAISES void vi_replace_by_request(lua_State *L, int index, vi_request *request);

/* Pushes a closed Request for a changed copy of the request at `index` that the core has made: it
 * reads back what the caller gave for that one, and calls the same functions while it is sent. */
VI_RAISES vi_request **vi_push_request_like(lua_State *L, int index);

/* Pushes a view of the request at `index`, for its maker to change what it may; it reads back and
 * calls the same. Likewise one with room for so many header fields of its own, of so many bytes, in
 * place of the request's. */
VI_RAISES vi_request *vi_push_request_view(lua_State *L, int index);
VI_RAISES vi_request *vi_push_request_view_for(lua_State *L, int index, size_t fields,
                                               size_t bytes);

/* Pushes the function that supplies the streamed body of the request at `index`; or returns false,
 * with `error`: it cannot be read again. Only for functions whose upvalue 1 is Request's table of
 * methods. */
VI_RAISES bool vi_push_reader(lua_State *L, int index, vi_error *error);

/* The cache store at `index`; raises if it is none. Borrowed from the userdata. */
VI_RAISES struct vi_store *vi_check_store(lua_State *L, int index);

/* Pushes a Store of the cache store, which it retains. */
VI_RAISES void vi_push_store(lua_State *L, struct vi_store *store);

/* The response at `index`; raises if it is none. */
VI_RAISES vi_response_box *vi_check_response(lua_State *L, int index);

/* Gives back the transfer of a streamed response, and takes its weight off. */
void vi_end_stream(lua_State *L, vi_response_box *box);

/* Closes what the response at `response` was given for when its stream ends, which it has: with the
 * Error at `error`, 0 for none. Raises what one of them raises, when all are closed. */
VI_RAISES void vi_close_endings(lua_State *L, int response, int error);

/* True while the object that the body of the response at `index` passes through is asked for more.
 */
bool vi_is_passing(lua_State *L, int index);

/* Pushes what tells that object, if there is one, that the response at `response` was closed: a
 * function, which may yield, and its argument. */
VI_RAISES bool vi_push_passage_close(lua_State *L, int response);

/* True while a task or the main thread waits for the response's body. */
bool vi_is_being_read(const vi_response_box *box);

/* Pushes a closed Response, to be opened by storing one reference in it. */
VI_RAISES vi_response_box *vi_push_response_box(lua_State *L);

/* Likewise for what comes from no transfer, but out of a cache. */
VI_RAISES vi_response_box *vi_push_stored_response_box(lua_State *L);

/* Pushes another Response over the core of the one at `index`, with all that is known of it; of a
 * streamed body it goes on with the stream. Raises while somebody reads it. */
VI_RAISES vi_response_box *vi_push_response_like(lua_State *L, int index);

/* Has the Response on top of the stack carry what layers have said of the one at `index`. */
VI_RAISES void vi_share_facts(lua_State *L, int index);

/* Has the Response on top of the stack remember under which key a cache keeps it, where that is not
 * its URL. */
VI_RAISES void vi_set_cache_key(lua_State *L, vi_text key);

/* Pushes a Headers view of `headers`, which belong to the userdata at `owner`. */
VI_RAISES void vi_push_headers(lua_State *L, const vi_headers *headers, int owner);

/* The fields at `index`, a flat list { name, value, name, value }, checked as a request's or a
 * response's, and added to `headers`; names before false to `omitted`, if that is given. Raises
 * nothing of its own but what reading the list may raise; on a bad field, or without memory, it
 * pushes a message and returns false. */
VI_RAISES bool vi_read_fields(lua_State *L, int index, bool of_request, vi_headers *headers,
                              vi_headers *omitted);

/* Pushes nil and an Error object; returns 2, for a C function to end with. `request` is the index
 * of the request it is about, 0 for none. */
VI_RAISES int vi_push_failure(lua_State *L, const vi_error *error, int request);

#endif
