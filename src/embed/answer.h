/* A request that a sender of the host's works on, and what it makes of it. */
#ifndef VI_EMBED_ANSWER_H
#define VI_EMBED_ANSWER_H

#include "embed/runtime.h"

/* Lies in a userdata, which lives until it is over and its call has gone on. */
struct viesti_completion {
  const viesti_sender *sender;
  viesti *runtime;
  bool over;             /* completed, failed or cancelled: the host has no more to do with it */
  vi_task *task;         /* suspended until then; NULL: none */
  vi_request *request;   /* one reference; and how the host sees it: */
  viesti_request view;   /* with the seconds that are left, negative: none */
  vi_buffer texts;       /* the names and values of its fields, each with a NUL; */
  viesti_header *fields; /* and their places, owned */
  int64_t began;
  vi_response *response; /* what the host has completed it with, one reference, */
  vi_error error;        /* or of that kind */
};

/* Fills a zeroed completion for the request. False: out of memory. */
bool vi_completion_open(viesti_completion *completion, vi_request *request);

/* It is over, and the host is told if it was not. */
void vi_completion_cancel(viesti_completion *completion);

/* Gives back what it holds. */
void vi_completion_free(viesti_completion *completion);

#endif
