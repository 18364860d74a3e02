/* viesti: HTTP requests through a chain of senders, for C programs.
 *
 * A runtime holds a Lua state and, once loaded, a chain. A request goes through the chain and comes
 * back as a response, which lives apart from the runtime.
 *
 *   viesti *relay;
 *   if (viesti_open(&relay, NULL) == VIESTI_OK &&
 *       viesti_load(relay, "return chain { CachingSender {}, SyncSender { timeout = 10 } }",
 *                   "=relay") == VIESTI_OK) {
 *     viesti_request request = {.size = sizeof request, .url = "http://127.0.0.1/"};
 *     viesti_response *response;
 *     if (viesti_send(relay, &request, &response) == VIESTI_OK) {
 *       viesti_bytes body = viesti_response_body(response);
 *       fwrite(body.data, 1, body.length, stdout);
 *       viesti_response_release(response);
 *     } else {
 *       fprintf(stderr, "%s\n", viesti_last_error(relay));
 *     }
 *   }
 *   viesti_close(relay);
 *
 * Threads: one runtime belongs to one thread at a time. Responses may be read and released from any
 * thread. A thread of the library's own sends only where a chain says `background = true`; it calls
 * nothing of the caller's and takes no signals. Structs that a caller fills begin with `size`,
 * their own sizeof, so that they can grow.
 */
#ifndef VIESTI_H
#define VIESTI_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIESTI_API __attribute__((visibility("default")))

typedef struct viesti viesti;                   /* a runtime */
typedef struct viesti_response viesti_response; /* immutable, counted */

/* Bytes owned by somebody else; not NUL-terminated. */
typedef struct viesti_bytes {
  const char *data;
  size_t length;
} viesti_bytes;

typedef enum viesti_status {
  VIESTI_OK = 0,
  VIESTI_MISUSE,        /* an argument of the call is NULL or has no size; nothing was done */
  VIESTI_FAILED,        /* it did not work out: viesti_last_error and _kind say why */
  VIESTI_OUT_OF_MEMORY, /* nothing was done; the runtime goes on */
} viesti_status;

/* Receives warnings: the category's name ("SenderConflictWarning") and a sentence. Both strings are
 * valid during the call only. It must not call the runtime. */
typedef void (*viesti_warn)(void *context, const char *category, const char *message);

typedef struct viesti_options {
  size_t size;
  viesti_warn warn; /* NULL: warnings go to stderr */
  void *context;    /* handed to `warn` */
} viesti_options;

typedef struct viesti_header {
  const char *name, *value; /* NUL-terminated */
} viesti_header;

/* Everything is copied before viesti_send returns; the caller keeps what it points to. */
typedef struct viesti_request {
  size_t size;
  const char *method; /* NULL: GET */
  const char *url;    /* http or https */
  const viesti_header *headers;
  size_t header_count;
  const char *body; /* NULL: none */
  size_t body_length;
} viesti_request;

/* The version of the library, "0.1.0"; static. */
VIESTI_API const char *viesti_version(void);

/* Opens a runtime with no chain yet. `options` may be NULL. *runtime is the caller's, to be closed
 * with viesti_close, whatever is returned: after a failure it is good for viesti_last_error only,
 * and NULL if there was no memory even for that. */
VIESTI_API viesti_status viesti_open(viesti **runtime, const viesti_options *options);

/* Runs the Lua text of a chain and makes it the runtime's. `name` is for messages ("=relay",
 * "@relay.lua"), NULL for a default. On failure the chain that was there stays. */
VIESTI_API viesti_status viesti_load(viesti *runtime, const char *text, const char *name);

/* Sends a request through the chain and blocks until it is done. On VIESTI_OK *response is the
 * caller's, to be released; an HTTP status of 400 or more is a response like any other. On anything
 * else it is NULL. */
VIESTI_API viesti_status viesti_send(viesti *runtime, const viesti_request *request,
                                     viesti_response **response);

/* One sentence about the last call on this runtime, if it did not return VIESTI_OK; else "". Owned
 * by the runtime, valid until its next call. `runtime` may be NULL, as a failed open leaves it. */
VIESTI_API const char *viesti_last_error(const viesti *runtime);

/* Of what kind that was, where a request got no response: "timeout", "connect", "tls" ... (the list
 * is in docs/reference.md); "" for anything else, a refused URL or header among them. Static or
 * owned by the runtime, valid until its next call. */
VIESTI_API const char *viesti_last_error_kind(const viesti *runtime);

/* Closes the chain, its connections and the runtime. Responses stay valid. NULL is ignored. */
VIESTI_API void viesti_close(viesti *runtime);

/* The status code. */
VIESTI_API int viesti_response_status(const viesti_response *response);

/* The URL it came from and its body's bytes; valid as long as the response. */
VIESTI_API viesti_bytes viesti_response_url(const viesti_response *response);
VIESTI_API viesti_bytes viesti_response_body(const viesti_response *response);

/* The value of the first field of that name, case ignored; data is NULL if there is none. */
VIESTI_API viesti_bytes viesti_response_header(const viesti_response *response, const char *name);

/* How many header fields there are, and field `index`, counted from 0, in the order received; false
 * (0) if there is none of that index. `name` and `value` may be NULL. */
VIESTI_API size_t viesti_response_header_count(const viesti_response *response);
VIESTI_API int viesti_response_header_at(const viesti_response *response, size_t index,
                                         viesti_bytes *name, viesti_bytes *value);

/* One more holder of the response, and one less; the last one frees it. NULL is ignored. */
VIESTI_API viesti_response *viesti_response_retain(viesti_response *response);
VIESTI_API void viesti_response_release(viesti_response *response);

#ifdef __cplusplus
}
#endif

#endif
