/* Memory that runs out when a test says so: Lua's and the core's, counted apart. Every Lua state
 * that the program opens, or the library for it, takes its memory from here. */
#ifndef SPEC_LUA_C_MEMORY_H
#define SPEC_LUA_C_MEMORY_H

#include <lua.h>
#include <stdbool.h>

typedef enum memory_heap { LUA_HEAP, CORE_HEAP, HEAPS } memory_heap;

/* How many allocations in a row are refused. Lua collects its garbage and asks once more. */
enum { ONCE = 1, TWICE = 2, FOR_GOOD = -1 };

/* Grants so many allocations of a heap from now on, and refuses the next ones, `times` of them. */
void memory_limit(memory_heap heap, long granted, int times);

/* Allocates as the states that are opened here do: a viesti_allocate, whose context is not looked
 * at. */
void *memory_allocate(void *context, void *block, size_t before, size_t size);

/* Refuses nothing any more. True if something was refused. */
bool memory_unlimit(memory_heap heap);

/* The blocks that were taken and not given back yet. */
long memory_live(memory_heap heap);

/* The Lua state that this thread opened last. */
lua_State *memory_last_state(void);

#endif
