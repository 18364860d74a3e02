#include "transport/watches.h"

enum { ANY = VI_POLL_READ | VI_POLL_WRITE };

void vi_watches_add(vi_loop *loop, vi_socket *socket, vi_watch *watch) {
  watch->waiting = true;
  watch->ready = false;
  watch->next = socket->watches;
  socket->watches = watch;
  loop->waiting_watches++;
}

static void unlink_watch(vi_watch **link, const vi_watch *watch) {
  while (*link && *link != watch)
    link = &(*link)->next;
  if (*link)
    *link = watch->next;
}

void vi_watches_remove(vi_loop *loop, vi_socket *socket, vi_watch *watch) {
  unlink_watch(socket ? &socket->watches : &loop->ready_watches, watch);
  if (watch->waiting)
    loop->waiting_watches--;
  watch->waiting = watch->listed = false;
}

int vi_watches_wanted(const vi_socket *socket) {
  int events = 0;
  for (const vi_watch *watch = socket->watches; watch; watch = watch->next)
    events |= watch->events;
  return events;
}

int vi_watches_act(vi_loop *loop, vi_socket *socket, int happened) {
  if (happened & VI_POLL_ERROR)
    happened |= ANY;
  for (vi_watch *watch = socket->watches, *next; watch; watch = next) {
    next = watch->next;
    if (!(watch->events & happened))
      continue;
    vi_watches_remove(loop, socket, watch);
    watch->ready = watch->listed = true;
    watch->next = loop->ready_watches;
    loop->ready_watches = watch;
  }
  return vi_watches_wanted(socket);
}

void vi_watches_release(vi_loop *loop, vi_socket *socket) {
  vi_watches_act(loop, socket, ANY);
}
