/*
 * What connections and listeners have in common: a descriptor that several goroutines use and one closes.
 *
 * One word says everything that an operation has to know before its system call, so that an uncontended one
 * costs a compare-and-swap before and one after:
 *
 *      CLOSED      oak_*_close was called: nothing new begins
 *      LOCK side   an operation is at work on that side: others wait for their turn
 *      WANT side   and there are such others, in queue[side] (under lock)
 *      references  one of the owner until it closes, one for each operation at work or waiting for its turn
 *
 * The descriptor itself is closed when the last reference goes, never under an operation's feet: otherwise
 * the number could be another file's by the time the system call is made. Handles are in a typed table, so a
 * handle used after its end is told by its magic number (until the memory is used again).
 *
 * Internal to src/net.
 */
#ifndef OAK_NET_HANDLE_H
#define OAK_NET_HANDLE_H

#include "base/os.h"
#include "base/slab.h"
#include "poll/poll.h"
#include "sched/sched.h"

#define OAK__CONN_MAGIC     0x6f616b43u
#define OAK__LISTENER_MAGIC 0x6f616b4cu

#define OAK__H_CLOSED     ((uint64_t)1)
#define OAK__H_LOCK(side) ((uint64_t)2 << (side))
#define OAK__H_WANT(side) ((uint64_t)16 << (side))
#define OAK__H_REF        ((uint64_t)128)

struct oak__handle {
    _Atomic uint32_t magic;
    int fd;
    bool socket; /* else a pipe or another pollable file */
    bool tcp;
    /* The last system call on the reading side found nothing, or left nothing, and no event was taken since: what
     * comes after it will be told by one. Belongs to who has that side's turn. */
    bool drained;
    _Atomic uint64_t state;
    struct oak__poll_fd *pd;
    _Atomic int64_t deadline[2]; /* of OAK__POLL_READ and OAK__POLL_WRITE; OAK_FOREVER; has passed: 0 */
    oak__lock lock;
    struct oak__link queue[2]; /* waiters for their turn */
    struct oak__slab *table;   /* where it came from */
};

/* Makes the handle for fd, which it then owns. writing: see oak__poll_open. 0 and *out or negative errno. */
int oak__handle_new(struct oak__slab *table, uint32_t magic, int fd, bool socket, bool writing, void *out);
/* 0, or -EINVAL when it is closed already. Blocked operations end with -EPIPE. */
int oak__handle_close(struct oak__handle *h);
/* Sets the deadlines of the sides in a mask (1 << side); blocked operations heed the new ones. */
void oak__handle_set_deadline(struct oak__handle *h, unsigned sides, int64_t t);

/* The address of either end as text; as snprintf, or negative errno. */
int oak__handle_addr(struct oak__handle *h, bool peer, char *buf, size_t size);

int oak__handle_begin_slow(struct oak__handle *h, int side);
void oak__handle_end_slow(struct oak__handle *h, int side);
void oak__handle_destroy(struct oak__handle *h);

static inline bool oak__handle_is(const struct oak__handle *h, uint32_t magic)
{
    return h && load_relaxed(&((struct oak__handle *)(uintptr_t)h)->magic) == magic;
}

/* Takes a side's turn and a reference: 0; -EPIPE (closed); -EAGAIN (another has it). */
static inline int oak__handle_try_begin(struct oak__handle *h, int side)
{
    uint64_t s = load_relaxed(&h->state);
    while (likely(!(s & (OAK__H_CLOSED | OAK__H_LOCK(side)))))
        if (likely(cas_seq(&h->state, &s, (s | OAK__H_LOCK(side)) + OAK__H_REF)))
            return 0;
    return s & OAK__H_CLOSED ? -EPIPE : -EAGAIN;
}

/* The same, waiting for the turn: 0; -EPIPE, or what ended the wait.
 * OAK__POLL_HANGUP does not queue: -EBUSY. */
static inline int oak__handle_begin(struct oak__handle *h, int side)
{
    if (likely(oak__handle_try_begin(h, side) == 0))
        return 0;
    return oak__handle_begin_slow(h, side);
}

/* Gives the turn on and the reference back. */
static inline void oak__handle_end(struct oak__handle *h, int side)
{
    uint64_t s = load_relaxed(&h->state);
    while (likely(!(s & OAK__H_WANT(side)))) {
        uint64_t after = (s & ~OAK__H_LOCK(side)) - OAK__H_REF;
        if (likely(cas_seq(&h->state, &s, after))) {
            if (unlikely(after < OAK__H_REF))
                oak__handle_destroy(h);
            return;
        }
    }
    oak__handle_end_slow(h, side);
}

/* A reference alone, for what needs no turn: 0 or -EPIPE. */
int oak__handle_hold(struct oak__handle *h);
void oak__handle_drop(struct oak__handle *h);

/* The deadline of the operation on that side; OAK_FOREVER. */
static inline int64_t oak__handle_deadline(struct oak__handle *h, int side)
{
    /* After the LOCK bit was set, see oak__handle_set_deadline. */
    return load_seq(&h->deadline[side == OAK__POLL_WRITE]);
}

/* What ends an operation before its system call: 0, or -ETIMEDOUT when the deadline has passed (by the coarse
 * clock: it is the wait that is exact). */
static inline int oak__handle_late(struct oak__handle *h, int side)
{
    int64_t t = oak__handle_deadline(h, side);
    return likely(t == OAK_FOREVER) || t > oak__coarse_now() ? 0 : -ETIMEDOUT;
}

#endif
