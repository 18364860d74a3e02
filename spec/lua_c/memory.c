#include "memory.h"

#include "message/memory.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What threads share is counted exactly; only one of them may be short. */
typedef struct budget {
  atomic_long granted; /* allocations until the first one that is refused */
  atomic_int refusals; /* left; negative: for good */
  atomic_bool refused;
  atomic_long live;
} budget;

static budget heaps[HEAPS] = {{.granted = LONG_MAX}, {.granted = LONG_MAX}};
static _Thread_local lua_State *last_state;

static bool is_granted(budget *heap) {
  if (heap->granted > 0) {
    heap->granted--;
    return true;
  }
  if (heap->refusals == 0)
    return true;
  heap->refusals -= heap->refusals > 0;
  heap->refused = true;
  return false;
}

static void *resize(budget *heap, void *block, size_t size) {
  if (size == 0) {
    heap->live -= block != NULL;
    free(block);
    return NULL;
  }
  void *result = realloc(block, size);
  heap->live += !block && result;
  return result;
}

static void *allocate_for_core(void *heap, void *block, size_t size) {
  return size == 0 || is_granted(heap) ? resize(heap, block, size) : NULL;
}

/* What becomes smaller is never refused: Lua relies on that. */
static void *allocate_for_lua(void *heap, void *block, size_t before, size_t size) {
  bool grows = size > (block ? before : 0); /* without a block, `before` tells its kind */
  return !grows || is_granted(heap) ? resize(heap, block, size) : NULL;
}

void *memory_allocate(void *context, void *block, size_t before, size_t size) {
  (void)context;
  return allocate_for_lua(&heaps[LUA_HEAP], block, before, size);
}

__attribute__((constructor)) static void supply_core(void) {
  vi_memory_set_allocator(allocate_for_core, &heaps[CORE_HEAP]);
}

lua_State *__wrap_luaL_newstate(void);

/* The linker puts it in the place of luaL_newstate. */
lua_State *__wrap_luaL_newstate(void) {
  last_state = lua_newstate(allocate_for_lua, &heaps[LUA_HEAP]);
  return last_state;
}

void memory_limit(memory_heap heap, long granted, int times) {
  heaps[heap].granted = granted;
  heaps[heap].refusals = times;
  heaps[heap].refused = false;
}

bool memory_unlimit(memory_heap heap) {
  bool refused = heaps[heap].refused;
  memory_limit(heap, LONG_MAX, 0);
  return refused;
}

long memory_live(memory_heap heap) {
  return heaps[heap].live;
}

lua_State *memory_last_state(void) {
  return last_state;
}
