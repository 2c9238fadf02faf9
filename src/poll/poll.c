/*
 * Waiting for descriptors.
 *
 * Who waits tries the system call first and comes here at EAGAIN. Events are edge-triggered: the kernel tells
 * of a change once, perhaps at a moment when nobody waits. So each side of a descriptor has a flag and a
 * place:
 *
 *                   an event comes                 a goroutine comes to wait
 *      empty        ready = 1                      waiter = it, parks
 *      ready        -                              ready = 0, returns at once (and tries its call again)
 *      waiter       waiter = none, claims, wakes   -EBUSY
 *
 * The changes are made under the descriptor's lock; only the forgetting of an old `ready` (oak__poll_prepare)
 * is done without. No wake-up is lost: the data that an event tells of were there before the event, so either
 * the try before the wait saw them, or the event comes after the try and finds the waiter or sets the flag
 * that the waiter will see. A wake-up too many does no harm: the caller's loop tries again.
 *
 * The waiter in its place is the goroutine's own (sched/park.h). It stays valid while it is there, because
 * its owner takes it out under the lock before it goes on; whoever takes it out claims its wait by ticket,
 * and loses against a time limit or a cancellation that was faster. models/poll.pml.
 *
 * Memory of struct oak__poll_fd is never put to another use. An event that was fetched before its descriptor
 * was closed, and is looked at afterwards, therefore meets a valid lock, and is told apart by the generation
 * that travels in the event beside the address.
 */
#include "poll/poll.h"
#include "base/os.h"
#include "base/slab.h"
#include "sched/park.h"
#include "sched/sched.h"

#include <oakum/net.h>
#include <unistd.h>

enum { BATCH = 128 };

static int epoll_fd = -1;
static int break_fd = -1;
static _Atomic uint32_t breaking; /* a break is under way: no second write is needed */
static _Atomic uint32_t registered;

static struct oak__slab table = OAK__SLAB("poll descriptor", struct oak__poll_fd);
static struct {
    oak__lock lock;
    struct oak__poll_fd *list;
} spare;

/* ---- registering ---- */

static uint64_t event_data(const struct oak__poll_fd *pd)
{
    return (uint64_t)(uintptr_t)pd | (uint64_t)pd->generation << 48;
}

static uint32_t interest(const struct oak__poll_fd *pd)
{
    return EPOLLET | EPOLLIN | EPOLLPRI | EPOLLRDHUP | (pd->writing ? EPOLLOUT : 0);
}

static struct oak__poll_fd *take_spare(void)
{
    lock(&spare.lock);
    struct oak__poll_fd *pd = spare.list;
    if (pd)
        spare.list = pd->next_free;
    unlock(&spare.lock);
    return pd ? pd : oak__slab_alloc(&table);
}

static void put_spare(struct oak__poll_fd *pd)
{
    lock(&spare.lock);
    pd->next_free = spare.list;
    spare.list = pd;
    unlock(&spare.lock);
}

static int register_fd(int fd, bool writing, struct oak__poll_fd **out)
{
    struct oak__poll_fd *pd = take_spare();
    if (!pd)
        return -ENOMEM;
    lock(&pd->lock);
    pd->fd = fd;
    pd->writing = writing;
    pd->evicted = false;
    store_relaxed(&pd->odd, false);
    for (int side = 0; side < OAK__POLL_SIDES; side++)
        store_relaxed(&pd->ready[side], 0);
    unlock(&pd->lock);
    fetch_add_relaxed(&registered, 1);
    int err = oak__os_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, interest(pd), event_data(pd));
    if (err) {
        fetch_sub_release(&registered, 1);
        put_spare(pd);
        return err;
    }
    *out = pd;
    return 0;
}

int oak__poll_open(int fd, bool writing, struct oak__poll_fd **out)
{
    int err = oak__start();
    if (err)
        return err;
    oak__enter();
    err = register_fd(fd, writing, out);
    oak__exit();
    return err;
}

void oak__poll_close(struct oak__poll_fd *pd)
{
    oak__enter();
    (void)oak__os_epoll_ctl(epoll_fd, EPOLL_CTL_DEL, pd->fd, 0, 0);
    fetch_sub_release(&registered, 1);
    lock(&pd->lock);
    pd->generation++;
    unlock(&pd->lock);
    put_spare(pd);
    oak__exit();
}

bool oak__poll_any(void)
{
    return load_relaxed(&registered) != 0;
}

/* ---- the event's side ---- */

/*
 * Takes the waiter out of one side and claims it: the goroutine to be finished with a status, or NULL.
 * Without a waiter, or when it was claimed by another, the readiness is kept. Under the lock.
 */
static struct oak__g *take_waiter(struct oak__poll_fd *pd, int side)
{
    struct oak__waiter *w = pd->waiter[side];
    pd->waiter[side] = NULL;
    if (w && oak__wait_claim(w->g, w->ticket))
        return w->g;
    store_seq(&pd->ready[side], 1);
    return NULL;
}

static unsigned sides_of(uint32_t events)
{
    unsigned sides = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        sides |= 1u << OAK__POLL_READ | 1u << OAK__POLL_HANGUP;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        sides |= 1u << OAK__POLL_WRITE;
    return sides;
}

/* Puts those whom the event wakes in front of list. */
static struct oak__g *deliver(const struct epoll_event *ev, struct oak__g *list)
{
    struct oak__poll_fd *pd = (struct oak__poll_fd *)(uintptr_t)(ev->data.u64 & (((uint64_t)1 << 48) - 1));
    unsigned sides = sides_of(ev->events);
    lock(&pd->lock);
    bool current = pd->generation == ev->data.u64 >> 48;
    /* Before the waiter or the flag learns of the event. */
    if (unlikely(ev->events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) && current)
        store_relaxed(&pd->odd, true);
    for (int side = 0; side < OAK__POLL_SIDES && current; side++) {
        struct oak__g *g = sides & 1u << side ? take_waiter(pd, side) : NULL;
        if (g && oak__wait_finish(g, 0)) {
            store_relaxed(&g->next, list);
            list = g;
        }
    }
    unlock(&pd->lock);
    return list;
}

struct oak__g *oak__poll_wait(int64_t limit, bool *broken)
{
    struct epoll_event ev[BATCH];
    struct oak__g *list = NULL;
    *broken = false;
    int n = oak__os_epoll_wait(epoll_fd, ev, BATCH, limit);
    for (int i = 0; i < n; i++)
        if (ev[i].data.u64)
            list = deliver(&ev[i], list);
        else
            *broken = limit != 0;
    if (*broken) {
        uint64_t count;
        (void)!read(break_fd, &count, sizeof count);
        /* Whoever finds it still set has published what he wants seen before; we look after this. */
        store_seq(&breaking, 0);
    }
    return list;
}

/* ---- the waiter's side ---- */

/* What there is to do before the wait: 1: wait; 0 or an error: return that. Under the lock. */
static int look(struct oak__poll_fd *pd, unsigned sides)
{
    if (pd->evicted)
        return -EPIPE;
    for (int side = 0; side < OAK__POLL_SIDES; side++)
        if (sides & 1u << side) {
            if (pd->waiter[side])
                return -EBUSY;
            if (swap_seq(&pd->ready[side], 0))
                return 0;
        }
    if (sides & 1u << OAK__POLL_WRITE && !pd->writing) {
        pd->writing = true;
        int err = oak__os_epoll_ctl(epoll_fd, EPOLL_CTL_MOD, pd->fd, interest(pd), event_data(pd));
        if (err) {
            pd->writing = false;
            return err;
        }
    }
    return 1;
}

static void place(struct oak__poll_fd *pd, unsigned sides, struct oak__waiter *w)
{
    for (int side = 0; side < OAK__POLL_SIDES; side++)
        if (sides & 1u << side)
            pd->waiter[side] = w;
}

/* Takes w out where nobody else has. */
static void withdraw(struct oak__poll_fd *pd, const struct oak__waiter *w)
{
    lock(&pd->lock);
    for (int side = 0; side < OAK__POLL_SIDES; side++)
        if (pd->waiter[side] == w)
            pd->waiter[side] = NULL;
    unlock(&pd->lock);
}

int oak__poll_wait_fd(struct oak__poll_fd *pd, unsigned sides, int64_t deadline)
{
    struct oak__g *g = oak__enter();
    int err = g ? oak__ctx_check(g) : -ENOMEM;
    if (!err) {
        lock(&pd->lock);
        err = look(pd, sides);
        struct oak__waiter *w = NULL;
        if (err > 0) {
            w = oak__wait_begin(g, OAK_WAIT_IO, pd, deadline);
            place(pd, sides, w);
        }
        unlock(&pd->lock);
        if (w) {
            err = oak__wait_park(g);
            /* With one side, who woke it with 0 has taken it out. */
            if (err || (sides & (sides - 1)))
                withdraw(pd, w);
        }
    }
    oak__exit();
    return err;
}

static void wake_sides(struct oak__poll_fd *pd, unsigned sides, int status)
{
    for (int side = 0; side < OAK__POLL_SIDES; side++) {
        struct oak__g *g = sides & 1u << side ? take_waiter(pd, side) : NULL;
        if (g)
            oak__wait_wake(g, status);
    }
}

void oak__poll_nudge(struct oak__poll_fd *pd, unsigned sides)
{
    oak__enter();
    lock(&pd->lock);
    wake_sides(pd, sides, 0);
    unlock(&pd->lock);
    oak__exit();
}

void oak__poll_evict(struct oak__poll_fd *pd)
{
    oak__enter();
    lock(&pd->lock);
    pd->evicted = true;
    wake_sides(pd, ~0u, -EPIPE);
    unlock(&pd->lock);
    oak__exit();
}

/* ---- starting and breaking ---- */

int oak__poll_init(void)
{
    int ep = oak__os_epoll_create();
    if (ep < 0)
        return ep;
    int ev = oak__os_eventfd();
    /* Level-triggered and with no descriptor's address: who only looks leaves it to the one who blocks. */
    int err = ev < 0 ? ev : oak__os_epoll_ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN, 0);
    if (err) {
        if (ev >= 0)
            (void)oak__os_close(ev);
        (void)oak__os_close(ep);
        return err;
    }
    epoll_fd = ep;
    break_fd = ev;
    oak__own_set(ep, true);
    return 0;
}

void oak__poll_break(void)
{
    uint32_t no = 0;
    uint64_t one = 1;
    if (cas_seq(&breaking, &no, 1))
        (void)!write(break_fd, &one, sizeof one);
}
