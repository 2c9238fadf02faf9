/*
 * Waiting for a descriptor without reading or writing: a peer's hang-up, something to read, and descriptors of
 * other libraries.
 */
#include "net/conn.h"

#include <poll.h>
#include <sys/stat.h>

#include "sched/park.h"

/* ---- hang-up ---- */

/* 0: the peer has gone; 1: not yet, nothing is there to read; -EAGAIN: there is. */
static int hung_up(const struct oak__handle *h)
{
    if (h->socket) {
        ssize_t n = oak__os_peek(h->fd);
        return n == -EAGAIN ? 1 : n > 0 ? -EAGAIN : 0; /* an error means that it broke */
    }
    int events = oak__os_poll(h->fd, POLLIN);
    if (events > 0 && events & POLLIN)
        return -EAGAIN;
    return events == 0;
}

int oak_conn_wait_hangup(oak_conn *c)
{
    if (!oak__conn_ok(c))
        return -EINVAL;
    struct oak__handle *h = &c->h;
    int err = oak__may_block();
    if (!err)
        err = oak__handle_begin(h, OAK__POLL_HANGUP);
    if (err)
        return err;
    do {
        err = oak__handle_late(h, OAK__POLL_HANGUP);
        if (err)
            break;
        oak__poll_prepare(h->pd, OAK__POLL_HANGUP);
        err = hung_up(h);
    } while (err > 0 && (err = oak__poll_wait_fd(h->pd, 1u << OAK__POLL_HANGUP,
                                                 oak__handle_deadline(h, OAK__POLL_HANGUP))) == 0);
    oak__handle_end(h, OAK__POLL_HANGUP);
    return err;
}

/* ---- something to read ---- */

/* Whether a read would have to wait. What cannot be told, a read will tell. */
static bool nothing_yet(const struct oak__handle *h)
{
    return h->socket ? oak__os_peek(h->fd) == -EAGAIN : oak__os_poll(h->fd, POLLIN) == 0;
}

/*
 * At most one look before the wait, none after it: the read that follows looks anyway. A wait that was ended
 * by a new deadline is therefore a false alarm, unless the deadline has passed. Without a look (drained) an
 * old readiness must not be forgotten, as the look that would come after the forgetting is not made.
 */
static int wait_readable(struct oak__handle *h)
{
    int err = oak__handle_late(h, OAK__POLL_READ);
    if (err)
        return err;
    if (!h->drained) {
        oak__poll_prepare(h->pd, OAK__POLL_READ);
        if (!nothing_yet(h))
            return 0;
    }
    err = oak__poll_wait_fd(h->pd, 1u << OAK__POLL_READ, oak__handle_deadline(h, OAK__POLL_READ));
    if (err)
        return err;
    h->drained = false;
    return oak__handle_late(h, OAK__POLL_READ);
}

int oak_conn_wait_readable(oak_conn *c)
{
    if (!oak__conn_ok(c))
        return -EINVAL;
    struct oak__handle *h = &c->h;
    int err = oak__may_block();
    if (!err)
        err = oak__handle_begin(h, OAK__POLL_READ);
    if (err)
        return err;
    err = wait_readable(h);
    oak__handle_end(h, OAK__POLL_READ);
    return err;
}

/* ---- descriptors of others ---- */

/* Those of events that are; 0; negative errno. Trouble counts as both: the owner's next call will tell. */
static int events_now(int fd, int events)
{
    short want =
        (short)((events & OAK_READABLE ? POLLIN | POLLRDHUP : 0) | (events & OAK_WRITABLE ? POLLOUT : 0));
    int got = oak__os_poll(fd, want);
    if (got <= 0)
        return got;
    int trouble = got & (POLLHUP | POLLERR) ? events : 0;
    return trouble | (got & (POLLIN | POLLRDHUP) ? OAK_READABLE : 0) | (got & POLLOUT ? OAK_WRITABLE : 0);
}

/* poll(2) calls regular files and directories ready, which says nothing about the disk. */
static bool is_file(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static int wait_registered(struct oak__poll_fd *pd, int fd, int events, int64_t deadline)
{
    unsigned sides = (events & OAK_READABLE ? 1u << OAK__POLL_READ : 0) |
                     (events & OAK_WRITABLE ? 1u << OAK__POLL_WRITE : 0);
    for (;;) {
        int err = oak__poll_wait_fd(pd, sides, deadline);
        if (err)
            return err;
        int got = events_now(fd, events);
        if (got)
            return got;
    }
}

int oak_wait_fd(int fd, int events, int64_t limit)
{
    if (fd < 0 || events == 0 || events & ~(OAK_READABLE | OAK_WRITABLE))
        return -EINVAL;
    int err = oak__may_block();
    if (err)
        return err;
    if (is_file(fd))
        return -EPERM;
    int got = events_now(fd, events);
    if (got)
        return got;
    if (limit <= 0)
        return -ETIMEDOUT;
    int64_t deadline = oak__deadline_of(limit);
    /* A copy of the descriptor, because the same one may be registered already: by another goroutine in this
     * function, or by a connection. */
    int copy = oak__os_dup(fd);
    if (copy < 0)
        return copy;
    struct oak__poll_fd *pd;
    err = oak__poll_open(copy, events & OAK_WRITABLE, &pd);
    if (!err) {
        err = wait_registered(pd, copy, events, deadline);
        oak__poll_close(pd);
    }
    (void)oak__os_close(copy);
    return err;
}
