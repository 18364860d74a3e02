/* Looking up a host's addresses without waiting: by a thread, whose answer is read from a pipe. */
#ifndef VI_STORES_REDIS_RESOLVE_H
#define VI_STORES_REDIS_RESOLVE_H

/* Starts to look a name up. Returns the pipe's end to poll and read, which is the caller's to close
 * whenever it likes and does not block: to be read there is a line for each address, or a line "-"
 * and why there is none, and then the end. -1, with errno set: the system refuses. */
int vi_redis_resolve(const char *host);

#endif
