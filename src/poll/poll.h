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

#include "sched/g.h"

/* ---- for the scheduler ---- */

/* Makes the epoll and the break eventfd: 0 or negative errno. Called once by oak__start. */
int oak__poll_init(void);
/* Waits up to limit ns (0: just looks; OAK_FOREVER) and returns the goroutines that became runnable, linked
 * through g->next (each one claimed and finished by oak__wait_finish; the caller queues them). *broken tells
 * that oak__poll_break ended the wait. */
struct oak__g *oak__poll_wait(int64_t limit, bool *broken);
/* Makes a blocked oak__poll_wait return. Any thread. */
void oak__poll_break(void);
/* Whether any descriptor is registered at all. */
bool oak__poll_any(void);

/* ---- for net ---- */

enum { OAK__POLL_READ = 0, OAK__POLL_WRITE = 1 };

/* One registered descriptor. From a slab: type-stable; generation in the epoll data tells late events of a
 * closed one. */
struct oak__poll_fd;

/* Registers fd (non-blocking) for edge-triggered events. 0 and *out; -EPERM (not pollable), -ENOMEM, ... */
int oak__poll_open(int fd, struct oak__poll_fd **out);
/* Deregisters: blocked waits return -EPIPE. Before close(2) of fd. The handle is free afterwards. */
void oak__poll_close(struct oak__poll_fd *pd);
/* Before a system call that may say EAGAIN: forgets an old readiness in that direction. */
void oak__poll_prepare(struct oak__poll_fd *pd, int direction);
/* Parks the caller until the direction may be ready, the deadline (absolute) passes, the context ends or the
 * fd is closed: 0, -ETIMEDOUT, -ECANCELED, -EPIPE; -EBUSY when another waits in that direction. Not entered.
 */
int oak__poll_wait_fd(struct oak__poll_fd *pd, int direction, int64_t deadline);

#endif
