/*
 * M (threads), P (processors) and the scheduler's one global struct. Read g.h first.
 *
 * Internal: src/sched, src/inspect and src/leak may include it, and hot paths of src/sync for the inline
 * entering.
 */
#ifndef OAK_SCHED_M_H
#define OAK_SCHED_M_H

#include "arch/arch.h"
#include "base/os.h"
#include "base/slab.h"
#include "sched/g.h"
#include "stack/stack.h"

enum { OAK__RING = 256, OAK__MAX_PROCS = 256 };

/* Whether the M may use its m->p: the word of the P hand-over, see handover.c. */
enum oak__own {
    OAK__OWN_NONE = 0, /* no P: taken, given away, or a plain thread between runs */
    OAK__OWN_P,        /* m->p is ours */
    OAK__OWN_RETAKING, /* the monitor is about to decide */
    OAK__OWN_THREAD,   /* a plain thread: never has a P and needs none */
};

/* What to do with the goroutine that was switched away from, once its registers are saved. */
enum oak__prev_op {
    OAK__PREV_NONE = 0,
    OAK__PREV_PARK,        /* commit the park */
    OAK__PREV_PARK_INSIDE, /* the same, and leave the section (inside.h) */
    OAK__PREV_YIELD,       /* queue it at the end of the local ring */
    OAK__PREV_GLOBAL,      /* queue it globally (its M has no P) */
    OAK__PREV_EXIT,        /* free its stack and its descriptor */
    OAK__PREV_CALL,        /* it wants its call made on this thread's own stack: call.c */
};

/* A worker's last theft, until it has been judged: share.h. */
struct oak__theft {
    struct oak__p *victim; /* NULL: none */
    struct oak__p *thief;
    int64_t at;
    uint32_t tick; /* the thief's, then */
};

/* Fields are _Atomic where another thread may look, or where two goroutines of one thread touch them (to a
 * race detector that sees goroutines, that is sharing; relaxed accesses cost nothing). */
struct oak__m {
    _Atomic uint32_t entered; /* 1: in the runtime. With own, one half of the hand-over's Dekker pair */
    _Atomic uint32_t own;     /* oak__own */
    struct oak__p *_Atomic p;
    struct oak__g *_Atomic g; /* running goroutine; NULL on g0; a plain thread's stand-in */
    void *g0_sp;              /* where the scheduler's own context was left */
    struct oak__g *_Atomic prev;
    _Atomic int prev_op;
    _Atomic uint64_t rng;
    bool spinning;            /* only this thread */
    _Atomic uint32_t wake;    /* futex: 1 = go on, next_p is set */
    struct oak__p *next_p;    /* handed over by whoever wakes us */
    struct oak__m *idle_next; /* in sched.idle_ms, under sched.lock */
    int tid;
    struct oak__theft theft;
    void (*_Atomic call_fn)(void *); /* call.c */
    void *_Atomic call_arg;
    struct oak__g
        *_Atomic caller; /* whose call this thread makes, being a plain thread meanwhile; NULL: none */
    char *g0_lo, *g0_hi; /* bounds of the thread's own stack */
    char *
        g0_base; /* below here all frames are the scheduler's, but for a call's (call.c); NULL: a plain thread */
    const uintptr_t *g0_record;    /* libc's word of where that stack begins; NULL: not found */
    const uintptr_t *g0_made_with; /* the registers with which it was made (a __jmp_buf); NULL: not found */
    bool scheduler;                /* runs nothing of the program's, ever: the monitor and the like */
    struct oak__g stand_in;        /* plain threads and calls: not a goroutine, but waits like one */
#if OAK_TSAN
    void *g0_fiber;
#endif
#if OAK_ASAN
    void *g0_fake;
#endif
};

/* Goroutines of a P that have not run yet: fresh.h. */
struct oak__fresh {
    struct oak__g *newest, *oldest;
    _Atomic uint32_t count; /* may be read by anybody */
    uint32_t quota;         /* of the oldest, until since + some time */
    int64_t since;
    uint32_t passed; /* times in a row that others came first */
    oak__lock lock;
    _Atomic bool thief; /* under the lock: somebody else has it */
};

struct oak__p {
    uint32_t index;
    _Atomic uint32_t idle;        /* in sched.idle_ps */
    struct oak__m *_Atomic m;     /* holder */
    _Atomic uint32_t tick;        /* grows with each switch: the monitor's sign of progress */
    _Atomic uint32_t next_streak; /* times in a row that `next` was taken before the ring */
    _Atomic uint32_t lone_yields;
    _Atomic uint32_t inside;     /* odd: in a section: see inside.h */
    struct oak__g *_Atomic next; /* LIFO slot: runs next; the holder's only, never stolen */

    /* Ring of runnable goroutines: the holder pushes at tail and takes at head, thieves take at head by CAS.
     */
    _Atomic uint32_t head __attribute__((aligned(64)));
    _Atomic uint32_t tail __attribute__((aligned(64)));
    struct oak__g *_Atomic ring[OAK__RING];

    struct oak__fresh fresh;
    struct oak__g *_Atomic free_gs; /* descriptors, linked by next; the holder's only */
    _Atomic uint32_t nfree_gs;
    struct oak__g *_Atomic spare_gs;   /* a whole batch of them, or NULL: spawn.c */
    _Atomic uint64_t next_id, last_id; /* goroutine ids in stock */
    _Atomic uint64_t created, ended;
    struct oak__stack_cache stacks;
    struct oak__p *idle_next; /* under sched.lock */
    struct oak__wheel wheel __attribute__((aligned(64)));

    _Atomic int64_t alone_until __attribute__((aligned(64))); /* share.h; written by thieves */
    _Atomic int64_t alone_for;

    /* the monitor's notes */
    uint32_t seen_tick;
    int64_t seen_since;
    int64_t seen_cpu;
    int seen_tid;
    uint32_t pace_tick;
    int64_t pace_since;
};

struct oak__sched {
    oak__lock lock; /* covers the queue and the idle lists */
    struct oak__g *global_head, *global_tail;
    _Atomic uint32_t global_count;
    struct oak__p *idle_ps;
    struct oak__m *idle_ms;
    _Atomic uint32_t nidle_ps;
    _Atomic uint32_t nspinning; /* workers awake and looking for work */
    _Atomic int64_t polling;    /* 0: nobody is blocked in the poller; else until when + 1 */
    _Atomic int64_t last_poll;  /* when the poller was last looked at */
    _Atomic int64_t coarse_now;
    _Atomic uint32_t monitor_asleep;  /* futex */
    _Atomic uint32_t threads_refused; /* a P lies idle for want of a thread: the monitor tries again */
    _Atomic int64_t ask_again;        /* no thread is asked for before then; 0: none was refused last */
    int64_t ask_pause;                /* the last refusal's; under lock */
    _Atomic uint32_t nthreads;
    uint32_t nprocs;
    struct oak__p *p[OAK__MAX_PROCS];
    struct oak__wheel thread_wheel;  /* timers of plain threads' objects */
    _Atomic uint64_t thread_created; /* spawned by plain threads */
    oak__lock gfree_lock;
    struct oak__g *gfree; /* descriptors shared between Ps: batches, by their first ones (spawn.c) */
    _Atomic uint64_t ids;
};

/* The calling thread's P; NULL: it has none, or not even an M (sched.h). Entered. */
static inline struct oak__p *oak__p_here(void)
{
    struct oak__m *m = oak__m_self();
    return likely(m != NULL) ? load_relaxed(&m->p) : NULL;
}

extern struct oak__sched *oak__sched; /* NULL until started; in the runtime's own memory */
extern struct oak__slab oak__g_slab, oak__m_slab;

/* ---- run.c: switching ---- */
/* The next goroutine from p's own queues, or NULL. */
struct oak__g *oak__pick_local(struct oak__p *p);
/* Leaves the calling goroutine with op to be done, for the next one or the scheduler. Returns when it is
 * resumed. */
void oak__leave(struct oak__m *m, struct oak__g *g, enum oak__prev_op op);
/* The same for the two frequent reasons. */
void oak__leave_parking(struct oak__m *m, struct oak__g *g);
void oak__leave_yielding(struct oak__m *m, struct oak__g *g);
/* From g0: runs g until some goroutine comes back to g0. */
void oak__run(struct oak__m *m, struct oak__g *g);
/* Puts g, claimed and finished, where it will be run. Entered. */
void oak__ready(struct oak__g *g);
OAK_NORETURN void oak__g_main(void);

/* ---- worker.c: threads ---- */
/* Work was queued: wakes a worker if a P is idle and nobody is looking already. */
void oak__wake_worker(void);
/* Gives p to an idle or new worker. */
void oak__start_worker(struct oak__p *p, bool spinning);
void oak__stop_worker(struct oak__m *m); /* sleeps until given a P; then holds it */
void oak__acquire_p(struct oak__m *m, struct oak__p *p);
struct oak__p *oak__release_p(struct oak__m *m);
/* Under sched.lock. */
void oak__idle_p_put(struct oak__p *p);
struct oak__p *oak__idle_p_get(void);
/* A stack that rests with an idle P, for when no more can be made; NULL: there is none. Not under sched.lock. */
char *oak__idle_stack(void);
int oak__first_worker(void);
/* Notes where this thread's own stack lies; base: see g0_base. */
void oak__note_stack(struct oak__m *m, void *base);

/* ---- find.c: a worker's search for the next goroutine; blocks ---- */
struct oak__g *oak__find_runnable(struct oak__m *m);
/* Queues a list that the poller returned. Entered or on g0 with a P; without one it goes to the global queue.
 */
void oak__inject(struct oak__p *p, struct oak__g *list);
/* The earliest next_due of all wheels. */
int64_t oak__next_timer(void);

/* ---- handover.c ---- */
/* p has no holder: idle it, or start a worker where there is work for it. */
void oak__hand_off(struct oak__p *p);
/* Takes p from its holder if that one is in user code. */
bool oak__retake(struct oak__p *p);
struct oak__g *oak__enter_slow(void); /* as oak__enter */

/* ---- call.c ---- */
void oak__call_on_g0(struct oak__m *m, struct oak__g *g);

/* ---- spawn.c ---- */
void oak__g_free(struct oak__p *p, struct oak__g *g);

/* ---- thread.c ---- */
/* For a thread of the runtime's own that is about to be started, so that nothing can be refused when it runs; NULL: no
 * memory. The thread makes it its own and gives it back when it ends; whoever could not start one drops it. */
struct oak__m *oak__m_new(void);
void oak__m_take(struct oak__m *m);
void oak__m_give_back(struct oak__m *m);
void oak__m_drop(struct oak__m *m);
/* For the calling thread, one of the program's: given back when it ends. NULL: no memory, or libc has no room for a key. */
struct oak__m *oak__m_for_thread(void);
/* m, the calling thread's, is from here to the end a plain thread's: with a goroutine id of its own, entered, without a P. */
void oak__stand_in_begin(struct oak__m *m);
void oak__stand_in_end(struct oak__m *m);

/* ---- monitor.c ---- */
void *oak__monitor(void *own); /* its own M, from oak__m_new */
void oak__monitor_wake(void);

#endif
