/*
 * Values that move through a channel, by whoever has it to himself: under its lock, or in a section of its owner
 * (chan_lock.h).
 *
 * Internal to sync.
 */
#ifndef OAK_SYNC_CHAN_MOVE_H
#define OAK_SYNC_CHAN_MOVE_H

#include "sched/inline.h"
#include "sync/chan_lock.h"

#include <string.h>

/* Set in waiter->data of a receiver that was woken because the channel closed. */
enum { OAK__WAITER_CLOSED = 1 << 30 };

/* How the caller has the channel to himself. */
enum chan_hold { CHAN_LOCKED, CHAN_INSIDE };

static inline void chan_copy(void *to, const void *from, size_t n)
{
    if (n == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else if (n == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else
        memcpy(to, from, n);
}

static inline void chan_zero(void *at, size_t n)
{
    if (n == sizeof(uint64_t))
        memset(at, 0, sizeof(uint64_t));
    else if (n == sizeof(uint32_t))
        memset(at, 0, sizeof(uint32_t));
    else
        memset(at, 0, n);
}

static inline char *chan_slot(struct oak__chan *c, size_t i)
{
    return c->buf + i * c->elem_size;
}

/* Where the next value goes. */
static inline size_t chan_tail(const struct oak__chan *c)
{
    size_t i = c->head + load_relaxed(&c->count);
    return i < c->cap ? i : i - c->cap;
}

static inline void chan_put(struct oak__chan *c, const void *v)
{
    chan_copy(chan_slot(c, chan_tail(c)), v, c->elem_size);
    store_relaxed(&c->count, load_relaxed(&c->count) + 1);
}

/* The slot is zeroed: a value that was taken is no reference any more (the leak proof reads buffers). */
static inline void chan_take(struct oak__chan *c, void *out)
{
    char *s = chan_slot(c, c->head);
    if (out)
        chan_copy(out, s, c->elem_size);
    chan_zero(s, c->elem_size);
    c->head = c->head + 1 == c->cap ? 0 : c->head + 1;
    store_relaxed(&c->count, load_relaxed(&c->count) - 1);
}

/* From a full buffer the oldest, and v into its place, where the newest belongs. The count stays the same at any moment: who
 * looks at it alone (chan.c: would_wait) must never see an empty channel that was not. */
static inline void chan_swap(struct oak__chan *c, void *out, const void *v)
{
    char *s = chan_slot(c, c->head);
    if (out)
        chan_copy(out, s, c->elem_size);
    chan_copy(s, v, c->elem_size);
    c->head = c->head + 1 == c->cap ? 0 : c->head + 1;
}

/* The oldest waiter that nobody else has claimed, now ours and off the queue; NULL. */
ALWAYS_INLINE struct oak__waiter *chan_claim_first(struct oak__link *queue, enum chan_hold hold)
{
    struct oak__link *l;
    while ((l = list_pop_front(queue))) {
        struct oak__waiter *w = container_of(l, struct oak__waiter, link);
        if (hold == CHAN_INSIDE && likely(oak__wait_claim_inside(w)))
            return w;
        if (oak__wait_claim_inline(w->g, w->ticket))
            return w;
    }
    return NULL;
}

/*
 * One try. 0: it happened, and *wake is the goroutine to wake afterwards with oak__wait_wake(*wake, *status), or NULL;
 * -EPIPE: closed (receive: and drained; out is zeroed); -EAGAIN: it would have to wait.
 */
ALWAYS_INLINE int chan_send(struct oak__chan *c, const void *v, enum chan_hold hold, struct oak__g **wake,
                            int *status)
{
    *wake = NULL;
    if (unlikely(load_relaxed(&c->closed)))
        return -EPIPE;
    if (!list_empty(&c->receivers)) {
        struct oak__waiter *w = chan_claim_first(&c->receivers, hold);
        if (likely(w != NULL)) {
            if (w->elem)
                chan_copy(w->elem, v, c->elem_size);
            *wake = w->g;
            *status = (int)w->data;
            return 0;
        }
    }
    if (load_relaxed(&c->count) == c->cap)
        return -EAGAIN;
    chan_put(c, v);
    return 0;
}

ALWAYS_INLINE int chan_recv(struct oak__chan *c, void *out, enum chan_hold hold, struct oak__g **wake,
                            int *status)
{
    *wake = NULL;
    struct oak__waiter *w = list_empty(&c->senders) ? NULL : chan_claim_first(&c->senders, hold);
    bool buffered = load_relaxed(&c->count) != 0;
    if (w) {
        if (buffered)
            chan_swap(c, out, w->elem);
        else if (out)
            chan_copy(out, w->elem, c->elem_size);
        *wake = w->g;
        *status = (int)w->data;
        return 0;
    }
    if (buffered) {
        chan_take(c, out);
        return 0;
    }
    if (!load_relaxed(&c->closed))
        return -EAGAIN;
    if (out)
        chan_zero(out, c->elem_size);
    return -EPIPE;
}

ALWAYS_INLINE int chan_move(struct oak__chan *c, bool sending, void *elem, enum chan_hold hold,
                            struct oak__g **wake, int *status)
{
    return sending ? chan_send(c, elem, hold, wake, status) : chan_recv(c, elem, hold, wake, status);
}

#endif
