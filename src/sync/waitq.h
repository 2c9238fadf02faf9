/*
 * First in, first out queues of waiters, and lists of claimed ones to be woken.
 *
 * Everything here is covered by the object's lock, but wake_all(), which comes after the lock was given up: a
 * claimed goroutine cannot run before it is woken, so its waiter stays valid until then. An empty queue is
 * all zero bytes, however it became empty: an object that nobody uses may be moved or freed.
 *
 * Internal: sync and scope may include it.
 */
#ifndef OAK_SYNC_WAITQ_H
#define OAK_SYNC_WAITQ_H

#include "sched/park.h"

static inline struct oak__waiter *waitq_first(const struct oak__link *q)
{
    return list_empty(q) ? NULL : container_of(q->next, struct oak__waiter, link);
}

static inline void waitq_push(struct oak__link *q, struct oak__waiter *w)
{
    list_push_back(q, &w->link);
}

/* In front of all others: one that had been first and lost the race for the object. */
static inline void waitq_push_front(struct oak__link *q, struct oak__waiter *w)
{
    list_push_back(list_empty(q) ? q : q->next, &w->link);
}

static inline void waitq_remove(struct oak__link *q, struct oak__waiter *w)
{
    list_remove(&w->link);
    if (q->next == q)
        q->next = q->prev = NULL;
}

/* By the owner of w whose wait ended without the object: true when w was still queued. */
static inline bool waitq_withdraw(struct oak__link *q, struct oak__waiter *w)
{
    if (!list_linked(&w->link))
        return false;
    waitq_remove(q, w);
    return true;
}

/* The first waiter that could be claimed, off the queue like those before it (which something else woke). */
static inline struct oak__waiter *waitq_claim_first(struct oak__link *q)
{
    struct oak__waiter *w;
    while ((w = waitq_first(q))) {
        waitq_remove(q, w);
        if (oak__wait_claim(w->g, w->ticket))
            return w;
    }
    return NULL;
}

/* Claimed waiters, in order, chained through link.next. */
struct wakelist {
    struct oak__link *first, *last;
};

static inline void wakelist_add(struct wakelist *l, struct oak__waiter *w)
{
    w->link.next = NULL;
    if (l->last)
        l->last->next = &w->link;
    else
        l->first = &w->link;
    l->last = &w->link;
}

/* Claims every waiter of q. */
static inline void waitq_claim_all(struct oak__link *q, struct wakelist *l)
{
    struct oak__waiter *w;
    while ((w = waitq_claim_first(q)))
        wakelist_add(l, w);
}

/* Entered, the object's lock given up. */
static inline void wake_all_with(struct wakelist *l, int status)
{
    struct oak__link *n = l->first;
    while (n) {
        struct oak__link *next = n->next;
        n->next = NULL; /* "not queued", as its owner may look */
        oak__wait_wake(container_of(n, struct oak__waiter, link)->g, status);
        n = next;
    }
}

static inline void wake_all(struct wakelist *l)
{
    wake_all_with(l, 0);
}

/* Parks with w in q; when something else than the object woke it, takes it off. l is the object's lock. */
static inline int waitq_park(struct oak__g *g, struct oak__waiter *w, struct oak__link *q, oak__lock *l)
{
    int err = oak__wait_park(g);
    if (err < 0) {
        lock(l);
        waitq_withdraw(q, w);
        unlock(l);
    }
    return err;
}

#endif
