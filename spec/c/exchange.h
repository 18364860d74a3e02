/* Exchanges between the core's transport and an origin of the tests. What a function here returns
 * is released when the running test ends. */
#ifndef SPEC_EXCHANGE_H
#define SPEC_EXCHANGE_H

#include "origin.h"
#include "transport/loop.h"
#include "transport/transfer.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define OK_HELLO OK_HEAD "Content-Length: 5\r\n\r\nhello"

/* A server with one answer for all (the second: of bytes with NULs among them), or with several. */
origin *serve(const char *bytes, origin_end then);
origin *serve_bytes(vi_text bytes, origin_end then);
origin *serve_all(const origin_answer *answers, size_t count);

/* Options fit for loopback; and a session with these, or with others. */
vi_session_options plain_options(void);
vi_session *plain_session(void);
vi_session *session_with(vi_session_options options);

/* A loop for the running test; and one that the system refuses to watch anything for. */
vi_loop *new_loop(void);
vi_loop *blind_loop(void);

/* A request to the server, with the fields in `lines`; `path` starts with a slash. */
vi_request *request_for(const origin *server, const char *method, const char *path,
                        const char *lines);
vi_request *request_with_body(const origin *server, const char *method, const char *body);

/* A transfer that is not started yet. */
vi_transfer *transfer_of(vi_session *session, vi_request *request);

/* Sends the request and blocks until it is done. */
vi_transfer *exchange(vi_session *session, vi_request *request);

/* GETs "/" and blocks until it is done. */
vi_transfer *get_from(vi_session *session, const origin *server);

/* Likewise for a streamed response, not started: "/" of the server. */
vi_transfer *stream_from(vi_session *session, const origin *server);

/* Blocks until what a started transfer awaits has come; fails the test after ten seconds. */
void wait_until_ready(vi_transfer *transfer);

/* Reads what is left of a streamed response, at most `most` bytes at a time, and blocks meanwhile.
 * What went wrong shows as the transfer's error. */
vi_text read_all(vi_transfer *transfer, size_t most);

/* Blocks until a started transfer is done; fails the test after ten seconds. */
void finish(vi_transfer *transfer);

/* Steps the loop until `transfer` is done; fails the test after ten seconds. */
void finish_in_loop(vi_loop *loop, const vi_transfer *transfer);

/* GETs "/" in the loop, which has not worked on it yet. */
vi_transfer *start(vi_loop *loop, vi_session *session, const origin *server);

/* Steps the loop until the server has read `count` requests in all; fails the test after ten
 * seconds. */
void step_until_sent(vi_loop *loop, origin *server, size_t count);

/* True if the transfer is done with a response; its error is printed if not. */
bool succeeded(const vi_transfer *transfer);

/* True if it is done with an error of that kind; else the outcome is printed. */
bool failed_with(const vi_transfer *transfer, vi_error_kind kind);

/* A file without a name that holds the bytes; the descriptor is the caller's. */
int file_of(vi_text bytes);

/* A port that nobody listens on, for as long as the test runs. */
int refused_port(void);

/* How many descriptors this process has open; and true if it soon has no more than `count`: a
 * server of ours may yet have to notice that a client is gone. */
size_t open_descriptors(void);
bool descriptors_return_to(size_t count);

#endif
