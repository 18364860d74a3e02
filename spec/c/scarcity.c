#include "scarcity.h"

#include "message/memory.h"
#include "tap.h"

#include <stdlib.h>

static struct {
  long granted; /* allocations until the one that fails */
  bool for_good, refused;
  long live;
} memory;

static void *allocate(void *context, void *block, size_t size) {
  (void)context;
  if (size == 0) {
    memory.live--;
    free(block);
    return NULL;
  }
  if (memory.granted-- == 0 || (memory.for_good && memory.refused)) {
    memory.refused = true;
    return NULL;
  }
  void *result = realloc(block, size);
  memory.live += !block && result;
  return result;
}

bool scarcity_is_over(void) {
  return memory.refused && !memory.for_good;
}

void fail_each_allocation_of(scenario play) {
  for (int for_good = 0; for_good < 2; for_good++)
    for (long granted = 0;; granted++) {
      memory.granted = granted;
      memory.for_good = for_good;
      memory.refused = false;
      memory.live = 0;
      vi_memory_set_allocator(allocate, NULL);
      vi_error_kind kind = play();
      vi_memory_set_allocator(NULL, NULL);
      tap_at("allocation %ld%s, %s", granted + 1, for_good ? " for good" : "",
             vi_error_kind_name(kind));
      check_int(memory.live, 0);
      check(kind == VI_ERROR_NONE || kind == VI_ERROR_OUT_OF_MEMORY);
      if (memory.refused)
        continue;
      check_int(kind, VI_ERROR_NONE);
      check(granted > 0);
      break;
    }
}
