/*
 * What a channel is. Internal: sync and leak may include it.
 *
 * Everything is covered by the channel's lock, taken entered (sched/sched.h) and by chan_lock.h. Invariants, whenever
 * the lock is free:
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

enum { OAK__CHAN_MAGIC = 0x6f616b63 /* "oakc" */ };

struct oak__chan {
    uint32_t magic; /* cleared when freed: tells a wrong handle, as well as that can be told */
    oak__lock lock;
    struct oak__p *_Atomic owner; /* the P that works on it without the lock: chan_lock.h */
    struct oak__link receivers;   /* oldest first */
    struct oak__link senders;
    _Atomic size_t count; /* buffered; written under the lock, read by len */
    size_t cap;
    size_t elem_size;
    size_t head; /* index of the oldest element */
    _Atomic bool closed;
    /* Under the lock, for chan_lock.c: */
    uint8_t disowned; /* how often, up to some number */
    uint16_t last;    /* the P that took the lock last: its index + 1; 0: none */
    uint32_t streak;  /* how often in a row it did */
    const void *made_at;
    char buf[] __attribute__((aligned(16)));
};

static inline bool oak__chan_ok(const struct oak__chan *c)
{
    uint32_t magic; /* what is no channel may not be aligned like one */
    __builtin_memcpy(&magic, (const char *)c + offsetof(struct oak__chan, magic), sizeof magic);
    return magic == OAK__CHAN_MAGIC;
}

/* oak__chan_close and oak__chan_free for those who have entered: contexts. */
int oak__chan_close_entered(struct oak__chan *c);
int oak__chan_free_entered(struct oak__chan *c);

#endif
