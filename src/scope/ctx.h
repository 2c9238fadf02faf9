/*
 * Contexts, inside.
 *
 * A context is one end that many feel: its goroutines (members, whose ambient context it is), its children,
 * and through them the whole tree below. The end is pushed down at once by whoever causes it, so asking "has
 * it ended?" is one load (ctx->ended) however deep the tree.
 *
 * Life. `refs` are the holders: users, members, children (each holds its parent), after-functions. When the
 * last one goes, the context is taken apart. `pins` keep the memory: one for refs > 0, one for an armed
 * timer, whose call-back may run late. Memory is a slab: typed for the leak proof, never unmapped.
 *
 * Locks. ctx->lock covers the four lists and `cause`. No two contexts' locks are held at once, and under one
 * nothing else is locked but a wait is claimed (one CAS). Waking, spawning and closing come after. So the
 * order is trivial: ctx->lock is a leaf, taken entered.
 *
 * The race of parking and ending. A goroutine publishes its wait (ARMED), passes a full fence and looks at
 * ctx->ended; it goes to sleep only if that is 0 (oak__wait_park). Who ends a context stores ctx->ended,
 * passes a full fence and claims the waits of the members. One of the two sees the other. Membership cannot
 * slip through either: joining takes the lock, and who joins before the ender takes it is found in the list,
 * who joins after sees ended (the lock orders it) at the first wait.
 *
 * Internal: scope, inspect and leak may include it.
 */
#ifndef OAK_SCOPE_CTX_H
#define OAK_SCOPE_CTX_H

#include "base/slab.h"
#include "sched/park.h"

#include <oakum/ctx.h>

enum { OAK__CTX_MAGIC = 0x6f616b78 };

struct oak_ctx {
    struct oak_ctx *next; /* while an end is being pushed down: the next one to do. Else NULL */
    _Atomic int ended;    /* 0: live; else -ECANCELED or -ETIMEDOUT (or -ENOMEM: see oak__ctx_failed) */
    int cause;            /* written before ended */
    _Atomic uint32_t refs;
    _Atomic uint32_t pins;
    oak__lock lock;
    _Atomic uint32_t magic;   /* 0 once nobody holds it: tells a wrong handle, as well as that can be told */
    bool shield;              /* does not hear of its outer context's end */
    struct oak_ctx *outer;    /* parent, or what a shield was opened in; a reference. NULL: background */
    struct oak__link sibling; /* in outer->children, under outer's lock; not linked when a shield */
    struct oak__link children;
    struct oak__link goroutines; /* members: g->ctx_link */
    struct oak__link afters;     /* struct oak_after */
    int64_t deadline;            /* the earliest of its own and its ancestors' */
    struct oak__timer timer;     /* armed when its own deadline is that one */
    const void *key;
    void *value; /* a reference as long as c lives, for the leak proof; and so are fn and arg of afters */
    struct oak__chan *_Atomic done; /* made when first asked for; closed at the end */
};

static inline bool ctx_ok(const struct oak_ctx *c)
{
    return c && load_relaxed(&((struct oak_ctx *)(uintptr_t)c)->magic) == OAK__CTX_MAGIC;
}

/* A handle that is neither NULL nor a context's: a panic that names the caller of the public function. Not entered. */
OAK_NORETURN void oak__ctx_wrong(const struct oak_ctx *c, const void *caller);
#define ctx_must_be_one(c) (likely(!(c) || ctx_ok(c)) ? (void)0 : oak__ctx_wrong((c), caller_pc()))

extern struct oak__slab oak__ctx_slab;
/* Stands in where memory for a context was out: every blocking call under it returns -ENOMEM. Never freed. */
extern struct oak_ctx oak__ctx_failed;

/* A child of outer with its own deadline (OAK_FOREVER: none). One reference. NULL: no memory. Not entered. */
struct oak_ctx *oak__ctx_make(struct oak_ctx *outer, int64_t deadline, bool shield);

/* More and fewer references. c != NULL. put is for those who have entered; the last one takes c apart. */
void oak__ctx_get(struct oak_ctx *c);
void oak__ctx_put(struct oak_ctx *c);

/* One more, unless nobody holds c any more: it is being taken apart. */
static inline bool ctx_try_get(struct oak_ctx *c)
{
    uint32_t n = load_relaxed(&c->refs);
    while (n > 0)
        if (cas_acquire(&c->refs, &n, n + 1))
            return true;
    return false;
}
/* The timer, if it is armed, and its pin. */
void oak__ctx_disarm(struct oak_ctx *c);

/* Ends c and everything below it; false when it had ended. Entered; the caller holds a reference. */
bool oak__ctx_end(struct oak_ctx *c, int err, int cause);

/* Makes c (or NULL) the ambient context of g, the caller, instead of its present one. A member holds a
 * reference. Entered. */
void oak__ctx_switch(struct oak__g *g, struct oak_ctx *c);
/* The same, where the caller's reference on c becomes g's: the old one, with g's reference on it. */
struct oak_ctx *oak__ctx_exchange(struct oak__g *g, struct oak_ctx *c);

/* ---- reclaim.c ---- */
/* A child of outer (NULL: background) that has ended, with -ECANCELED. One reference; never NULL. Not entered. */
struct oak_ctx *oak__ctx_make_ended(struct oak_ctx *outer);
/* The parts of a goroutine's chain of defers: see oak__reclaim. d may be any entry. Not entered. */
void oak__ambient_reclaim(struct oak__defer *d);
void oak__scope_reclaim(struct oak__defer *d);

/* ---- ctx_done.c, ctx_after.c: parts of an end. Entered ---- */
void oak__ctx_close_done(struct oak_ctx *c);
void oak__ctx_free_done(struct oak_ctx *c);
/* Takes c's after-functions, under its lock; runs those taken, each in a goroutine of its own. */
void oak__afters_take(struct oak_ctx *c, struct oak__link *taken);
void oak__afters_run(struct oak__link *taken);

#endif
