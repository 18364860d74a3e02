/* The requests that wait, in the order they came, until their session may have another one in
 * flight. libcurl would keep them too, but each with a handle of its own, and it looks through all
 * of them whenever one of its connections becomes free. */
#ifndef VI_TRANSPORT_QUEUE_H
#define VI_TRANSPORT_QUEUE_H

#include "transport/transfer.h"

/* True if a transfer has to wait: the session has as many in flight as it may, or others wait
 * already. */
bool vi_queue_must_wait(const vi_session *session);

/* True if one could start now. */
bool vi_queue_can_admit(const vi_session *session);

/* Puts a transfer at the end; takes one out, wherever it stands. */
void vi_queue_add(vi_transfer *transfer);
void vi_queue_remove(vi_transfer *transfer);

/* True if some that are in flight end by themselves: a stream may wait for whoever waits in the
 * queue. */
bool vi_queue_will_move(const vi_session *session);

/* Puts a transfer that got no descriptor back before those that never were launched, and lets no
 * more be in flight than there are now while others wait: each of them has its descriptor. */
void vi_queue_put_back(vi_transfer *transfer);

/* Starts as many as there is room for. Never from inside a callback of libcurl's. */
void vi_queue_admit(vi_session *session);

#endif
