/* What all files of the binding share: the types of userdata, arguments, and the open functions.
 *
 * Functions marked VI_RAISES may leave by a Lua error (longjmp): whoever calls them must own
 * nothing that Lua does not know of. Boxes are made closed (zeroed) and filled last, so that a
 * collection at any moment finds them whole. */
#ifndef VI_BINDING_SUPPORT_H
#define VI_BINDING_SUPPORT_H

#include "message/account.h"
#include "message/error.h"
#include "message/text.h"

#include <lauxlib.h>
#include <lua.h>

#define VI_RAISES /* may longjmp */

/* The names of the types of userdata; their addresses are the keys of their metatables in the
 * registry. */
extern const char VI_TYPE_HEADERS[], VI_TYPE_REQUEST[], VI_TYPE_RESPONSE[], VI_TYPE_ERROR[],
    VI_TYPE_SESSION[], VI_TYPE_LOOP[], VI_TYPE_TASK[], VI_TYPE_STORE[], VI_TYPE_CACHE[],
    VI_TYPE_VERDICT[], VI_TYPE_MULTIPART[], VI_TYPE_REFRESHER[];

/* Pushes a userdata of that type and of `size` zeroed bytes, behind which the type's address
 * stands: comparing that is cheaper, on the way of a request, than comparing metatables, and no Lua
 * code can change it. */
VI_RAISES void *vi_push_box(lua_State *L, size_t size, int user_values, const char *type);

/* Likewise without the metatable: for one of that type that needs no finalizer, and so another. */
VI_RAISES void *vi_push_bare_box(lua_State *L, size_t size, int user_values, const char *type);

/* The userdata at `index` if it is of that type; else NULL, or an error that names both types. */
void *vi_test_box(lua_State *L, int index, const char *type);
VI_RAISES void *vi_check_box(lua_State *L, int index, const char *type);

/* Gives the object on top of the stack the metatable of that type. */
VI_RAISES void vi_set_type(lua_State *L, const char *type);

/* Makes room for so many more values on a stack that cannot be too deep: raises where there is no
 * memory. */
VI_RAISES void vi_make_slots(lua_State *L, int count);

/* How many pairs the table at `index`, which is positive, has; adds them to the one on top. */
int vi_count_pairs(lua_State *L, int index);
VI_RAISES void vi_add_pairs(lua_State *L, int index);

/* The string at `index` as a view; valid while the string is on the stack. */
VI_RAISES vi_text vi_check_text(lua_State *L, int index);

/* Pushes the bytes as a Lua string. */
VI_RAISES void vi_push_text(lua_State *L, vi_text text);

/* Sets that field of the table on top of the stack to the bytes. */
VI_RAISES void vi_set_text(lua_State *L, const char *name, vi_text text);

/* Pushes a URL for people to read: a user and password in it are not shown. */
VI_RAISES void vi_push_public_url(lua_State *L, vi_text url);

/* Raises a sentence with the place of the user's call before it, where luaL_error would put one in
 * this library if Lua code of ours stands in between. */
VI_RAISES int vi_raise(lua_State *L, const char *format, ...);

/* As luaL_typeerror, blamed likewise. */
VI_RAISES int vi_raise_type(lua_State *L, int index, const char *type);

/* Pushes that place, "file:line: ", or "". */
VI_RAISES void vi_push_place(lua_State *L);

/* The name by which the user called into the library, as he wrote it; or `fallback`. */
VI_RAISES const char *vi_called_name(lua_State *L, const char *fallback);

/* Pushes the value at `index` in words, for a message that says what was given. */
VI_RAISES const char *vi_push_given(lua_State *L, int index);

/* The number at `index` as it goes over the wire: the shortest text that reads back as the same;
 * whole ones have no point. */
enum { VI_NUMBER_ROOM = 32 };
vi_text vi_number_text(lua_State *L, int index, char room[VI_NUMBER_ROOM]);

/* Pushes the JSON text of the value at `index`, with the keys of objects in order; or, and returns
 * false, what there is no JSON for: "a function". */
VI_RAISES bool vi_push_json(lua_State *L, int index);

/* Pushes a copy of the value at `index` that shares no table with it, but objects: those have a
 * metatable, and are values to their owners. */
VI_RAISES void vi_push_copy(lua_State *L, int index);

/* Seconds at `index`, not negative; `fallback` if it is none or nil. `what` wants them. */
VI_RAISES double vi_opt_seconds(lua_State *L, int index, double fallback, const char *what);

/* Makes the metatable `type` from `metamethods`, with a table of `methods` that is both its
 * __index (unless `metamethods` has one, which then gets that table as its upvalue) and
 * module[name] for the table on top of the stack, so that Lua modules can add methods. */
VI_RAISES void vi_new_type(lua_State *L, const char *type, const char *name,
                           const luaL_Reg *metamethods, const luaL_Reg *methods);

/* Tells the collector that a userdata owns `bytes` outside Lua's heap, so that garbage is collected
 * in proportion to what it really holds, perhaps at once. Returns what the userdata gives to the
 * other function when it is collected. */
VI_RAISES size_t vi_add_weight(lua_State *L, size_t bytes);
void vi_remove_weight(lua_State *L, size_t weight);

/* Has the bodies that the state receives taken from the account, which has to outlive the state,
 * and garbage hold a part of it only. And that account; NULL: none. */
VI_RAISES void vi_bound_state(lua_State *L, vi_account *account);
vi_account *vi_state_account(lua_State *L);

/* Before a body is received: where little is left of that account, garbage is collected, unless it
 * was and nothing has come since. */
VI_RAISES void vi_make_room(lua_State *L);

/* Each adds its functions and types to the module table on top of the stack. */
VI_RAISES void vi_open_weight(lua_State *L);
VI_RAISES void vi_open_place(lua_State *L);
VI_RAISES void vi_open_text(lua_State *L);
VI_RAISES void vi_open_json(lua_State *L);
VI_RAISES void vi_open_json_read(lua_State *L);
VI_RAISES void vi_open_copy(lua_State *L);
VI_RAISES void vi_open_file(lua_State *L);
VI_RAISES void vi_open_terminal(lua_State *L);
VI_RAISES void vi_open_headers(lua_State *L);
VI_RAISES void vi_open_multipart(lua_State *L);
VI_RAISES void vi_open_request(lua_State *L);
VI_RAISES void vi_open_plain_request(lua_State *L);
VI_RAISES void vi_open_request_changes(lua_State *L);
VI_RAISES void vi_open_response(lua_State *L);
VI_RAISES void vi_open_stream(lua_State *L);
VI_RAISES void vi_open_passage(lua_State *L);
VI_RAISES void vi_open_endings(lua_State *L);
VI_RAISES void vi_open_error(lua_State *L);
VI_RAISES void vi_open_session(lua_State *L);
VI_RAISES void vi_open_cookies(lua_State *L);
VI_RAISES void vi_open_loop(lua_State *L);
VI_RAISES void vi_open_task(lua_State *L);
VI_RAISES void vi_open_senders(lua_State *L);
VI_RAISES void vi_open_store(lua_State *L);
VI_RAISES void vi_open_verdict(lua_State *L);
VI_RAISES void vi_open_cache(lua_State *L);
VI_RAISES void vi_open_refresher(lua_State *L);
VI_RAISES void vi_open_entry(lua_State *L);
VI_RAISES void vi_open_untrusted(lua_State *L);

#endif
