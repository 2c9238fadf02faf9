/*
 * Scopes, inside. A scope lies on its owner's stack (struct oak__scope_mem) from oak__scope_enter to
 * oak__scope_leave, and stands in the owner's chain of defers, so that a panic leaves it, too.
 *
 * scope->lock covers everything below it in the struct. It is taken entered, and is a leaf but for two
 * things: a wait may be claimed under it, and whoever walks the tree of scopes holds the locks from the root
 * down to where it is (scope_tree.c), which keeps the scopes there from being left.
 *
 * `running` counts children and places taken for children about to be started. A child's last touch of its
 * scope is the unlock after it has given its place back: when the owner sees 0 under the lock it may leave.
 *
 * Internal: scope, inspect and leak may include it.
 */
#ifndef OAK_SCOPE_SCOPE_H
#define OAK_SCOPE_SCOPE_H

#include "scope/ctx.h"
#include "sync/waitq.h"

#include <oakum/panic.h>
#include <oakum/scope.h>

enum { OAK__SCOPE_MAGIC = 0x6f616b73, OAK__SCOPE_MAX_ERRORS = 64 };

struct oak__scope_failure {
    struct oak_scope_error e; /* e.panic is owned */
    struct oak__scope_failure *next;
};

struct oak_scope {
    struct oak__defer unwind;
    uint32_t magic; /* 0: left */
    struct oak_scope_opts opts;
    const void *opened_at;
    struct oak__g *owner;
    struct oak_ctx *ctx;      /* a reference; oak__ctx_failed when there was no memory */
    struct oak_ctx *outer;    /* ambient outside; a reference */
    struct oak_scope *parent; /* the scope it was opened in, or NULL */
    struct oak__link sibling; /* in parent->subscopes under parent's lock, or among the roots */

    oak__lock lock;
    bool closed;
    uint32_t running;
    uint32_t successes;
    uint32_t nfailures;
    struct oak__link children;   /* g->scope_link */
    struct oak__link subscopes;  /* opened by children or in the block */
    struct oak__link idle_wait;  /* the owner, until running is 0 */
    struct oak__link limit_wait; /* for a place */
    struct oak__scope_failure first;
    struct oak__scope_failure *last;
};
_Static_assert(sizeof(struct oak_scope) <= sizeof(struct oak__scope_mem), "oak__scope_mem");

static inline bool scope_ok(const oak_scope *s)
{
    return s && s->magic == OAK__SCOPE_MAGIC;
}

/* Waits until nothing runs in s, whatever happens to contexts. By the owner, not entered. */
void oak__scope_wait_idle(struct oak_scope *s);
/* What became of it, once idle: 0 or negative errno. */
int oak__scope_result(struct oak_scope *s);
void oak__scope_free_failures(struct oak_scope *s);

/* A place for one more child: 0; -EPIPE, -ECANCELED, -ETIMEDOUT. Blocks at the limit. Not entered. */
int oak__scope_take_place(struct oak_scope *s);
void oak__scope_give_place(struct oak_scope *s);

/* ---- scope_tree.c ---- */
void oak__scope_hang(struct oak_scope *s);
void oak__scope_unhang(struct oak_scope *s);
/* The head of the list of roots, as it lies in memory: for the leak proof. */
const struct oak__link *oak__scope_roots(void);
/* Calls fn for each live scope, parents before their children, with its depth. fn runs under locks: it only
 * copies. Stops when fn returns false. Not entered. */
void oak__scopes_each(bool (*fn)(const struct oak_scope *s, int depth, void *arg), void *arg);

/* ---- overrun.c ---- */
/* Names the children on standard error. Not entered. */
void oak__scope_name_overrun(struct oak_scope *s, int64_t limit);

#endif
