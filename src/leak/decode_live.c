/*
 * What goroutines that can run bring along as roots: their stacks, or, before their first run, their arguments.
 *
 * Where a goroutine's stack begins: its saved stack pointer, if it is switched away; the thread's, if a thread was
 * found on it (that part is a root already); and all of it when neither is sure, because the thread that runs it is
 * in a signal handler on another stack.
 */
#include "leak/decode.h"

#include "stack/away.h"

enum { SHALLOW = 4096 };

/* Arguments lie where waits are noted later. */
static void add_arguments(struct decode *d, const struct oak__node *n)
{
    add_root(d->w, n->g + offsetof(struct oak__g, waiter), n->g + offsetof(struct oak__g, waiters));
}

/* The thread whose M says it runs g, or NULL. */
static const struct oak__thread *thread_of(struct decode *d, const struct oak__g *g, bool *entered)
{
    const struct oak__m *m = oak__image_at(d->img, (uintptr_t)load_relaxed(&g->m), sizeof *m);
    *entered = m && load_relaxed(&m->entered);
    return m ? oak__decode_thread(d, m->tid) : NULL;
}

/* Whether g->sp is where the stack begins. */
static bool is_switched_away(struct decode *d, const struct oak__g *g, const struct oak__thread *t)
{
    enum oak__wait_phase phase = OAK__W_PHASE(load_relaxed(&g->wait));
    switch (load_relaxed(&g->status)) {
    case OAK__G_RUNNABLE:
        return true;
    case OAK__G_RUNNING: /* its thread is on its own stack, or about to leave another goroutine for this one */
        return t && !t->lost;
    default:
        return phase == OAK__W_PARKED || phase == OAK__W_HELD || phase == OAK__W_CLAIMED || !d->lost_thread;
    }
}

/* Of one that has been switched to never or is about to be for the first time, the frame pointer is zero. */
static bool is_first_run(struct decode *d, uintptr_t sp)
{
    return image_word(d->img, sp + OAK__SWITCH_FRAME * sizeof(void *)) == 0;
}

/* One that is just coming back has its contents in its record still, or on its page, or half. */
static void add_record(struct decode *d, uintptr_t lo, size_t size)
{
    const uintptr_t word = oak__image_away(d->img, lo),
                    bytes = OAK__AWAY_KEPT(word) + sizeof(struct oak__kept);
    if (OAK__AWAY_STATE(word) == OAK__STACK_COMING)
        add_root(d->w, bytes, bytes + size);
}

static void add_stack(struct decode *d, const struct oak__node *n, const struct oak__g *g)
{
    size_t region, i;
    struct oak__span slot;
    const uintptr_t lo = (uintptr_t)g->stack_lo;
    if (!lo || !oak__stack_slot(d->t, lo, &region, &i, &slot)) {
        add_arguments(d, n);
        return;
    }
    const uintptr_t sp = oak__decode_sp(d, g, &slot.hi);
    bool entered = false, fresh = sp == 0 || sp == lo;
    const struct oak__thread *t = thread_of(d, g, &entered);
    const uintptr_t here = oak__decode_sp_within(d, &slot); /* of a thread on this very stack */
    if (here) {
        /* At its very beginning the arguments may not have been taken out yet. */
        fresh = fresh || (entered && slot.hi - here < SHALLOW);
    } else if (sp > lo && sp < slot.hi && is_switched_away(d, g, t)) {
        add_root(d->w, sp, slot.hi);
        add_record(d, lo, slot.hi - sp);
        fresh = is_first_run(d, sp);
    } else {
        add_root(d->w, lo, slot.hi);
        fresh = true;
    }
    if (fresh)
        add_arguments(d, n);
}

/* A plain thread blocked on something still has it. */
static void add_waits(struct decode *d, const struct oak__node *n)
{
    add_root(d->w, n->g + offsetof(struct oak__g, wait_object), n->g + offsetof(struct oak__g, wait_since));
}

int oak__decode_live(struct decode *d)
{
    for (size_t i = 0; i < d->w->nnodes; i++) {
        const struct oak__node *n = &d->w->nodes[i];
        const struct oak__g *g = n->live ? g_at(d, n->g) : NULL;
        if (!g)
            continue;
        if (n->thread)
            add_waits(d, n);
        else
            add_stack(d, n, g);
    }
    return 0;
}
