/* viesti: HTTP requests through a chain of senders, for C and C++ programs.
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
 * Threads: a runtime belongs to one thread at a time, and so does what belongs to it: its
 * requests under way, senders, policies. Whatever of the caller's it calls, it calls in the thread
 * that has called it. viesti_wakeup alone may be called from another thread.
 * Stores and responses may be used from any thread; one store serves the runtimes of all. A thread
 * of the library's own sends only where a chain says `background = true`; it calls nothing of the
 * caller's and takes no signals.
 *
 * Structs that a caller fills begin with `size`, their own sizeof, so that they can grow; what a
 * program does not name is to be zero. Nothing that is passed in is changed or, unless it says so,
 * kept: strings and structs are copied. A `context` is kept, and handed on until the runtime is
 * closed. A pointer may be NULL where it says so. Nothing is thrown or jumped out of: what a C or
 * C++ function of the caller's is called by must not be left by an exception or longjmp either.
 *
 * Functions of the caller's are of two kinds. Those that are told of an outcome (viesti_callback)
 * may call everything. Those that are part of sending or loading (senders, policies, `warn`, `log`,
 * the allocator) run in the middle of it: of what takes the runtime, viesti_complete,
 * viesti_fail, viesti_last_error and its kin, viesti_wakeup and viesti_close alone may be called
 * from there, and all else is VIESTI_MISUSE. */
#ifndef VIESTI_H
#define VIESTI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIESTI_API __attribute__((visibility("default")))

typedef struct viesti viesti;                       /* a runtime */
typedef struct viesti_response viesti_response;     /* immutable, counted */
typedef struct viesti_store viesti_store;           /* where caches keep responses; counted */
typedef struct viesti_completion viesti_completion; /* a request that a sender in C works on */
typedef uint64_t viesti_ticket;                     /* a request under way; 0: none */
struct lua_State;

/* Bytes owned by somebody else; not NUL-terminated. */
typedef struct viesti_bytes {
  const char *data;
  size_t length;
} viesti_bytes;

/* Of what cannot be done, VIESTI_MISUSE is what is wrong in the program, whatever its data: an
 * argument that is NULL, a size, a count or a length that cannot be, an answer of a sender's that
 * is none, a call from where it may not be made, a reload without a file. VIESTI_FAILED is what is
 * wrong in a text that is given (a URL, a header, a name, a path, a source), and a request where no
 * chain is loaded, as after a broken file. */
typedef enum viesti_status {
  VIESTI_OK = 0,
  VIESTI_MISUSE,       /* an argument is wrong, or the moment; nothing was done */
  VIESTI_FAILED,       /* it did not work out: viesti_last_error and _kind say why */
  VIESTI_OUT_OF_MEMORY /* there was none left, or not within the limit; the runtime goes on */
} viesti_status;

/* The version of the library, "0.1.0"; static. */
VIESTI_API const char *viesti_version(void);

/* True (1) if the libcurl below can do that: "tls", "http2", "http3", "public_suffixes", "idn",
 * "unix_sockets". */
VIESTI_API int viesti_has(const char *feature);

/* ---- Stores: made once, shared by the runtimes of a process, whatever their threads ---- */

typedef struct viesti_store_options {
  size_t size;
  size_t max_size;        /* most responses kept; 0: no bound, here and below */
  size_t max_bytes;       /* most bytes of memory that they hold in all */
  size_t max_entry_bytes; /* one that holds more is not kept */
} viesti_store_options;

/* Makes a store in memory; `options` may be NULL. *store is the caller's, to be released; NULL on
 * anything but VIESTI_OK. */
VIESTI_API viesti_status viesti_store_open(viesti_store **store,
                                           const viesti_store_options *options);

/* One more holder of the store, and one less; the last one frees it. A runtime that was given it
 * is a holder until it is closed. NULL is ignored. */
VIESTI_API viesti_store *viesti_store_retain(viesti_store *store);
VIESTI_API void viesti_store_release(viesti_store *store);

/* Forgets all responses; how many there are; and the bytes of memory that they hold. */
VIESTI_API void viesti_store_clear(viesti_store *store);
VIESTI_API size_t viesti_store_count(viesti_store *store);
VIESTI_API size_t viesti_store_bytes(viesti_store *store);

/* ---- Runtimes ---- */

/* Receives warnings: the category's name ("SenderConflictWarning") and a sentence. Both strings are
 * valid during the call only. */
typedef void (*viesti_warn)(void *context, const char *category, const char *message);

/* Receives what a chain's source logs: `log(text)` there. Valid during the call only. */
typedef void (*viesti_log)(void *context, viesti_bytes text);

/* An allocator: makes `block` of `old_size` bytes one of `size` bytes, as realloc does. A NULL
 * block is a new one, whose `old_size` means nothing; size 0 frees it and returns NULL. What
 * becomes smaller must not fail; else NULL says that there is no memory. Blocks are aligned as
 * malloc's. */
typedef void *(*viesti_allocate)(void *context, void *block, size_t old_size, size_t size);

typedef struct viesti_options {
  size_t size;
  viesti_warn warn;         /* NULL: warnings go to stderr */
  void *context;            /* handed to `warn` and `log` */
  viesti_log log;           /* NULL: chains have no `log` */
  viesti_allocate allocate; /* of the memory of the runtime's Lua state, until that is closed; all
                             * else, and NULL, is the C library's */
  void *allocate_context;   /* handed to it */
  size_t memory_limit;      /* most bytes of that memory and of the bodies that were received or
                             * that a sender in C has answered, as long as a chain or the host
                             * holds them; 0: no bound. What stores keep is not in it: their own
                             * options bound that */
  viesti_store *store;      /* what `store` stands for in a chain's source; NULL: nothing */
  int linger_ms;            /* milliseconds that viesti_close goes on with what is under way;
                             * 0: none, negative: until it is done */
  int untrusted;            /* true (1): nobody vouches for the chains that are loaded: they are
                             * read as data, with bounded memory and time, and reach no files; what
                             * they may name is in docs/chains.md. 0: they are the program's own,
                             * and run without bounds */
} viesti_options;

/* Opens a runtime with no chain yet. `options` may be NULL. *runtime is the caller's, to be closed
 * with viesti_close, whatever is returned: after a failure it is good for viesti_last_error only,
 * and NULL if there was no memory even for that. */
VIESTI_API viesti_status viesti_open(viesti **runtime, const viesti_options *options);

/* Ends what is under way, after `linger_ms`, and tells its callbacks so ("cancelled"); closes the
 * chain, its connections, senders and threads; frees the runtime. Responses stay valid. Called from
 * a function of the caller's that the library runs, it does so when the call that runs it returns,
 * after which the runtime is gone. NULL is ignored. */
VIESTI_API void viesti_close(viesti *runtime);

/* Runs the Lua text of a chain and makes it the runtime's; the text is not kept. `name` is for
 * messages ("=relay", "@relay.lua"), NULL for a default. On failure the chain that was there stays.
 * Else it is closed when the requests have ended that were sent or submitted while it was there,
 * and what the new text names again with the same options (stores, sessions, limits: the list is in
 * docs/chains.md) is kept as it is, with what it holds. */
VIESTI_API viesti_status viesti_load(viesti *runtime, const char *text, const char *name);

/* Likewise the text in the file at `path`. */
VIESTI_API viesti_status viesti_load_file(viesti *runtime, const char *path);

/* Loads the file that viesti_load_file was last given once more, if it says something else than
 * when it was last read: cheap enough to be called before each request, or when a file watch fires.
 * VIESTI_OK also if it does not, or is gone for the moment. If it is broken, VIESTI_FAILED once,
 * until it is edited again; the chain that was there stays. VIESTI_MISUSE if there is no such file,
 * because none was given or viesti_load has taken its place. */
VIESTI_API viesti_status viesti_reload(viesti *runtime);

/* Has `name` stand for the store in the sources that are loaded from now on; the runtime holds the
 * store until it is closed. What is no identifier of Lua's, or is known to sources already, is
 * refused with VIESTI_FAILED: here, and where senders and policies are added. */
VIESTI_API viesti_status viesti_add_store(viesti *runtime, const char *name, viesti_store *store);

/* One sentence about the last call on this runtime, if it did not return VIESTI_OK; else "". Owned
 * by the runtime, valid until its next call. `runtime` may be NULL, as a failed open leaves it. */
VIESTI_API const char *viesti_last_error(const viesti *runtime);

/* Of what kind that was, where a request got no response: "script" also where code of the chain (a
 * layer, a policy, a token function) has raised it. "out_of_memory" for each VIESTI_OUT_OF_MEMORY,
 * whatever was called. "" for anything else, a refused URL or header among them. Owned by the
 * runtime, valid until its next call. The kinds are "resolve",
 * "connect", "tls", "timeout", "reset", "empty_reply", "truncated", "protocol", "too_large",
 * "refused", "redirect", "status", "cancelled", "closed", "rate_limited", "circuit_open",
 * "deadline", "forked", "script" and "out_of_memory"; docs/reference.md says what each means. */
VIESTI_API const char *viesti_last_error_kind(const viesti *runtime);

/* True (1) if a request got no response and the server may have got any of it all the same; false
 * (0) if it certainly has not, and for anything else. */
VIESTI_API int viesti_last_error_maybe_sent(const viesti *runtime);

/* The runtime's Lua state, for what this header does not offer; owned by the runtime, NULL if that
 * was not opened. Whoever uses it protects his own calls, and leaves its stack as it was. */
VIESTI_API struct lua_State *viesti_lua(viesti *runtime);

/* A lua_CFunction: has a state of the host's own, in which Lua's libraries are open, find the Lua
 * modules that the library has in it and returns `require "viesti"`. As in luaL_requiref(L,
 * "viesti", luaopen_viesti, 0). */
VIESTI_API int luaopen_viesti(struct lua_State *L);

/* ---- Requests ---- */

typedef struct viesti_header {
  const char *name, *value; /* NUL-terminated */
} viesti_header;

/* Everything is copied before the call returns; the caller keeps what it points to. */
typedef struct viesti_request {
  size_t size;
  const char *method; /* NULL: GET, of a request without a body; with one VIESTI_MISUSE */
  const char *url;    /* http or https */
  const viesti_header *headers;
  size_t header_count;
  const char *body; /* NULL: none, of length 0 */
  size_t body_length;
  double timeout; /* seconds for each exchange; 0: the session's own, which is where a chain says
                   * that there is to be no limit (`timeout = 0` there) */
} viesti_request;

/* Sends a request through the chain and blocks until it is done. On VIESTI_OK *response is the
 * caller's, to be released; an HTTP status of 400 or more is a response like any other. On anything
 * else it is NULL. Requests that were submitted go on meanwhile where the chain ends in an
 * AsyncSender, and callbacks may run before it returns. */
VIESTI_API viesti_status viesti_send(viesti *runtime, const viesti_request *request,
                                     viesti_response **response);

/* What became of a request that was submitted. */
typedef struct viesti_outcome {
  size_t size;
  viesti_status status;
  viesti_response *response; /* NULL unless VIESTI_OK; to be retained by who wants to keep it */
  const char *error, *kind;  /* as of viesti_last_error, _kind */
  int maybe_sent;            /* and _maybe_sent */
} viesti_outcome;

/* Is told the outcome, which is valid during the call only. */
typedef void (*viesti_callback)(void *context, const viesti_outcome *outcome);

/* Sends a request through the chain while the caller goes on: viesti_step does the work. On
 * VIESTI_OK `callback` is called exactly once, from viesti_step, viesti_send or viesti_close, also
 * when the request is cancelled; on anything else never. *ticket (which may be NULL) names the
 * request. The chain has to end in an AsyncSender, or in another sender that does not block: one
 * that does blocks the step in which the request is sent. */
VIESTI_API viesti_status viesti_submit(viesti *runtime, const viesti_request *request,
                                       viesti_callback callback, void *context,
                                       viesti_ticket *ticket);

/* Ends a request that is under way; its callback is told so ("cancelled") by the next step. One
 * that is over, or never was, is ignored. */
VIESTI_API viesti_status viesti_cancel(viesti *runtime, viesti_ticket ticket);

/* How many requests were submitted whose callbacks have not been called yet. */
VIESTI_API size_t viesti_pending(const viesti *runtime);

/* Waits until there is something to do, at most `timeout_ms` milliseconds (0: not at all, negative:
 * for as long as it takes, which is until viesti_wakeup where nothing is under way), does it, and
 * calls back what is done. VIESTI_OK also if that was nothing; how requests ended, their callbacks
 * are told. */
VIESTI_API viesti_status viesti_step(viesti *runtime, int timeout_ms);

/* For a loop of the host's own. A descriptor that is readable whenever viesti_step has something to
 * do; owned by the runtime, the same until it is closed, to be polled and nothing else. -1 if the
 * system refuses. */
VIESTI_API int viesti_fd(viesti *runtime);

/* Milliseconds after which viesti_step has something to do even if no socket is ready; 0: now, -1:
 * never. Who polls the descriptor need not ask. */
VIESTI_API int viesti_timeout(viesti *runtime);

/* Ends the step that waits, or the next one. From any thread, and from a signal handler; but not
 * while or after the runtime is closed. */
VIESTI_API void viesti_wakeup(viesti *runtime);

/* ---- Responses ---- */

/* The status code. */
VIESTI_API int viesti_response_status_code(const viesti_response *response);

/* The reason phrase, which may be empty; the URL it came from; its body's bytes. Valid as long as
 * the response. */
VIESTI_API viesti_bytes viesti_response_reason(const viesti_response *response);
VIESTI_API viesti_bytes viesti_response_url(const viesti_response *response);
VIESTI_API viesti_bytes viesti_response_body(const viesti_response *response);

/* The value of the first field of that name, case ignored; data is NULL if there is none. */
VIESTI_API viesti_bytes viesti_response_header(const viesti_response *response, const char *name);

/* How many header fields there are, and field `index`, counted from 0, in the order received; false
 * (0) if there is none of that index. `name` and `value` may be NULL. */
VIESTI_API size_t viesti_response_header_count(const viesti_response *response);
VIESTI_API int viesti_response_header_at(const viesti_response *response, size_t index,
                                         viesti_bytes *name, viesti_bytes *value);

/* Seconds that the exchange took which it came from; true (1) if it came out of a cache; and how
 * often it was sent for, 0 if a cache alone answered. */
VIESTI_API double viesti_response_elapsed(const viesti_response *response);
VIESTI_API int viesti_response_from_cache(const viesti_response *response);
VIESTI_API int viesti_response_attempts(const viesti_response *response);

/* One more holder of the response, and one less; the last one frees it. NULL is ignored. */
VIESTI_API viesti_response *viesti_response_retain(viesti_response *response);
VIESTI_API void viesti_response_release(viesti_response *response);

/* ---- Senders in C, which stand at the end of a chain ---- */

typedef struct viesti_sender {
  size_t size;
  void *context; /* handed to each call */
  /* A request to work on: `request`, with its fields, its body and the seconds that are left for it
   * (`timeout`; 0: nobody has set a limit), is valid until the completion is over: once
   * viesti_complete or viesti_fail was called for it, in this call or later, or `cancel` was. */
  void (*start)(void *context, const viesti_request *request, viesti_completion *completion);
  /* Nobody waits for it any more: it is over, and must not be used after this call. May be NULL. */
  void (*cancel)(void *context, viesti_completion *completion);
  /* The runtime is closed, and calls the sender no more: `context` may be freed. May be NULL. */
  void (*close)(void *context);
} viesti_sender;

/* Makes a class of that name for the sources that are loaded from now on: `return chain {
 * RetryingSender {}, EchoSender {} }`. The struct is copied. What is not completed in `start` needs
 * viesti_submit: viesti_send, in which nothing else can happen, fails. */
VIESTI_API viesti_status viesti_add_sender(viesti *runtime, const char *name,
                                           const viesti_sender *sender);

/* What a sender answers. Everything is copied. 1,000 headers at most, of 256 KiB in all. */
typedef struct viesti_answer {
  size_t size;
  int status_code;    /* 200 to 599 */
  const char *reason; /* one line; NULL: none */
  const viesti_header *headers;
  size_t header_count;
  const char *body; /* NULL: empty, of length 0 */
  size_t body_length;
} viesti_answer;

/* Completes a request with an answer, or with an error: its kind ("connect"; as of
 * viesti_last_error_kind), a clause that says what happened, and whether any of the request may
 * have been sent (which a RetryingSender goes by). On anything but VIESTI_OK, which
 * viesti_last_error explains, it is not over yet. */
VIESTI_API viesti_status viesti_complete(viesti_completion *completion,
                                         const viesti_answer *answer);
VIESTI_API viesti_status viesti_fail(viesti_completion *completion, const char *kind,
                                     const char *message, int maybe_sent);

/* ---- Policies in C, by which a RetryingSender sends again or does not ----
 *
 * A policy is asked after each attempt, one that succeeded included. What it says overrides
 * the rule that what is not idempotent, a POST say, is not sent twice; it does not go beyond
 * `retries` (429s aside). Where it has no reason of its own it returns VIESTI_AS_USUAL. */

/* What happened so far; valid during the call only. */
typedef struct viesti_attempt {
  size_t size;
  const char *method, *url;
  int attempt;        /* how many there were */
  int retries_left;   /* how many retries are left */
  int status_code;    /* of the last one's response; 0: there was none, and then: */
  const char *kind;   /* of its error; "" where there is a response */
  int maybe_sent;     /* whether the server may have got the request */
  double retry_after; /* seconds that the response asks to wait; negative: none */
  double wait;        /* seconds that VIESTI_AGAIN waits, whether or not it would be sent again */
  double elapsed;     /* seconds since the first one began */
} viesti_attempt;

/* What a policy returns: seconds to wait before it is sent again, or one of these. */
#define VIESTI_AS_USUAL (-1.0) /* what the sender would do by itself */
#define VIESTI_GIVE_UP (-2.0)  /* not to send again */
#define VIESTI_AGAIN (-3.0)    /* to send again after the usual wait */

typedef double (*viesti_policy)(void *context, const viesti_attempt *attempt);

/* Has `name` stand for the policy in the sources that are loaded from now on: `RetryingSender {
 * policy = name }`. */
VIESTI_API viesti_status viesti_add_policy(viesti *runtime, const char *name, viesti_policy policy,
                                           void *context);

#ifdef __cplusplus
}
#endif

#endif
