#include "transport/timers.h"

#include "message/memory.h"

void vi_timers_free(vi_timers *timers) {
  for (size_t i = 0; i < timers->count; i++)
    timers->heap[i]->position = 0;
  vi_free(timers->heap);
  *timers = (vi_timers){0};
}

static void place(vi_timers *timers, size_t index, vi_timer *timer) {
  timers->heap[index] = timer;
  timer->position = index + 1;
}

static void sift_up(vi_timers *timers, size_t index) {
  vi_timer *timer = timers->heap[index];
  while (index > 0 && timers->heap[(index - 1) / 2]->deadline > timer->deadline) {
    place(timers, index, timers->heap[(index - 1) / 2]);
    index = (index - 1) / 2;
  }
  place(timers, index, timer);
}

static void sift_down(vi_timers *timers, size_t index) {
  vi_timer *timer = timers->heap[index];
  for (;;) {
    size_t child = index * 2 + 1;
    if (child >= timers->count)
      break;
    if (child + 1 < timers->count &&
        timers->heap[child + 1]->deadline < timers->heap[child]->deadline)
      child++;
    if (timers->heap[child]->deadline >= timer->deadline)
      break;
    place(timers, index, timers->heap[child]);
    index = child;
  }
  place(timers, index, timer);
}

bool vi_timers_add(vi_timers *timers, vi_timer *timer, int64_t deadline) {
  vi_timers_remove(timers, timer);
  if (timers->count == timers->capacity) {
    size_t capacity = timers->capacity ? timers->capacity * 2 : 16;
    vi_timer **heap = vi_realloc(timers->heap, capacity * sizeof *heap);
    if (!heap)
      return false;
    timers->heap = heap;
    timers->capacity = capacity;
  }
  timer->deadline = deadline;
  timers->heap[timers->count++] = timer;
  sift_up(timers, timers->count - 1);
  return true;
}

void vi_timers_remove(vi_timers *timers, vi_timer *timer) {
  if (timer->position == 0)
    return;
  size_t index = timer->position - 1;
  timer->position = 0;
  vi_timer *last = timers->heap[--timers->count];
  if (last == timer)
    return;
  place(timers, index, last);
  sift_up(timers, index);
  sift_down(timers, last->position - 1);
}

vi_timer *vi_timers_first(const vi_timers *timers) {
  return timers->count ? timers->heap[0] : NULL;
}
