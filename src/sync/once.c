/*
 * Once.
 *
 * The word: 0 (nobody has called), id of the goroutine that runs fn << 2 | RUNNING, or DONE. Whoever moves it
 * from 0 runs fn; the others queue. The end of the run is a deferred call, so a panic in fn ends it, too.
 */
#include "sync/waitq.h"

#include <oakum/panic.h>
#include <oakum/sync.h>

enum { RUNNING = 1, DONE = 2 };

struct once {
    _Atomic uint64_t state;
    oak__lock lock; /* covers the queue and the step to DONE */
    struct oak__link queue;
};
_Static_assert(sizeof(struct once) == sizeof(oak_once), "oak_once");
_Static_assert(_Alignof(struct once) == _Alignof(oak_once), "oak_once");

static void has_run(void *arg)
{
    struct once *o = arg;
    struct wakelist woken = {0};
    oak__enter();
    lock(&o->lock);
    store_release(&o->state, DONE);
    waitq_claim_all(&o->queue, &woken);
    unlock(&o->lock);
    wake_all(&woken);
    oak__exit();
}

static void run(struct once *o, void (*fn)(void *), void *arg)
{
    oak_defer(has_run, o);
    fn(arg);
}

static int wait_run(struct once *o)
{
    struct oak__g *g = oak__enter();
    int err = oak__ctx_check(g);
    if (!err) {
        lock(&o->lock);
        if (load_acquire(&o->state) == DONE) {
            unlock(&o->lock);
        } else {
            struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_ONCE, o, OAK_FOREVER);
            waitq_push(&o->queue, w);
            unlock(&o->lock);
            err = waitq_park(g, w, &o->queue, &o->lock);
        }
    }
    oak__exit();
    return err;
}

int oak_once_do(oak_once *po, void (*fn)(void *), void *arg)
{
    if (!po || !fn)
        return -EINVAL;
    struct once *o = (struct once *)po;
    uint64_t s = load_acquire(&o->state);
    if (likely(s == DONE))
        return 0;
    const struct oak__g *g = oak__self();
    if (!g)
        return -ENOMEM;
    uint64_t me = load_relaxed(&g->id) << 2 | RUNNING;
    if (s == 0 && cas_acquire(&o->state, &s, me)) {
        run(o, fn, arg);
        return 0;
    }
    return s == me ? -EDEADLK : wait_run(o);
}
