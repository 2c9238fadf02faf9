/*
 * Timers: one hierarchical wheel for each P, and a few for plain threads' needs.
 *
 * Arming and cancelling are O(1): a deadline is rounded up to a tick of 2^16 ns (65.5 us) and hung into one
 * of 64 slots of one of 8 levels; a slot of a higher level is spread over the lower ones when its time comes
 * (Varghese & Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme 7). A bitmap a level finds
 * the next slot without a search. A timer never fires early and, on an idle machine, less than two ticks
 * late. Timers of different ticks fire in order; within a tick there is no order.
 *
 * Protocol. The wheel's lock covers its slots, bitmaps and every field of the timers that hang in it.
 * timer->wheel tells whether it hangs anywhere. oak__timers_run() takes due timers out under the lock, copies
 * (fn, timer, arg) aside, and calls fn without the lock: so the call may happen after the owner has gone on
 * and even armed the timer anew. fn must therefore judge by arg (for a goroutine: the wait's ticket), never
 * by the timer's present content; memory of timers is type-stable or fn owns a reference.
 */
#ifndef OAK_TIME_WHEEL_H
#define OAK_TIME_WHEEL_H

#include "base/lock.h"

enum { OAK__WHEEL_LEVELS = 8, OAK__WHEEL_SLOTS = 64, OAK__WHEEL_SHIFT = 16, OAK__WHEEL_AHEAD = 8 };

struct oak__timer;
typedef void (*oak__timer_fn)(struct oak__timer *t, uint64_t arg);

struct oak__timer {
    struct oak__timer *next, **pprev; /* in its slot */
    int64_t when;                     /* deadline, oak_now() clock */
    struct oak__wheel *_Atomic wheel; /* where it hangs; NULL: nowhere */
    oak__timer_fn fn;
    uint64_t arg;
    const void *ahead; /* a timer a few places behind in the same list, perhaps: a prefetch's business only */
};

struct oak__wheel {
    oak__lock lock;
    uint64_t tick;            /* ticks up to here have been run */
    _Atomic int64_t next_due; /* no timer fires before this; OAK_FOREVER when empty. Read by all */
    uint64_t count;           /* timers that hang here */
    uint64_t occupied[OAK__WHEEL_LEVELS]; /* bit per slot */
    struct oak__timer *slot[OAK__WHEEL_LEVELS][OAK__WHEEL_SLOTS];
    uint64_t soonest[OAK__WHEEL_LEVELS][OAK__WHEEL_SLOTS]; /* no timer of the slot fires before this tick */
    struct oak__timer *moving[OAK__WHEEL_LEVELS];          /* slots of each level that are being spread */
    struct oak__timer *due;                                /* to be called next */
    const void *hung[OAK__WHEEL_AHEAD];                    /* the last timers that were hung, in turn */
    uint32_t nhung;
};

/* Where a goroutine's own timer is in its descriptor (sched/park.c). */
extern const size_t oak__timer_in_g;

void oak__wheel_init(struct oak__wheel *w, int64_t now);
/*
 * Arms t (not armed) to fire at t->when = when; a time that has passed fires at the next tick; OAK_FOREVER
 * does not arm. True when w's next_due moved earlier: a sleeping poller may have to be told (a fence lies
 * between the store of next_due and the caller's look at whether one sleeps: the caller's).
 */
bool oak__timer_arm(struct oak__wheel *w, struct oak__timer *t, int64_t when, oak__timer_fn fn, uint64_t arg);
/* Takes t out. True: fn will not be called for this arming. False: it was not armed, has been called, or will
 * be. */
bool oak__timer_cancel(struct oak__timer *t);
/*
 * Fires what is due at now. Number fired. Must be called entered (see sched/sched.h), without locks; several
 * threads may run one wheel. Work other than calling is bounded: when many timers have to be spread, next_due
 * stays in the past so that the caller comes again soon.
 */
int oak__timers_run(struct oak__wheel *w, int64_t now);
/* The same, but no more than `most`; what is left is due at once. */
int oak__timers_run_some(struct oak__wheel *w, int64_t now, int most);

#endif
