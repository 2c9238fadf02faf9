/*
 * G, M, P: what the scheduler is made of.
 *
 *   G  a goroutine: a descriptor, and a stack from its first run to its end. Descriptors are never unmapped
 *      (type-stable), so a late reader may look at one that has been used again and must judge by id or ticket.
 *   M  a thread. A worker runs goroutines while it holds a P; its own pthread stack (g0) runs the scheduler.
 *      A plain thread that uses Oakum has an M and a G as well (kind OAK__G_THREAD): for it, parking is a
 *      futex wait. So channels, sync objects, contexts and scopes are written once.
 *   P  the right to run goroutines: run queue, timers, caches. Their number bounds parallelism.
 *
 * Who may touch what:
 *   - P's plain fields: only the M that holds it, and only while entered (see sched.h).
 *   - G's plain fields: its own goroutine while running; whoever claimed its wait (see park.h) until it is
 *     made runnable; the scheduler that is switching to or from it.
 *   - _Atomic fields: anybody, as their comments say.
 *
 * Internal: sched, sync, scope, poll, net, inspect, leak and tests may include it.
 */
#ifndef OAK_SCHED_G_H
#define OAK_SCHED_G_H

#include "base/list.h"
#include "base/lock.h"
#include "time/wheel.h"

#include <oakum/inspect.h>
#include <oakum/go.h>

struct oak_ctx;
struct oak__defer;
struct oak__frame;
struct oak__m;
struct oak__p;

enum oak__g_status {
    OAK__G_FREE = 0, /* descriptor in a cache */
    OAK__G_RUNNABLE, /* in a run queue; sp == NULL: has not run yet */
    OAK__G_RUNNING,  /* on its m (which may have lost its P) */
    OAK__G_WAITING,  /* parked or about to */
};

enum oak__g_kind { OAK__G_GOROUTINE, OAK__G_THREAD };

/* One goroutine's place in one object's queue. Belongs to the waiting goroutine (inline in G, or on its stack
 * in a select); all fields are covered by the lock of the object in whose queue it is. */
struct oak__waiter {
    struct oak__link link; /* in the object's queue; link.next == NULL: not queued */
    struct oak__g *g;
    const void *object; /* the object whose queue this is for: what the leak proof looks at */
    uint64_t ticket;    /* which wait of g this is */
    void *elem;         /* channel: value to send, or where to put it */
    uintptr_t data;     /* the object's own use: select case index, semaphore count, lock kind */
    _Atomic bool sole;  /* channel: nothing but its object can end the wait; see park.h */
};

enum { OAK__ARGS_INLINE = 96 };

/*
 * Lines of 64 bytes, by when they are touched: with 100,000 goroutines each line is a cache miss. A switch takes the first, a
 * sleep the second, a place in a queue the third; the others are written at the start, and for contexts, scopes and reports.
 */
struct oak__g {
    /* -- what a switch touches -- */
    void *sp;                    /* saved stack pointer while not running; NULL until the first run */
    _Atomic uint64_t wait;       /* ticket << 3 | phase: see park.h */
    struct oak__g *_Atomic next; /* in a run queue or a free list, by whoever owns that */
    struct oak__m *_Atomic m;    /* the thread it runs on (RUNNING), else the last one */
    int wake_status;             /* what the claimer says: 0 or negative errno */
    _Atomic uint8_t status;      /* oak__g_status */
    uint8_t kind;                /* oak__g_kind */
    _Atomic uint8_t reason;      /* oak_wait_reason while WAITING */
    uint8_t stack_class;
    char *stack_lo;                  /* lowest usable byte above the guard; NULL until the first run */
    struct oak_ctx *_Atomic ctx;     /* ambient context; NULL: background. Written by the goroutine itself */
    const void *_Atomic wait_object; /* what it waits for; NULL: several or none */

    /* -- how it waits -- */
    _Atomic int64_t wait_since; /* coarse */
    union {
        struct {
            struct oak__timer timer;   /* sleep, time limit */
            struct oak__waiter waiter; /* the single-object wait's place in a queue */
        };
        struct {                                             /* before the first run */
            oak__entry entry;                                /* what is called, with args */
            union {                                          /* inline or behind a pointer */
                unsigned char args_inline[OAK__ARGS_INLINE]; /* aligned to 16 */
                void *args_heap;
            };
            uint32_t args_size;
        };
    };

    /* -- who it is -- */
    _Atomic uint64_t id; /* 0 while free */
    uint64_t parent;
    const void *created_at; /* program counter */
    const void *fn;         /* the user's function, for reports */
    const char *_Atomic name;
    struct oak_scope *_Atomic scope; /* the scope it was started in */
    union {
        struct oak__defer *defers; /* innermost first */
        struct oak__g *newer;      /* before the first run: fresh.h */
    };
    struct oak__frame *recover; /* innermost oak_recover */

    /* -- what it belongs to, and what is rare -- */
    struct oak__link ctx_link;   /* in ctx->goroutines, under the context's lock */
    struct oak__link scope_link; /* in scope->children, under the scope's lock */
    struct oak__waiter
        *_Atomic waiters; /* select: array of nwaiters places, on its stack; each with its object */
    uint32_t nwaiters;
    uint32_t held_locks;      /* mutexes and write locks held: a cheap hint for reports */
    _Atomic uint32_t trimmed; /* low half of the ticket of the wait during which the stack was trimmed */
    _Atomic bool masked;      /* nothing but its object may end this wait: see oak__ctx_mask */
    uintptr_t reads;          /* read locks held: see sync/reads.h */
#if OAK_TSAN
    void *tsan_fiber;
#endif
#if OAK_ASAN
    void *asan_fake;
#endif
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct oak__g, args_inline) % 16 == 0, "arguments are aligned");
_Static_assert(offsetof(struct oak__g, wait_since) == 64 && offsetof(struct oak__g, waiter) == 128 &&
                   offsetof(struct oak__g, id) == 192,
               "each in a line of its own");

#endif
