/*
 * Panics, inside. A goroutine has two chains, both on its own stack:
 *
 *   g->defers   what must run when a block is left: deferred calls, scopes, blocks with another ambient
 *               context. The innermost first; each entry is a struct oak__defer. Left normally, a block takes
 *               its entry off and runs it (the cleanup attribute); a panic does the same without returning.
 *   g->recover  the places where a panic stops, innermost first: each oak_recover, and outermost of all the
 *               goroutine's own entry (oak__run_protected), where a scope's child leaves its panic to the
 *               scope and any other goroutine's panic ends the process.
 *
 * A panic runs, on top of the stack that panicked, all entries of g->defers that are newer than the innermost
 * frame, then jumps to it. Nothing is unwound before that, so a report made when the process ends still shows
 * where the panic began. A panic in a deferred call does the same over again with what is left of the chain:
 * it replaces the first one.
 *
 * Internal: scope and inspect may include it.
 */
#ifndef OAK_SCOPE_PANIC_H
#define OAK_SCOPE_PANIC_H

#include "arch/jump.h"
#include "sched/sched.h"

#include <oakum/panic.h>

/* One panic on its way. On the stack that panicked. */
struct oak__panic {
    struct oak_panic_info info;
    struct oak__panic *replaced; /* the one that it came in the way of, or NULL */
};

/* A place where panics stop. */
struct oak__frame {
    struct oak__jump jump;
    struct oak__frame *outer;
    struct oak__defer *defers;   /* the chain as it was here: a panic runs what came later */
    struct oak_panic_info *info; /* where to leave what the panic said; may be NULL */
    const char **text;           /* where to leave a copy of its message; may be NULL */
    struct oak__panic *panic;    /* the newest on its way here */
    bool ends_process;
};

static inline void frame_push(struct oak__g *g, struct oak__frame *f, struct oak_panic_info *info)
{
    f->outer = g->recover;
    f->defers = g->defers;
    f->info = info;
    f->text = NULL;
    f->panic = NULL;
    f->ends_process = false;
    g->recover = f;
}

/* Entries that a longjmp of the user's has skipped are forgotten here. */
static inline void frame_pop(struct oak__g *g, struct oak__frame *f)
{
    g->recover = f->outer;
    g->defers = f->defers;
}

/* Begins the panic that p->info describes; fills in who panics. */
OAK_NORETURN void oak__panic_begin(struct oak__panic *p);
/* Says what panicked and where every goroutine is; ends the process by SIGABRT. */
OAK_NORETURN void oak__panic_die(const struct oak__panic *p);

/* An entry of g->defers made by the library itself. Leaving by another way than a panic, the caller takes it
 * off. g NULL: a plain thread without memory for a stand-in; it stands in no chain, and no panic of that thread stops anywhere. */
static inline void defer_push(struct oak__g *g, struct oak__defer *d, void (*fn)(void *), void *arg)
{
    d->fn = fn;
    d->arg = arg;
    d->owner = g;
    if (unlikely(!g))
        return;
    d->outer = g->defers;
    g->defers = d;
}

static inline void defer_pop(struct oak__g *g, struct oak__defer *d)
{
    if (likely(g != NULL))
        g->defers = d->outer;
}

#endif
