/* The timeouts that libcurl does not keep: of an exchange gone quiet (libcurl knows averages over
 * five seconds only), and of a request that waits in its session's queue.
 *
 * All transfers of a session are looked at together, a few times in each timeout: nothing is paid
 * for a single request, and a timeout strikes up to a quarter of itself late. */
#ifndef VI_TRANSPORT_TIMEOUTS_H
#define VI_TRANSPORT_TIMEOUTS_H

#include "transport/transfer.h"

/* A transfer has been started or queued: from now on the session wants to be looked at. */
void vi_timeouts_arm(vi_session *session);

/* Aborts what has waited too long, if the session's `check_at` has come. */
void vi_timeouts_check(vi_session *session);

/* Ends a queued transfer if its time is up; true then. `now` is vi_clock_monotonic(). */
bool vi_timeouts_end_queued(vi_transfer *transfer, int64_t now);

#endif
