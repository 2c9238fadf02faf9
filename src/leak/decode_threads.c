/*
 * Where each thread was. Its stack from there on is live, its registers are; what lies below its stack pointer is not,
 * wherever the bounds of its stack are known: the runtime's own threads', and the first thread's.
 *
 * The scheduler itself holds nothing of the program's: it knows descriptors only. But for as long as a worker sleeps,
 * its registers (the vector registers above all) and the padding of its frames keep what was left in them by whatever
 * ran there before. So a worker that runs no goroutine does not count, nor does its own stack while it runs one; nor does
 * the monitor, which handles the stacks of parked goroutines. But when a signal's handler runs on such a thread, that is
 * the program's (decode_handler.c).
 */
#include "leak/decode.h"

#include <setjmp.h>

static void dead_part(struct decode *d, uintptr_t lo, uintptr_t hi)
{
    if (lo && lo < hi)
        d->w->dead[d->w->ndead++] = (struct oak__span){lo, hi};
}

/* What libc keeps of a thread that the runtime knows: see worker.c. */
static void dead_words(struct decode *d, const struct oak__m *m)
{
    const uintptr_t record = (uintptr_t)m->g0_record, made_with = (uintptr_t)m->g0_made_with;
    dead_part(d, record, record ? record + sizeof record : 0);
#ifdef __GLIBC__
    dead_part(d, made_with, made_with ? made_with + sizeof((jmp_buf *)NULL)[0]->__jmpbuf : 0);
#else
    (void)made_with;
#endif
}

/* Whether a thread of ours is in the scheduler, so that nothing on its own stack or in its registers is the program's. */
static bool is_idle(const struct oak__m *m, bool on_own_stack)
{
    return on_own_stack && (m->scheduler || !load_relaxed(&m->g));
}

static void place(struct decode *d, struct oak__thread *t)
{
    const struct oak__m *m = oak__decode_m_of(d, t->tid);
    size_t region, slot;
    struct oak__span bounds;
    const uintptr_t lo = m ? (uintptr_t)m->g0_lo : 0, base = m ? (uintptr_t)m->g0_base : 0;
    bool on_own = lo && t->sp > lo && t->sp < (uintptr_t)m->g0_hi;
    dead_part(d, t->dead.lo, t->dead.hi);
    if (m)
        dead_words(d, m);
    const bool in_handler = on_own && oak__decode_in_handler(d, t->sp, base ? base : (uintptr_t)m->g0_hi);
    if (m && is_idle(m, on_own) && !in_handler) {
        dead_part(d, lo, base);
        return;
    }
    add_root(d->w, t->regs.lo, t->regs.hi);
    for (size_t i = 0; i < countof(t->more_regs); i++)
        add_root(d->w, t->more_regs[i].lo, t->more_regs[i].hi);
    if (on_own) {
        if (!in_handler)
            dead_part(d, lo, t->sp);
        return;
    }
    if (oak__stack_slot(d->t, t->sp, &region, &slot, &bounds)) {
        add_root(d->w, t->sp, bounds.hi);
        dead_part(d, lo, base);
        return;
    }
    const struct oak__mapping *map = oak__image_mapping(d->img, t->sp);
    if (map && map->flags & OAK__MAP_STACK) {
        if (!oak__decode_in_handler(d, t->sp, map->hi))
            dead_part(d, map->lo, t->sp);
    } else if (lo)
        d->lost_thread = t->lost = true;
}

int oak__decode_threads(struct decode *d)
{
    int err = oak__decode_index(d);
    if (err)
        return err;
    d->w->dead = oak__scratch_alloc(d->scratch, 4 * d->img->nthreads + 1, sizeof *d->w->dead);
    if (!d->w->dead)
        return -ENOMEM;
    for (size_t i = 0; i < d->img->nthreads; i++)
        place(d, &d->img->threads[i]);
    return 0;
}
