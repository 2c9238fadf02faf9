/*
 * What a channel is. Internal: sync and leak may include it.
 *
 * Everything is covered by the channel's lock, taken entered (sched/sched.h). Invariants, whenever the lock
 * is free:
 *   - senders wait only while the buffer is full, receivers only while it is empty (a waiter that somebody
 * else has claimed may still be queued; it counts as gone);
 *   - a closed channel has no waiters.
 * A value moves under the lock, from a claimed waiter or to one: so it is never lost or doubled when a cancel
 * races with the hand-over; whoever wins the claim decides (sched/park.h).
 */
#ifndef OAK_SYNC_CHAN_H
#define OAK_SYNC_CHAN_H

#include "base/list.h"
#include "base/lock.h"
#include "sched/g.h"

#include <oakum/chan.h>

#include <string.h>

enum { OAK__CHAN_MAGIC = 0x6f616b63 /* "oakc" */ };

struct oak__chan {
    uint32_t magic; /* cleared when freed: tells a wrong handle, as well as that can be told */
    oak__lock lock;
    size_t elem_size;
    size_t cap;
    _Atomic size_t count; /* buffered; written under the lock, read by len */
    size_t head;          /* index of the oldest element */
    _Atomic bool closed;
    struct oak__link senders; /* oldest first */
    struct oak__link receivers;
    const void *made_at;
    char buf[] __attribute__((aligned(16)));
};

/* Set in waiter->data of a receiver that was woken because the channel closed. */
enum { OAK__WAITER_CLOSED = 1 << 30 };

static inline bool oak__chan_ok(const struct oak__chan *c)
{
    return c->magic == OAK__CHAN_MAGIC;
}

/*
 * One try, under the lock. 0: it happened, and *wake is the goroutine to wake afterwards with
 * oak__wait_wake(*wake, *status), or NULL; -EPIPE: closed (receive: and drained; out is zeroed); -EAGAIN: it
 * would have to wait.
 */
int oak__chan_send_locked(struct oak__chan *c, const void *v, struct oak__g **wake, int *status);
int oak__chan_recv_locked(struct oak__chan *c, void *out, struct oak__g **wake, int *status);

/* oak__chan_close and oak__chan_free for those who have entered: contexts. */
int oak__chan_close_entered(struct oak__chan *c);
int oak__chan_free_entered(struct oak__chan *c);

#endif
