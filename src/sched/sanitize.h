/*
 * Tells the sanitizers about each switch, so that users get address checking and data-race detection for
 * goroutines.
 *
 * ASan: start before leaving a stack (NULL instead of the save slot when the stack dies), finish on arrival.
 * TSan: one fiber a goroutine (kept with the descriptor: making one costs 0.4 ms, and there can be some
 * 8,000), switched without synchronisation: two goroutines that happen to share a thread are still checked
 * against each other. What really orders them is told by release at "made runnable" and acquire at "runs".
 * Everything here is empty in a plain build. Internal to sched.
 */
#ifndef OAK_SCHED_SANITIZE_H
#define OAK_SCHED_SANITIZE_H

#include "sched/m.h"

#if OAK_ASAN
    #include <sanitizer/asan_interface.h>
    #include <sanitizer/common_interface_defs.h>
#endif
#if OAK_TSAN
    #include <sanitizer/tsan_interface.h>
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *address, size_t size,
                             const char *text);
#endif

/* g is about to be switched to; from: the goroutine left behind, NULL: g0. dying: from will not come back. */
SCHEDULER_STEP static inline void sanitize_to_g(struct oak__m *m, struct oak__g *from, struct oak__g *g,
                                                bool dying)
{
#if OAK_ASAN
    __sanitizer_start_switch_fiber(dying  ? NULL
                                   : from ? &from->asan_fake
                                          : &m->g0_fake,
                                   g->stack_lo, oak__stack_usable(g->stack_class));
#endif
#if OAK_TSAN
    if (!g->tsan_fiber)
        g->tsan_fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(g->tsan_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    (void)m, (void)from, (void)g, (void)dying;
}

SCHEDULER_STEP static inline void sanitize_to_g0(struct oak__m *m, struct oak__g *from, bool dying)
{
#if OAK_ASAN
    __sanitizer_start_switch_fiber(dying ? NULL : &from->asan_fake, m->g0_lo, (size_t)(m->g0_hi - m->g0_lo));
#endif
#if OAK_TSAN
    __tsan_switch_to_fiber(m->g0_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    (void)m, (void)from, (void)dying;
}

/* Arrived on g's stack (NULL: g0); first: for the first time. */
SCHEDULER_STEP static inline void sanitize_arrived(struct oak__m *m, struct oak__g *g, bool first)
{
#if OAK_ASAN
    void *fake = first ? NULL : g ? g->asan_fake : m->g0_fake;
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
#if OAK_TSAN
    __tsan_acquire(m); /* the thread's record was set up before anything ran on it */
#endif
    (void)m, (void)g, (void)first;
}

/* g ended and its stack goes back. */
SCHEDULER_STEP static inline void sanitize_ended(struct oak__g *g)
{
#if OAK_ASAN
    if (g->stack_lo)
        __asan_unpoison_memory_region(g->stack_lo, oak__stack_usable(g->stack_class));
#endif
    (void)g;
}

/* What happened before g was made runnable happens before what it does next. */
static inline void sanitize_made_runnable(struct oak__g *g)
{
#if OAK_TSAN
    __tsan_release(g);
#endif
    (void)g;
}

static inline void sanitize_runs(struct oak__g *g)
{
#if OAK_TSAN
    __tsan_acquire(g);
#endif
    (void)g;
}

/* What was last done with a descriptor happens before its next use: it is never unmapped. */
static inline void sanitize_g_end(struct oak__g *g)
{
#if OAK_TSAN
    __tsan_release(g);
#endif
    (void)g;
}

static inline void sanitize_g_begin(struct oak__g *g)
{
#if OAK_TSAN
    __tsan_acquire(g);
#endif
    (void)g;
}

/* One goroutine's use of a stack ends before the next one's begins. */
static inline void sanitize_stack_begin(struct oak__g *g)
{
#if OAK_TSAN
    __tsan_acquire(g->stack_lo);
#endif
    (void)g;
}

static inline void sanitize_stack_end(struct oak__g *g)
{
#if OAK_TSAN
    __tsan_release(g->stack_lo);
#endif
    (void)g;
}

static inline void sanitize_g0_init(struct oak__m *m)
{
#if OAK_TSAN
    m->g0_fiber = __tsan_get_current_fiber();
    AnnotateBenignRaceSized(__FILE__, __LINE__, oak_errno_location(), sizeof(int),
                            "errno: goroutines of one thread use it one after the other");
    __tsan_release(m);
#endif
    (void)m;
}

#endif
