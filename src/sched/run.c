/*
 * Switching: from goroutine to goroutine directly where the next one is known, through the thread's own stack
 * (g0) where it must be searched for.
 *
 * A goroutine that leaves cannot do the last step itself: as soon as it is queued or its park is committed,
 * another thread may run it, on a stack that is still in use. So it says in m->prev and m->prev_op what is to
 * be done, and whoever arrives on this thread next does it first of all (after_switch).
 *
 * A goroutine's first run happens on a stack given to it only then. One that ends hands its stack, still hot,
 * to a successor that has not run yet, without any switch: the loop in oak__g_main.
 */
#include "poll/poll.h"
#include "sched/event.h"
#include "sched/fork.h"
#include "sched/inline.h"
#include "sched/park.h"
#include "sched/runq.h"
#include "sched/sanitize.h"
#include "sched/share.h"
#include "stack/away.h"

#include <string.h>

/* Direct take-over of a stack would leave a sanitizer with the wrong fiber. */
enum { REUSE_STACK = !(OAK_ASAN || OAK_TSAN) };
/* How often in a row the LIFO slot may come before the ring: two goroutines that wake each other starve
 * nobody. */
enum { NEXT_STREAK = 64 };
/* How often in a row those that have run before may come before those that have not. */
enum { FRESH_PASSED = 1 };
/* Ticks between two looks at the global queue (a prime, as in Go) and at the real clock. */
enum { GLOBAL_EVERY = 61, CLOCK_EVERY = 16 };

/* What they wake is to fit into the ring. With a ring that is always full they get their turn all the same. */
static NOINLINE void run_timers(struct oak__p *p, uint32_t tick, int64_t now)
{
    int most = oak__ring_room(p);
    if (most == 0 && tick % GLOBAL_EVERY == 0)
        most = OAK__RING / 4;
    if (most)
        oak__timers_run_some(&p->wheel, now, most);
}

static inline void run_due_timers(struct oak__p *p, uint32_t tick)
{
    int64_t due = load_relaxed(&p->wheel.next_due);
    if (likely(due == OAK_FOREVER))
        return;
    if (tick % CLOCK_EVERY == 0) {
        int64_t now = oak__os_now();
        if (due <= now)
            run_timers(p, tick, now);
    } else if (due <= load_relaxed(&oak__sched->coarse_now)) {
        run_timers(p, tick, oak__os_now());
    }
}

/* Behind all others of its kind. */
ALWAYS_INLINE void push_back(struct oak__p *p, struct oak__g *g)
{
    if (g->sp)
        oak__ring_push(p, g);
    else
        fresh_push(p, g);
}

/* What has run before goes first, but not for ever; see fresh.h. */
SCHEDULER_STEP static NOINLINE struct oak__g *pick_with_fresh(struct oak__p *p)
{
    struct oak__g *g;
    if (fresh_due(p, load_relaxed(&oak__sched->coarse_now)) && (g = oak__fresh_oldest(p)))
        return g;
    if (p->fresh.passed < FRESH_PASSED && (g = oak__ring_pop(p))) {
        p->fresh.passed++;
        return g;
    }
    p->fresh.passed = 0;
    g = fresh_pop(p);
    return g ? g : oak__ring_pop(p);
}

ALWAYS_INLINE struct oak__g *pick_local(struct oak__p *p)
{
    uint32_t tick = load_relaxed(&p->tick) + 1;
    store_relaxed(&p->tick, tick);
    run_due_timers(p, tick);
    if (unlikely(tick % GLOBAL_EVERY == 0)) {
        struct oak__g *g = oak__global_pop(p, 1);
        if (g)
            return g;
    }
    struct oak__g *g = load_relaxed(&p->next);
    if (g) {
        uint32_t streak = load_relaxed(&p->next_streak);
        store_relaxed(&p->next, NULL);
        if (likely(streak < NEXT_STREAK)) {
            store_relaxed(&p->next_streak, streak + 1);
            return g;
        }
        push_back(p, g);
    }
    store_relaxed(&p->next_streak, 0);
    if (likely(fresh_empty(p)))
        return oak__ring_pop(p);
    return pick_with_fresh(p);
}

struct oak__g *oak__pick_local(struct oak__p *p)
{
    return pick_local(p);
}

/* False: there is none to be had. */
SCHEDULER_STEP static NOINLINE bool give_stack(struct oak__p *p, struct oak__g *g)
{
    if (unlikely(oak__away_on()) && g->stack_lo && (g->sp = oak__away_resume(g->stack_lo)))
        return true;
    if (!g->stack_lo)
        g->stack_lo = oak__stack_get(&p->stacks);
    if (unlikely(!g->stack_lo) && !(g->stack_lo = oak__idle_stack()))
        return false;
    g->sp = oak__stack_prepare(oak__stack_top(g->stack_lo, g->stack_class));
    return true;
}

/*
 * g, in no queue, becomes the running goroutine of m; a stack if it has none. False: none could be had although there is
 * address space for it (no memory or no mapping for its guard). Then g waits behind all others, those who will give theirs
 * back among them.
 */
INLINE_STEP bool make_running(struct oak__m *m, struct oak__p *p, struct oak__g *g)
{
    if (unlikely(!g->sp) && unlikely(!give_stack(p, g))) {
        oak__global_push(g);
        return false;
    }
    store_relaxed(&g->status, OAK__G_RUNNING);
    store_relaxed(&g->m, m);
    store_relaxed(&m->g, g);
    oak__event(OAK__EV_START, g);
    return true;
}

/* Somebody has claimed g's wait while it was on its way: it is told, or runs on. */
static NOINLINE void commit_claimed(struct oak__g *g)
{
    uint64_t w = load_relaxed(&g->wait);
    if (OAK__W_PHASE(w) == OAK__W_CLAIMED_EARLY &&
        cas_release(&g->wait, &w, (w & ~(uint64_t)7) | OAK__W_CLAIMED))
        return;
    w = load_acquire(&g->wait); /* g runs on this thread and is to see what the claimer left for it */
    oak__check(OAK__W_PHASE(w) == OAK__W_DONE, "parking goroutine in an impossible phase");
    oak__ready(g);
}

/* The registers of g are saved: from now on it may be woken. */
static inline void commit_park(struct oak__g *g)
{
    uint64_t w = load_relaxed(&g->wait);
    if (likely(OAK__W_PHASE(w) == OAK__W_ARMED) &&
        likely(cas_release(&g->wait, &w, (w & ~(uint64_t)7) | OAK__W_PARKED)))
        return;
    commit_claimed(g);
}

static NOINLINE void after_rare_switch(struct oak__m *m, struct oak__g *g, int op)
{
    switch (op) {
    case OAK__PREV_GLOBAL:
        store_relaxed(&g->status, OAK__G_RUNNABLE);
        oak__global_push(g);
        oak__wake_worker();
        break;
    case OAK__PREV_EXIT:
        oak__g_free(load_relaxed(&m->p), g);
        break;
    case OAK__PREV_CALL:
        oak__call_on_g0(m, g);
        break;
    default:
        break;
    }
}

/*
 * In the section in which g's wait was published, so nobody can have claimed it; nor can anybody before the section ends.
 */
static inline void commit_park_inside(struct oak__p *p, struct oak__g *g)
{
    store_release(&g->wait, (load_relaxed(&g->wait) & ~(uint64_t)7) | OAK__W_PARKED);
    oak__inside_end(p);
}

/* First thing on any new stack: does what the previous goroutine asked for. */
ALWAYS_INLINE void after_switch(struct oak__m *m)
{
    struct oak__g *g = load_relaxed(&m->prev);
    int op = load_relaxed(&m->prev_op);
    store_relaxed(&m->prev_op, OAK__PREV_NONE);
    if (op == OAK__PREV_PARK_INSIDE) {
        commit_park_inside(load_relaxed(&m->p), g);
    } else if (likely(op == OAK__PREV_PARK)) {
        commit_park(g);
    } else if (op == OAK__PREV_YIELD) {
        store_relaxed(&g->status, OAK__G_RUNNABLE);
        oak__ring_push(load_relaxed(&m->p), g);
    } else {
        after_rare_switch(m, g, op);
    }
}

INLINE_STEP void leave_note(struct oak__m *m, struct oak__g *g, enum oak__prev_op op)
{
    store_relaxed(&m->prev, g);
    store_relaxed(&m->prev_op, op);
}

/* Leaves g for next, or for g0 when next is NULL. */
INLINE_STEP void leave_to(struct oak__m *m, struct oak__g *g, enum oak__prev_op op, struct oak__g *next)
{
    bool dying = op == OAK__PREV_EXIT;
    leave_note(m, g, op);
    if (next && likely(make_running(m, load_relaxed(&m->p), next))) {
        if (dying)
            sanitize_stack_end(g);
        sanitize_to_g(m, g, next, dying);
        oak__switch(&g->sp, next->sp);
    } else {
        if (op != OAK__PREV_CALL)
            store_relaxed(&m->g, NULL);
        if (dying)
            sanitize_stack_end(g);
        sanitize_to_g0(m, g, dying);
        oak__switch(&g->sp, m->g0_sp);
    }
    /* Here again, perhaps on another thread. */
    m = oak__m_self();
    sanitize_arrived(m, g, false);
    after_switch(m);
    sanitize_runs(g);
}

void oak__leave(struct oak__m *m, struct oak__g *g, enum oak__prev_op op)
{
    struct oak__p *p = load_relaxed(&m->p);
    leave_to(m, g, op, p && op != OAK__PREV_CALL ? pick_local(p) : NULL);
}

void oak__leave_parking(struct oak__m *m, struct oak__g *g)
{
    leave_to(m, g, OAK__PREV_PARK, pick_local(load_relaxed(&m->p)));
}

/* Nothing that is due every so many switches is due at this one. */
static inline bool only_a_switch(struct oak__p *p, uint32_t tick)
{
    int64_t due = load_relaxed(&p->wheel.next_due);
    return tick % GLOBAL_EVERY != 0 && load_relaxed(&p->next_streak) < NEXT_STREAK &&
           (due == OAK_FOREVER || (tick % CLOCK_EVERY != 0 && due > load_relaxed(&oak__sched->coarse_now)));
}

/* Straight to the goroutine in the LIFO slot. */
bool oak__wait_park_inside(struct oak__m *m, struct oak__p *p, struct oak__g *g)
{
    uint32_t tick = load_relaxed(&p->tick) + 1;
    struct oak__g *next = load_relaxed(&p->next);
    if (!next || !next->sp || !only_a_switch(p, tick) || unlikely(g->kind != OAK__G_GOROUTINE))
        return false;
    store_relaxed(&p->tick, tick);
    store_relaxed(&p->next, NULL);
    store_relaxed(&p->next_streak, load_relaxed(&p->next_streak) + 1);
    store_relaxed(&g->status, OAK__G_WAITING);
    oak__event(OAK__EV_BLOCK, g);
    leave_to(m, g, OAK__PREV_PARK_INSIDE, next);
    store_relaxed(&g->wait, (load_relaxed(&g->wait) & ~(uint64_t)7) | OAK__W_NONE);
    store_relaxed(&g->reason, OAK_WAIT_NONE);
    store_relaxed(&g->wait_object, NULL);
    return true;
}

void oak__leave_yielding(struct oak__m *m, struct oak__g *g)
{
    leave_to(m, g, OAK__PREV_YIELD, pick_local(load_relaxed(&m->p)));
}

SCHEDULER_STEP void oak__run(struct oak__m *m, struct oak__g *g)
{
    if (unlikely(!make_running(m, load_relaxed(&m->p), g))) {
        oak__os_sleep(OAK_MILLISECOND); /* those that can run may be on their way */
        return;
    }
    sanitize_to_g(m, NULL, g, false);
    oak__switch(&m->g0_sp, g->sp);
    sanitize_arrived(m, NULL, false);
    after_switch(m);
}

/*
 * The wakee stays local, in the LIFO slot, where it runs as soon as the waker blocks: a message then costs no
 * cache miss and no system call. Another thread is woken only when a second goroutine waits here.
 */
void oak__ready(struct oak__g *g)
{
    struct oak__p *p = oak__p_here();
    oak__becomes_runnable(g);
    if (unlikely(!p)) {
        oak__global_push(g);
        oak__wake_worker();
        return;
    }
    struct oak__g *old = load_relaxed(&p->next);
    store_relaxed(&p->next, g);
    if (old) {
        push_back(p, old);
        share_more(p);
    }
}

/* n bytes, in words: no call, and no string instruction, which gcc would make of the loop: that takes 25 ns to begin. */
static inline void copy_words(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        memcpy((char *)to + i, (const char *)from + i, sizeof(uint64_t));
        compiler_barrier();
    }
}

/* Runs g's function with its arguments on this stack. Entered before and after. */
static NOINLINE void run_body(struct oak__g *g)
{
    const oak__entry entry = g->entry;
    bool heap = g->args_size > OAK__ARGS_INLINE;
    /* As large as need be: in compact mode each byte counts. (Not inlined: it would grow the frame of a loop.) */
    void *args = heap ? g->args_heap : __builtin_alloca(round_up(g->args_size, 16));
    if (!heap)
        copy_words(args, g->args_inline, g->args_size);
    memset(&g->waiter, 0, sizeof g->waiter);
    memset(&g->timer, 0, sizeof g->timer);
    const char *panic = NULL;
    oak__exit_inline();
    int result = oak__run_protected(g, entry, args, &panic);
    if (heap)
        oak__free(args);
    oak__enter_inline();
    struct oak_scope *scope = load_relaxed(&g->scope);
    if (scope)
        oak__scope_child_ended(scope, g, result, panic);
    struct oak_ctx *ctx = load_relaxed(&g->ctx);
    if (ctx)
        oak__ctx_detach(ctx, g);
    sanitize_made_runnable(g); /* to who sees that it has ended: id 0 */
}

/* g has ended: its books are closed, its stack and descriptor are still in use. */
SCHEDULER_STEP static void close_books(struct oak__p *p, struct oak__g *g)
{
    oak__event(OAK__EV_END, g);
    sanitize_g_end(g);
    store_relaxed(&p->ended, load_relaxed(&p->ended) + 1);
    store_relaxed(&g->ctx, NULL);
    store_relaxed(&g->scope, NULL);
    store_release(&g->id, 0);
    fence_release(); /* before all of the next life's: who reads a descriptor looks at its id last (inspect/snapshot.c) */
    store_relaxed(&g->status, OAK__G_FREE);
}

SCHEDULER_STEP static bool can_take_over(const struct oak__g *g, const struct oak__g *next)
{
    return REUSE_STACK && next && !next->sp && !next->stack_lo && next->stack_class == g->stack_class;
}

SCHEDULER_STEP static void take_over(struct oak__m *m, struct oak__g *g, struct oak__g *next)
{
    struct oak__p *p = load_relaxed(&m->p);
    next->stack_lo = g->stack_lo;
    next->sp = g->stack_lo; /* any value but NULL: it is saved anew when next leaves */
    g->stack_lo = NULL;
    oak__g_free(p, g);
    (void)make_running(m, p, next); /* it has a stack */
}

void oak__g_main(void)
{
    struct oak__m *m = oak__m_self();
    sanitize_arrived(m, NULL, true);
    struct oak__g *g = load_relaxed(&m->g);
    sanitize_stack_begin(g);
    after_switch(m);
    for (;;) {
        sanitize_runs(g);
        run_body(g);
        if (unlikely(g->kind != OAK__G_GOROUTINE))
            oak__fork_end(0);
        m = oak__m_self();
        close_books(load_relaxed(&m->p), g);
        struct oak__g *next = oak__pick_local(load_relaxed(&m->p));
        if (!can_take_over(g, next)) {
            leave_to(m, g, OAK__PREV_EXIT, next);
            __builtin_unreachable();
        }
        take_over(m, g, next);
        g = next;
    }
}
