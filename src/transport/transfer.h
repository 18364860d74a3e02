/* One exchange on the wire: a request handed to libcurl, a response or an error handed back.
 *
 * A transfer holds its session and its request until it is released. One of the session's handles
 * is its own while libcurl works on it. All of libcurl's callbacks end here and only fill buffers
 * and set flags. */
#ifndef VI_TRANSPORT_TRANSFER_H
#define VI_TRANSPORT_TRANSFER_H

#include "message/request.h"
#include "message/response.h"
#include "transport/handle.h"
#include "transport/session.h"

/* What the owner waits for. The end is always worth waking for. */
typedef enum vi_await {
  VI_AWAIT_END,
  VI_AWAIT_HEAD, /* of a streamed response */
  VI_AWAIT_BODY, /* any bytes of it */
} vi_await;

typedef struct vi_transfer {
  vi_session *session;
  vi_request *request;
  vi_handle *handle;      /* NULL before it is launched and when no byte of libcurl's is left */
  vi_response *response;  /* of a streamed one: from the head on; else once `done`, if no error */
  vi_response *interim;   /* the last 1xx answer */
  vi_response *head_news; /* without its body, where the request reports the head; to be taken */
  vi_error error;         /* kind NONE until something fails */
  double limit;           /* seconds for it all, the wait in the queue included; 0: none */
  bool by_deadline;       /* the limit is what the request's deadline leaves */
  enum { VI_HEAD_NONE, VI_HEAD_FIELDS, VI_HEAD_DONE, VI_HEAD_BODY } head;
  unsigned heads;    /* status lines seen */
  bool passes_folds; /* the last line was no field: nor are those folded behind it */
  size_t trailer_bytes;
  vi_text encoding;  /* the content coding being undone, as the head has it; else empty */
  bool unbounded;    /* the connection's end alone marks the body's */
  bool queued;       /* it waits in the session's queue, since: */
  int64_t queued_at; /* 0: it never did */
  bool put_back;     /* for the want of a descriptor */
  bool in_flight;    /* libcurl has it */
  bool counted_out;  /* and has once given it up for what others before it met */
  bool connected;    /* and a connection for it */
  bool looped;       /* started by a loop, whose ready list it joins when it is ready */
  bool done;         /* the outcome stands */
  vi_await awaiting;
  bool ready;         /* what is awaited has come; kept up to date by vi_transfer_note */
  bool due;           /* ready, or asks for something: the owner has something to do */
  bool progressed;    /* more of a body has come whose progress the request reports */
  bool head_complete; /* of a streamed response: it may be taken */
  vi_buffer received; /* the body; of a streamed one what is not yet consumed, from here on: */
  size_t consumed;
  size_t charged;       /* taken from the session's account for a whole body */
  int64_t announced;    /* the length of a whole body that is not coded; 0: unknown */
  bool stream_paused;   /* libcurl waits until there is room in `received` */
  vi_buffer upload;     /* of a streamed request: bytes not yet sent, from body_sent on */
  bool upload_ended;    /* no more will come */
  bool upload_starved;  /* libcurl waits for more */
  int64_t upload_total; /* bytes supplied so far */
  size_t body_sent;     /* bytes of the body or of `upload` that libcurl has read */
  int64_t moved;        /* bytes that went either way, when vi_timeouts_check last looked, */
  int quiet_looks;      /* and how often there were no more than before, since: */
  int64_t quiet_since;
  int64_t held_until;                  /* libcurl may be quiet to keep to the session's top_speed */
  void *waiter;                        /* for its owner alone: whoever waits for it, */
  struct vi_transfer *outer;           /* and what he waited for before */
  struct vi_transfer *next, *previous; /* in the session's lists */
  struct vi_transfer *next_ready, *previous_ready; /* in the loop's */
  bool listed;                                     /* there */
} vi_transfer;

/* A transfer ready to start. NULL, with `error` filled: the session is closed, or out of
 * memory. */
vi_transfer *vi_transfer_new(vi_session *session, vi_request *request, vi_error *error);

/* Hands the transfer to libcurl, or puts it into the session's queue. What goes wrong shows as a
 * transfer that is done at once. */
void vi_transfer_start(vi_transfer *transfer);

/* Hands it to libcurl. Only for vi_transfer_start and the queue. */
void vi_transfer_launch(vi_transfer *transfer);

/* Says what the owner waits for now; `ready` tells whether it has come. */
void vi_transfer_await(vi_transfer *transfer, vi_await what);

/* Works on the transfer, and on what else its session has in flight, for at most `timeout`
 * milliseconds or until something happened. For callers that block: call it until `ready`. */
void vi_transfer_wait(vi_transfer *transfer, int timeout);

/* Fills `error` for a transfer whose limit is over: `what` it did instead of ending ("not done
 * within"). */
void vi_transfer_name_limit(const vi_transfer *transfer, const char *what, vi_error *error);

/* Bytes of the response's body that have come, decoded; and how many there will be in all, -1 where
 * that is not known. */
size_t vi_transfer_received(const vi_transfer *transfer);
int64_t vi_transfer_length(const vi_transfer *transfer);

/* For libcurl's callbacks: brings `ready` up to date, and the loop's ready list. */
void vi_transfer_note(vi_transfer *transfer);

/* Settles the outcome from libcurl's result. Only for vi_session_collect. */
void vi_transfer_finish(vi_transfer *transfer, CURLcode code);

/* Ends a transfer, in flight or not, with an error of that kind; one that is done keeps its
 * outcome. */
void vi_transfer_abort(vi_transfer *transfer, vi_error_kind kind, const char *message);

/* Likewise with that error; whether the request may have been sent is found out here. */
void vi_transfer_stop(vi_transfer *transfer, const vi_error *error);

/* False if it is certain that no byte of the request has left. Only while it has a handle. */
bool vi_transfer_may_have_sent(const vi_transfer *transfer);

/* Gives the handle back, which libcurl is done with, and whose bytes nobody waits for any more. */
void vi_transfer_return_handle(vi_transfer *transfer);

/* Hands over the response: the caller owns the reference. Only once, and only if there is no
 * error. */
vi_response *vi_transfer_take_response(vi_transfer *transfer);

/* Frees the transfer and gives its handle back; one in flight is aborted first. NULL is ignored. */
void vi_transfer_release(vi_transfer *transfer);

#endif
