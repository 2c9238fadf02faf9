/* After-functions. Internal: scope, inspect and leak may include it. */
#ifndef OAK_SCOPE_CTX_AFTER_H
#define OAK_SCOPE_CTX_AFTER_H

#include "scope/ctx.h"

/*
 * What runs when a context ends. Held twice: by the user's handle, and by the context's list or, once the end
 * has taken it from there, by the run to come.
 */
enum { OAK__AFTER_MAGIC = 0x6f616b61 };

struct oak_after {
    struct oak__link link;  /* in c->afters, under c's lock; then in a list of those to run */
    _Atomic uint32_t magic; /* 0 once the handle has been given back */
    struct oak_ctx *c;      /* a reference of the handle; NULL: background */
    void (*fn)(void *);
    void *arg;
    const void *created_at;
    struct oak__timer timer; /* to try again when there was no memory for a goroutine */
    _Atomic uint32_t holders;
    bool taken; /* the end has come; under c's lock */
};

extern struct oak__slab oak__after_slab;

#endif
