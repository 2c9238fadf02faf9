/*
 * Reading and writing: the system call first, the wait only at EAGAIN. Uncontended and with data there, an
 * operation is a look at the ambient context, two compare-and-swaps and one system call.
 */
#include "net/conn.h"
#include "stack/away.h"

#include <limits.h>

enum { MAX_PIECES = 1024, MAX_TRIES = 4 };

/* What comes before each try of a system call: 0, or the error that ends the operation. */
static inline int before_try(struct oak__handle *h, int side)
{
    int err = oak__handle_late(h, side);
    if (likely(!err))
        oak__poll_prepare(h->pd, side);
    return err;
}

static int wait_side(struct oak__handle *h, int side)
{
    return oak__poll_wait_fd(h->pd, 1u << side, oak__handle_deadline(h, side));
}

static int begin(oak_conn *c, int side)
{
    int err = oak__may_block();
    return likely(!err) ? oak__handle_begin(&c->h, side) : err;
}

/*
 * The system calls. In compact mode a buffer may lie on another goroutine's stack, which has been put away: to the kernel it is not
 * there. Then it is brought back and the call made again.
 */
static bool fetch(const struct iovec *iov, int n)
{
    bool back = false;
    for (int i = 0; i < n; i++)
        back |= oak__away_fetch(iov[i].iov_base);
    return back;
}

/*
 * Whether a read that was asked for `size` bytes and said n has left nothing. With TCP one that gives less than it was asked for
 * has stopped for one of three reasons: there is no more; urgent data; the end of the stream, which has come with the
 * data or before this read, so that no event of its own tells of it. The last two were told by the event that this read
 * follows, or will be by one that is still to be taken: poll_fd->odd. (Unix sockets stop between messages with descriptors as well.)
 */
static inline bool leaves_nothing(struct oak__handle *h, ssize_t n, size_t size)
{
    return n == -EAGAIN || (h->tcp && n > 0 && (size_t)n < size && !load_relaxed(&h->pd->odd));
}

static inline ssize_t receive(struct oak__handle *h, void *buf, size_t size)
{
    ssize_t n = oak__os_recv(h->fd, buf, size, h->socket);
    for (int i = 0; unlikely(n == -EFAULT) && i < MAX_TRIES && oak__away_fetch(buf); i++)
        n = oak__os_recv(h->fd, buf, size, h->socket);
    h->drained = leaves_nothing(h, n, size);
    return n;
}

static inline ssize_t send_some(const struct oak__handle *h, const void *buf, size_t size)
{
    ssize_t n = oak__os_send(h->fd, buf, size, h->socket);
    for (int i = 0; unlikely(n == -EFAULT) && i < MAX_TRIES && oak__away_fetch(buf); i++)
        n = oak__os_send(h->fd, buf, size, h->socket);
    return n;
}

static inline ssize_t receive_pieces(struct oak__handle *h, const struct iovec *iov, int count)
{
    ssize_t n = oak__os_readv(h->fd, iov, count, h->socket);
    for (int i = 0; unlikely(n == -EFAULT) && i < MAX_TRIES && fetch(iov, count); i++)
        n = oak__os_readv(h->fd, iov, count, h->socket);
    h->drained = n == -EAGAIN;
    return n;
}

static inline ssize_t send_pieces(const struct oak__handle *h, const struct iovec *iov, int count)
{
    ssize_t n = oak__os_writev(h->fd, iov, count, h->socket);
    for (int i = 0; unlikely(n == -EFAULT) && i < MAX_TRIES && fetch(iov, count); i++)
        n = oak__os_writev(h->fd, iov, count, h->socket);
    return n;
}

ssize_t oak_read(oak_conn *c, void *buf, size_t size)
{
    if (!oak__conn_ok(c) || (!buf && size) || size > SSIZE_MAX)
        return -EINVAL;
    struct oak__handle *h = &c->h;
    ssize_t n = begin(c, OAK__POLL_READ);
    if (n)
        return n;
    do {
        n = before_try(h, OAK__POLL_READ);
        if (!n && size)
            n = receive(h, buf, size);
    } while (n == -EAGAIN && (n = wait_side(h, OAK__POLL_READ)) == 0);
    oak__handle_end(h, OAK__POLL_READ);
    return n;
}

ssize_t oak_try_read(oak_conn *c, void *buf, size_t size)
{
    if (!oak__conn_ok(c) || (!buf && size) || size > SSIZE_MAX)
        return -EINVAL;
    struct oak__handle *h = &c->h;
    ssize_t n = oak__may_block();
    if (!n)
        n = oak__handle_try_begin(h, OAK__POLL_READ);
    if (n)
        return n;
    n = before_try(h, OAK__POLL_READ);
    if (!n && size)
        n = receive(h, buf, size);
    oak__handle_end(h, OAK__POLL_READ);
    return n;
}

/* The bytes of all pieces, or -EINVAL: no pieces, too many, or too many bytes for the result. */
static ssize_t total_of(const struct iovec *iov, int n)
{
    if (!iov || n < 1 || n > MAX_PIECES)
        return -EINVAL;
    size_t total = 0;
    for (int i = 0; i < n; i++)
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > SSIZE_MAX)
            return -EINVAL;
    return (ssize_t)total;
}

ssize_t oak_readv(oak_conn *c, const struct iovec *iov, int n)
{
    ssize_t total = total_of(iov, n);
    if (!oak__conn_ok(c) || total < 0)
        return -EINVAL;
    struct oak__handle *h = &c->h;
    ssize_t got = begin(c, OAK__POLL_READ);
    if (got)
        return got;
    do {
        got = before_try(h, OAK__POLL_READ);
        if (!got && total)
            got = receive_pieces(h, iov, n);
    } while (got == -EAGAIN && (got = wait_side(h, OAK__POLL_READ)) == 0);
    oak__handle_end(h, OAK__POLL_READ);
    return got;
}

/* Writes all of one piece. The turn is ours. 0 or negative errno. */
static int write_all(struct oak__handle *h, const char *buf, size_t size)
{
    while (size) {
        ssize_t n = before_try(h, OAK__POLL_WRITE);
        if (!n)
            n = send_some(h, buf, size);
        if (n == -EAGAIN)
            n = wait_side(h, OAK__POLL_WRITE);
        if (n < 0)
            return (int)n;
        buf += n;
        size -= (size_t)n;
    }
    return 0;
}

ssize_t oak_write(oak_conn *c, const void *buf, size_t size)
{
    if (!oak__conn_ok(c) || (!buf && size) || size > SSIZE_MAX)
        return -EINVAL;
    ssize_t err = begin(c, OAK__POLL_WRITE);
    if (err)
        return err;
    err = write_all(&c->h, buf, size);
    oak__handle_end(&c->h, OAK__POLL_WRITE);
    return err ? err : (ssize_t)size;
}

/*
 * Writes all pieces. The caller's array is not ours to change, so after a partial write the rest of the piece
 * that was cut goes out alone, and the pieces behind it from the array again.
 */
static int write_pieces(struct oak__handle *h, const struct iovec *iov, int n)
{
    for (;;) {
        while (n && iov->iov_len == 0)
            iov++, n--;
        if (!n)
            return 0;
        ssize_t done = before_try(h, OAK__POLL_WRITE);
        if (!done)
            done = send_pieces(h, iov, n);
        if (done == -EAGAIN)
            done = wait_side(h, OAK__POLL_WRITE);
        if (done < 0)
            return (int)done;
        for (; n && (size_t)done >= iov->iov_len; iov++, n--)
            done -= (ssize_t)iov->iov_len;
        if (done) {
            int err = write_all(h, (const char *)iov->iov_base + done, iov->iov_len - (size_t)done);
            if (err)
                return err;
            iov++, n--;
        }
    }
}

ssize_t oak_writev(oak_conn *c, const struct iovec *iov, int n)
{
    ssize_t total = total_of(iov, n);
    if (!oak__conn_ok(c) || total < 0)
        return -EINVAL;
    ssize_t err = begin(c, OAK__POLL_WRITE);
    if (err)
        return err;
    err = write_pieces(&c->h, iov, n);
    oak__handle_end(&c->h, OAK__POLL_WRITE);
    return err ? err : total;
}
