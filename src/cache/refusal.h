/* Why an answer is not stored. */
#ifndef VI_CACHE_REFUSAL_H
#define VI_CACHE_REFUSAL_H

typedef enum vi_refusal {
  VI_REFUSAL_NONE,
  VI_REFUSAL_METHOD,        /* its request's method is none whose answers are stored */
  VI_REFUSAL_STATUS,        /* nor is that a status that is */
  VI_REFUSAL_NO_STORE,      /* the server forbids it */
  VI_REFUSAL_PRIVATE,       /* it is for one user, and the cache for many */
  VI_REFUSAL_AUTHORIZATION, /* likewise, as far as is known (RFC 9111 3.5) */
  VI_REFUSAL_VARY,          /* no request would match, or nobody knows which */
  VI_REFUSAL_SET_COOKIE,    /* it sets cookies, and the policy is to skip such */
  VI_REFUSAL_LIFETIME,      /* it could never be used: not fresh, and nothing to validate it by */
  VI_REFUSAL_USER,          /* the user says so */
  VI_REFUSAL_INCOMPLETE,    /* its body may have been cut off, or was read piece by piece */
  VI_REFUSAL_INVALIDATED,   /* something has changed it since its request went out */
  VI_REFUSAL_STORE,         /* the store did not take it: it is too large, say */
} vi_refusal;

/* A word for it, "" for none. Static. */
const char *vi_refusal_name(vi_refusal refusal);

#endif
