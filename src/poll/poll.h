/*
 * The netpoller: descriptors that goroutines wait for, on one epoll, edge-triggered.
 *
 * The scheduler calls oak__poll_wait from one worker at a time (which may block in it) and now and then
 * without blocking from others and from the monitor. Everything else belongs to net/.
 *
 * Internal: sched and net may include it.
 */
#ifndef OAK_POLL_POLL_H
#define OAK_POLL_POLL_H

#include "base/lock.h"
#include "sched/g.h"

/* ---- for the scheduler ---- */

/* Makes the epoll and the break eventfd: 0 or negative errno. Called once by oak__start. */
int oak__poll_init(void);
/*
 * Waits up to limit ns (0: just looks; OAK_FOREVER) and returns the goroutines that became runnable, linked
 * through g->next (each one claimed and finished by oak__wait_finish; the caller queues them). *broken tells
 * that oak__poll_break ended the wait; a mere look never takes that from the one who blocks.
 */
struct oak__g *oak__poll_wait(int64_t limit, bool *broken);
/* Makes a blocked oak__poll_wait, or the next one that would block, return. Any thread. */
void oak__poll_break(void);
/* Whether any descriptor is registered at all. */
bool oak__poll_any(void);

/* ---- for leak: sets.c ---- */

/* fd is an epoll set of the library's own: what the kernel keeps in it is known otherwise. */
bool oak__poll_is_own_set(int fd);

/* ---- for net ---- */

/* What can be waited for: each has room for one waiter. HANGUP is a second reader who only wants to know
 * whether anything has happened on the reading side. */
enum { OAK__POLL_READ, OAK__POLL_WRITE, OAK__POLL_HANGUP, OAK__POLL_SIDES };

/* One registered descriptor: see poll.c. */
struct oak__poll_fd {
    _Atomic uint32_t ready[OAK__POLL_SIDES];     /* an event came while nobody waited */
    oak__lock lock;                              /* covers what follows */
    struct oak__waiter *waiter[OAK__POLL_SIDES]; /* NULL: nobody */
    int fd;
    uint16_t generation; /* of this descriptor among those that have used this memory */
    bool writing;        /* registered for EPOLLOUT as well */
    bool evicted;        /* every wait ends with -EPIPE */
    /* An event told of the peer's end, an error or urgent data: what a read says is then not the whole story. Never taken back. */
    _Atomic bool odd;
    struct oak__poll_fd *next_free;
};

/*
 * Registers fd (non-blocking) for edge-triggered events. Writing: also for writability at once; else that
 * comes with the first wait for it, so that a connection that never fills its buffer costs no event. 0 and
 * *out; -EPERM (not pollable), -EEXIST, -EBADF, -ENOMEM, -ENOSPC. Starts the runtime, which delivers the
 * events: also -EAGAIN. Not entered.
 */
int oak__poll_open(int fd, bool writing, struct oak__poll_fd **out);
/* Ends the waits on it, now and later, with -EPIPE. Not entered. */
void oak__poll_evict(struct oak__poll_fd *pd);
/* Deregisters, before close(2) of fd. Nobody waits, nobody will. Not entered. */
void oak__poll_close(struct oak__poll_fd *pd);
/*
 * Parks the caller until one of the sides (a mask, 1 << side) may be ready, the deadline (absolute) passes,
 * the context ends or the descriptor is evicted: 0, -ETIMEDOUT, -ECANCELED, -EPIPE; -EBUSY when another waits
 * on a side; -ENOMEM. 0 may be a false alarm: try the system call again. Not entered.
 */
int oak__poll_wait_fd(struct oak__poll_fd *pd, unsigned sides, int64_t deadline);
/* Makes the present or next wait on these sides return 0, so that it looks anew at what it waits for. Not
 * entered. */
void oak__poll_nudge(struct oak__poll_fd *pd, unsigned sides);

/*
 * Before a system call that may say EAGAIN: forgets an old readiness, which would only cause a second try.
 * The swap orders it before the call: what becomes ready later than this is either seen by the call or
 * remembered.
 */
static inline void oak__poll_prepare(struct oak__poll_fd *pd, int side)
{
    if (unlikely(load_relaxed(&pd->ready[side])))
        swap_seq(&pd->ready[side], 0);
}

#endif
