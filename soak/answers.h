/* What the faulty origin answers: right, wrong, too much, too little or nothing. */
#ifndef SOAK_ANSWERS_H
#define SOAK_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

/* What follows the bytes of an answer. */
typedef enum answer_end {
  END_KEEP,  /* the next request on the same connection */
  END_CLOSE, /* a FIN */
  END_RESET, /* an RST */
  END_HANG,  /* nothing more, until the client goes away */
  END_FLOOD, /* the last `repeated` bytes again and again, until the client goes away */
} answer_end;

typedef struct answer {
  const char *bytes;
  size_t length, repeated;
  answer_end end;
  int idle;   /* milliseconds before END_CLOSE */
  char *made; /* `bytes`, where they are this answer's own, to be freed; else NULL */
} answer;

/* What a request says, as far as an answer depends on it. */
typedef struct question {
  const char *name; /* of the case: the path is /NAME/NUMBER */
  unsigned long number;
  size_t before; /* requests for that case before this one */
  bool is_post, is_conditional;
} question;

/* Makes the bodies that answers have in common; before the first answer. */
void answers_prepare(void);

/* The answer. Faults strike twice in three times, so that some retries go well. */
answer answer_to(const question *asked);

#endif
