/* The one door to the heap for the whole core.
 *
 * Every allocation of the core goes through these functions, so that a test can count them and make
 * the Nth one fail. Nothing here aborts: a NULL return means out of memory and the caller reports
 * it as VI_ERROR_OUT_OF_MEMORY. */
#ifndef VI_MESSAGE_MEMORY_H
#define VI_MESSAGE_MEMORY_H

#include <stddef.h>

/* A realloc-shaped hook: size 0 frees `block` and returns NULL; a NULL `block` allocates. */
typedef void *(*vi_allocator)(void *context, void *block, size_t size);

/* Replaces the allocator of the process. Call it before anything is allocated, from one thread;
 * NULL goes back to the C library's. `context` is handed to each call and never freed. */
void vi_memory_set_allocator(vi_allocator allocator, void *context);

/* Returns `size` bytes, uninitialised, or NULL. */
void *vi_malloc(size_t size);

/* Returns `size` zeroed bytes, or NULL. */
void *vi_calloc(size_t size);

/* Resizes `block` to `size` (> 0) bytes; on NULL the old block is untouched and still owned. */
void *vi_realloc(void *block, size_t size);

/* Gives `block` back; NULL is ignored. */
void vi_free(void *block);

#endif
