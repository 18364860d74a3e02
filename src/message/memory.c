#include "message/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static vi_allocator allocator_hook;
static void *allocator_context;

void vi_memory_set_allocator(vi_allocator allocator, void *context) {
  allocator_hook = allocator;
  allocator_context = context;
}

/* A large block is touched for the first time page by page, and each first touch costs as much as
 * copying several pages: with fewer and larger ones a body of 100 MiB takes a fraction of the time.
 * This is advice, which the system may ignore. */
static void advise(void *block, size_t size) {
#ifdef MADV_HUGEPAGE
  enum { LARGE = 8 * 1024 * 1024, PAGE = 4096 };
  if (!block || size < LARGE)
    return;
  /* All pages of the mapping: one that had two kinds could not be moved when the block grows. */
  uintptr_t start = (uintptr_t)block & ~(uintptr_t)(PAGE - 1);
  madvise((void *)start, (uintptr_t)block + size - start, MADV_HUGEPAGE);
#else
  (void)block;
  (void)size;
#endif
}

void *vi_realloc(void *block, size_t size) {
  if (allocator_hook)
    return allocator_hook(allocator_context, block, size);
  void *resized = realloc(block, size);
  advise(resized, size);
  return resized;
}

void *vi_malloc(size_t size) {
  return vi_realloc(NULL, size);
}

void *vi_calloc(size_t size) {
  void *block = vi_malloc(size);
  if (block)
    memset(block, 0, size);
  return block;
}

void vi_free(void *block) {
  if (!block)
    return;
  if (allocator_hook)
    allocator_hook(allocator_context, block, 0);
  else
    free(block);
}
