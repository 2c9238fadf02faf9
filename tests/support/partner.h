/*
 * A partner for races: a plain thread that, when told, waits some moments and calls act(arg), really at the
 * same time as whatever the test does meanwhile (a goroutine might share the test's P).
 */
#ifndef OAK_TESTS_SUPPORT_PARTNER_H
#define OAK_TESTS_SUPPORT_PARTNER_H

#include "base/common.h"

#include <pthread.h>
#include <sched.h>

/* How often a race is run. Under the thread sanitizer, to which every round shows a data race, it takes ten times as long. */
enum { PARTNER_ROUNDS = OAK_TSAN ? 1000 : 3000 };

struct partner {
    pthread_t thread;
    void (*act)(void *);
    void *_Atomic arg;
    _Atomic int moments;
    _Atomic int asked, begun, answered; /* rounds; asked < 0: the end */
    int lead; /* moments that it gets before the test acts; negative: the test gets them */
};

static inline void moments_pass(int n)
{
    for (volatile int i = 0; i < n; i++)
        ;
}

static inline void *partner_main(void *p)
{
    struct partner *me = p;
    for (int round = 1;; round++) {
        for (int spins = 0; me->asked != round && me->asked >= 0; spins++)
            if (spins > 1000)
                sched_yield();
        if (me->asked < 0)
            return NULL;
        me->begun = round;
        moments_pass(me->moments);
        me->act(me->arg);
        me->answered = round;
    }
}

static inline void partner_start(struct partner *p, void (*act)(void *))
{
    *p = (struct partner){.act = act};
    expect(pthread_create(&p->thread, NULL, partner_main, p) == 0);
}

/* Round i of a race: returns when the partner has begun, and the caller is to act at once. */
static inline void partner_go(struct partner *p, void *arg, int i)
{
    p->arg = arg;
    p->moments = i * 7 % 100 + (p->lead < 0 ? -p->lead : 0);
    p->asked++;
    for (int spins = 0; p->begun != p->asked; spins++)
        if (spins > 1000)
            sched_yield(); /* on a busy machine: the partner's thread is waiting for this processor */
    moments_pass(i * 11 % 100 + (p->lead > 0 ? p->lead : 0));
}

/* Whoever came first gets less of a start from now on: in the end each is first as often as the other. */
static inline void partner_balance(struct partner *p, bool partner_was_first)
{
    enum { STEP = 20, MOST = 100000 };
    p->lead += partner_was_first ? -STEP : STEP;
    p->lead = p->lead > MOST ? MOST : p->lead < -MOST ? -MOST : p->lead;
}

static inline void partner_wait(struct partner *p)
{
    for (int spins = 0; p->answered != p->asked; spins++) {
        oak_yield();
        if (spins > 1000)
            sched_yield();
    }
}

static inline void partner_stop(struct partner *p)
{
    p->asked = -1;
    pthread_join(p->thread, NULL);
}

/* What most partners do. */
static inline void cancel_it(void *c)
{
    (void)oak_ctx_cancel((oak_ctx *)c, 0);
}

#endif
