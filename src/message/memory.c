#include "message/memory.h"

#include <stdlib.h>
#include <string.h>

static vi_allocator allocator_hook;
static void *allocator_context;

void vi_memory_set_allocator(vi_allocator allocator, void *context) {
  allocator_hook = allocator;
  allocator_context = context;
}

void *vi_realloc(void *block, size_t size) {
  return allocator_hook ? allocator_hook(allocator_context, block, size) : realloc(block, size);
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
