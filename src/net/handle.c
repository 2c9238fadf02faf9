/* The slow paths of handle.h: taking turns, deadlines that change, closing. */
#include "net/handle.h"
#include "net/addr.h"
#include "sched/park.h"

/* A deadline has changed: the one who waits for his turn begins again. Never leaves this file. */
enum { LOOK_AGAIN = -EAGAIN };

/* ---- making and ending ---- */

int oak__handle_new(struct oak__slab *table, uint32_t magic, int fd, bool socket, bool writing, void *out)
{
    oak__enter();
    struct oak__handle *h = oak__slab_alloc(table);
    oak__exit();
    if (!h)
        return -ENOMEM;
    h->fd = fd;
    h->socket = socket;
    h->tcp = h->drained = false;
    h->table = table;
    store_relaxed(&h->state, OAK__H_REF);
    store_relaxed(&h->deadline[0], OAK_FOREVER);
    store_relaxed(&h->deadline[1], OAK_FOREVER);
    list_init(&h->queue[0]);
    list_init(&h->queue[1]);
    int err = oak__poll_open(fd, writing, &h->pd);
    if (err) {
        oak__enter();
        oak__slab_free(table, h);
        oak__exit();
        return err;
    }
    store_relaxed(&h->magic, magic);
    *(struct oak__handle **)out = h;
    return 0;
}

void oak__handle_destroy(struct oak__handle *h)
{
    store_relaxed(&h->magic, 0);
    oak__poll_close(h->pd);
    (void)oak__os_close(h->fd);
    oak__enter();
    oak__slab_free(h->table, h);
    oak__exit();
}

int oak__handle_hold(struct oak__handle *h)
{
    uint64_t s = load_relaxed(&h->state);
    while (!(s & OAK__H_CLOSED))
        if (cas_seq(&h->state, &s, s + OAK__H_REF))
            return 0;
    return -EPIPE;
}

void oak__handle_drop(struct oak__handle *h)
{
    if (fetch_sub_seq(&h->state, OAK__H_REF) - OAK__H_REF < OAK__H_REF)
        oak__handle_destroy(h);
}

int oak__handle_addr(struct oak__handle *h, bool peer, char *buf, size_t size)
{
    struct oak__endpoint e = {.len = sizeof e.addr};
    int err = oak__handle_hold(h);
    if (err)
        return err;
    err = oak__os_sockname(h->fd, peer, &e.addr.sa, &e.len);
    oak__handle_drop(h);
    return err ? err : oak__format_addr(&e, buf, size);
}

/* ---- turns ---- */

static void clear_bits(struct oak__handle *h, uint64_t bits)
{
    uint64_t s = load_relaxed(&h->state);
    while (!cas_seq(&h->state, &s, s & ~bits))
        ;
}

/*
 * Takes the turn if it is free, else joins the queue: 0; -EPIPE; -EINPROGRESS: *w is queued and has a
 * reference. Under the lock.
 */
static int take_or_queue(struct oak__handle *h, int side, struct oak__g *g, struct oak__waiter **w)
{
    uint64_t s = load_relaxed(&h->state);
    for (;;) {
        if (s & OAK__H_CLOSED)
            return -EPIPE;
        bool taken = s & OAK__H_LOCK(side);
        uint64_t want = taken ? OAK__H_WANT(side) : OAK__H_LOCK(side);
        if (!cas_seq(&h->state, &s, (s | want) + OAK__H_REF))
            continue;
        if (!taken)
            return 0;
        *w = oak__wait_begin(g, OAK_WAIT_IO, h, oak__handle_deadline(h, side));
        list_push_back(&h->queue[side], &(*w)->link);
        return -EINPROGRESS;
    }
}

static void leave_queue(struct oak__handle *h, int side, struct oak__waiter *w)
{
    lock(&h->lock);
    if (list_linked(&w->link))
        list_remove(&w->link);
    if (list_empty(&h->queue[side]))
        clear_bits(h, OAK__H_WANT(side));
    unlock(&h->lock);
}

/* *queued: it was in the queue, so it has a reference, whatever the result. */
static int wait_for_turn(struct oak__handle *h, int side, bool *queued)
{
    struct oak__waiter *w = NULL;
    struct oak__g *g = oak__enter();
    int err = g ? oak__ctx_check(g) : -ENOMEM;
    if (!err) {
        lock(&h->lock);
        err = take_or_queue(h, side, g, &w);
        unlock(&h->lock);
    }
    if (w) {
        err = oak__wait_park(g);
        if (err)
            leave_queue(h, side, w);
    }
    *queued = w != NULL;
    oak__exit();
    return err;
}

int oak__handle_begin_slow(struct oak__handle *h, int side)
{
    if (side == OAK__POLL_HANGUP)
        return load_relaxed(&h->state) & OAK__H_CLOSED ? -EPIPE : -EBUSY;
    for (;;) {
        bool queued;
        int err = wait_for_turn(h, side, &queued);
        if (err && queued)
            oak__handle_drop(h);
        if (err != LOOK_AGAIN)
            return err;
    }
}

/* The first in the queue whose wait can still be claimed, off the queue; NULL. Under the lock. */
static struct oak__g *claim_next(struct oak__handle *h, int side)
{
    struct oak__link *l;
    struct oak__g *g = NULL;
    while (!g && (l = list_pop_front(&h->queue[side]))) {
        struct oak__waiter *w = container_of(l, struct oak__waiter, link);
        if (oak__wait_claim(w->g, w->ticket))
            g = w->g;
    }
    if (list_empty(&h->queue[side]))
        clear_bits(h, OAK__H_WANT(side));
    return g;
}

void oak__handle_end_slow(struct oak__handle *h, int side)
{
    oak__enter();
    lock(&h->lock);
    struct oak__g *next = claim_next(h, side);
    if (!next)
        clear_bits(h, OAK__H_LOCK(side));
    unlock(&h->lock);
    if (next) /* the turn goes over with the LOCK bit set */
        oak__wait_wake(next, 0);
    oak__exit();
    oak__handle_drop(h);
}

static void wake_queue(struct oak__handle *h, int side, int status)
{
    struct oak__g *g;
    while ((g = claim_next(h, side)))
        oak__wait_wake(g, status);
}

/* ---- what changes under a blocked operation ---- */

/*
 * The operation sets its LOCK bit and then reads the deadline; here the deadline is written and then the bits
 * are read. Both are sequentially consistent, so one of the two sees the other: nobody blocks by the old
 * deadline. Where no operation is at work nobody needs to be told, which is the usual case.
 */
void oak__handle_set_deadline(struct oak__handle *h, unsigned sides, int64_t t)
{
    if (t != OAK_FOREVER && t <= oak__os_now())
        t = 0; /* the coarse clock, which may lag, must see it as well */
    uint64_t busy = 0;
    for (int side = 0; side < 2; side++)
        if (sides & 1u << side) {
            store_seq(&h->deadline[side], t);
            busy |= OAK__H_LOCK(side);
        }
    if (sides & 1u << OAK__POLL_READ) {
        sides |= 1u << OAK__POLL_HANGUP;
        busy |= OAK__H_LOCK(OAK__POLL_HANGUP);
    }
    if (likely(!(load_seq(&h->state) & busy)))
        return;
    oak__enter();
    lock(&h->lock);
    for (int side = 0; side < 2; side++)
        if (sides & 1u << side)
            wake_queue(h, side, LOOK_AGAIN);
    unlock(&h->lock);
    oak__exit();
    oak__poll_nudge(h->pd, sides);
}

int oak__handle_close(struct oak__handle *h)
{
    uint64_t s = load_relaxed(&h->state);
    do
        if (s & OAK__H_CLOSED)
            return -EINVAL;
    while (!cas_seq(&h->state, &s, s | OAK__H_CLOSED));
    if (s >= 2 * OAK__H_REF) {
        oak__enter();
        lock(&h->lock);
        wake_queue(h, OAK__POLL_READ, -EPIPE);
        wake_queue(h, OAK__POLL_WRITE, -EPIPE);
        unlock(&h->lock);
        oak__exit();
        oak__poll_evict(h->pd);
    }
    oak__handle_drop(h);
    return 0;
}
