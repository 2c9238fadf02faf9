/*
 * The counting semaphore. Everything under its lock: first in, first out, so while somebody queues nobody is
 * served before, and a large request is not overtaken by small ones. waiter->data is how many it wants. Who
 * is woken with 0 has been given its share. One that gives up in front may have held back smaller ones: it
 * serves them as it leaves.
 */
#include "sync/waitq.h"

#include <oakum/sync.h>

struct sem {
    int64_t count;
    oak__lock lock;
    struct oak__link queue;
};
_Static_assert(sizeof(struct sem) == sizeof(oak_sem), "oak_sem");
_Static_assert(_Alignof(struct sem) == _Alignof(oak_sem), "oak_sem");

int oak_sem_init(oak_sem *s, int64_t n)
{
    if (!s || n < 0)
        return -EINVAL;
    *s = (oak_sem){.oak__count = n};
    return 0;
}

/* Under the lock: serves the head of the queue as long as the count lasts. */
static void serve(struct sem *s, struct wakelist *served)
{
    struct oak__waiter *w;
    while ((w = waitq_first(&s->queue)) && (int64_t)w->data <= s->count) {
        waitq_remove(&s->queue, w);
        if (oak__wait_claim(w->g, w->ticket)) {
            s->count -= (int64_t)w->data;
            wakelist_add(served, w);
        }
    }
}

static bool take(struct sem *s, int64_t n)
{
    if (!list_empty(&s->queue) || s->count < n)
        return false;
    s->count -= n;
    return true;
}

static void withdraw(struct sem *s, struct oak__waiter *w)
{
    struct wakelist served = {0};
    lock(&s->lock);
    if (waitq_withdraw(&s->queue, w))
        serve(s, &served);
    unlock(&s->lock);
    wake_all(&served);
}

/* Entered. */
static int acquire(struct sem *s, struct oak__g *g, int64_t n, int64_t limit, int64_t deadline)
{
    lock(&s->lock);
    bool taken = take(s, n);
    if (taken || limit <= 0) {
        unlock(&s->lock);
        return taken ? 0 : -ETIMEDOUT;
    }
    struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_SEMAPHORE, s, deadline);
    w->data = (uintptr_t)n;
    waitq_push(&s->queue, w);
    unlock(&s->lock);
    int err = oak__wait_park(g);
    if (err < 0)
        withdraw(s, w);
    return err;
}

int oak_sem_acquire_timeout(oak_sem *s, int64_t n, int64_t limit)
{
    if (!s || n <= 0)
        return -EINVAL;
    int64_t deadline = oak__deadline_of(limit);
    struct oak__g *g = oak__enter();
    if (!g)
        return -ENOMEM;
    int err = oak__ctx_check(g);
    if (!err)
        err = acquire((struct sem *)s, g, n, limit, deadline);
    oak__exit();
    return err;
}

int oak_sem_acquire(oak_sem *s, int64_t n)
{
    return oak_sem_acquire_timeout(s, n, OAK_FOREVER);
}

int oak_sem_try_acquire(oak_sem *ps, int64_t n)
{
    if (!ps || n <= 0)
        return -EINVAL;
    struct sem *s = (struct sem *)ps;
    oak__enter();
    lock(&s->lock);
    bool taken = take(s, n);
    unlock(&s->lock);
    oak__exit();
    return taken ? 0 : -EAGAIN;
}

int oak_sem_release(oak_sem *ps, int64_t n)
{
    if (!ps || n <= 0)
        return -EINVAL;
    struct sem *s = (struct sem *)ps;
    struct wakelist served = {0};
    oak__enter();
    lock(&s->lock);
    bool fits = s->count <= INT64_MAX - n;
    if (fits) {
        s->count += n;
        serve(s, &served);
    }
    unlock(&s->lock);
    wake_all(&served);
    oak__exit();
    return fits ? 0 : -EOVERFLOW;
}
