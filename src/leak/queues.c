#include "leak/queues.h"

#include "leak/raw.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* MOST_EMPTY: more empty messages than have room in a socket, for each takes some 800 of the bytes that it may hold. */
enum { MOST_QUEUES = 1 << 16, ROOM = 1 << 20, MOST_EMPTY = 4096 };

static long option(int fd, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    long rc = raw(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &size);
    return rc < 0 ? rc : value;
}

static void set_option(int fd, int name, int value)
{
    raw(SYS_setsockopt, fd, SOL_SOCKET, name, &value, sizeof value);
}

/* What this process may read words from. */
static enum oak__queue_kind kind_of(int fd)
{
    struct stat st;
    if (raw(SYS_fstat, fd, &st) < 0)
        return OAK__QUEUE_NONE;
    if (S_ISFIFO(st.st_mode)) {
        long flags = raw(SYS_fcntl, fd, F_GETFL);
        return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && !(flags & O_PATH) ? OAK__QUEUE_PIPE
                                                                                  : OAK__QUEUE_NONE;
    }
    if (!S_ISSOCK(st.st_mode) || option(fd, SO_DOMAIN) != AF_UNIX)
        return OAK__QUEUE_NONE;
    return option(fd, SO_TYPE) == SOCK_STREAM ? OAK__QUEUE_STREAM : OAK__QUEUE_MESSAGES;
}

bool oak__queues_note(struct oak__queues *q, int fd)
{
    const enum oak__queue_kind kind = kind_of(fd);
    if (kind == OAK__QUEUE_NONE)
        return true;
    if (q->n == MOST_QUEUES)
        return false;
    q->at[q->n++] = (struct oak__queue){fd, kind};
    return true;
}

int oak__queues_prepare(struct oak__queues *q, struct oak__scratch *s)
{
    *q = (struct oak__queues){.at = oak__scratch_alloc(s, MOST_QUEUES, sizeof *q->at),
                              .bytes = oak__scratch_alloc(s, ROOM, 1),
                              .in = -1,
                              .out = -1};
    return q->at && q->bytes ? 0 : -ENOMEM;
}

/* A pipe to copy into. As large as one may be: a few full ones are read by it, if the kernel has no more. */
static bool open_copy(struct oak__queues *q)
{
    int fd[2];
    if (q->in >= 0)
        return true;
    if (raw(SYS_pipe2, fd, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    q->out = fd[0];
    q->in = fd[1];
    raw(SYS_fcntl, q->in, F_SETPIPE_SZ, ROOM);
    return true;
}

void oak__queues_close(struct oak__queues *q)
{
    if (q->at && q->in >= 0) {
        raw_close(q->in);
        raw_close(q->out);
    }
    *q = (struct oak__queues){.in = -1, .out = -1};
}

typedef void take_fn(void *arg, const char *bytes, size_t n);

/* n bytes are in the pipe. */
static bool read_pipe(struct oak__queues *q, int fd, long n, take_fn *fn, void *arg)
{
    if (!open_copy(q))
        return false;
    long got = raw(SYS_tee, fd, q->in, ROOM, SPLICE_F_NONBLOCK), at = 0;
    while (at < got) {
        long part = raw_read(q->out, q->bytes + at, (size_t)(got - at));
        if (part <= 0)
            return false;
        at += part;
    }
    fn(arg, q->bytes, (size_t)at);
    return at >= n;
}

/* Nobody will send to it any more, or it will not receive. */
static bool has_ended(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    const struct timespec now = {0};
    return raw(SYS_ppoll, &p, 1, &now, NULL, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP));
}

/*
 * Where the kernel remembers how far it has peeked, the next part of the stream is seen, or one message after the other; also
 * empty ones. A connection that has ended gives nothing again and again. Where it does not remember (an emulator), only the
 * first is seen.
 */
static bool read_socket(struct oak__queues *q, const struct oak__queue *x, long n, take_fn *fn, void *arg)
{
    const bool stream = x->kind == OAK__QUEUE_STREAM;
    long got, sum = 0;
    int empty = 0;
    if (option(x->fd, SO_PEEK_OFF) != -1) /* the program's own */
        return false;
    set_option(x->fd, SO_PEEK_OFF, 0);
    const bool remembers = option(x->fd, SO_PEEK_OFF) == 0;
    do {
        got = raw(SYS_recvfrom, x->fd, q->bytes, ROOM, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
        if (got > 0)
            fn(arg, q->bytes, (size_t)got);
        sum += got > 0 ? got : 0;
        empty += got == 0;
    } while (remembers && (got > 0 || (got == 0 && !stream && empty < MOST_EMPTY)));
    set_option(x->fd, SO_PEEK_OFF, -1);
    return stream ? sum >= n : got == -EAGAIN || (remembers && got == 0 && has_ended(x->fd));
}

bool oak__queues_read(struct oak__queues *q, take_fn *fn, void *arg)
{
    bool all = true;
    for (size_t i = 0; i < q->n; i++) {
        const struct oak__queue *x = &q->at[i];
        int n = 0;
        if (raw(SYS_ioctl, x->fd, FIONREAD, &n) < 0 || (n == 0 && x->kind != OAK__QUEUE_MESSAGES))
            continue;
        all =
            (x->kind == OAK__QUEUE_PIPE ? read_pipe(q, x->fd, n, fn, arg) : read_socket(q, x, n, fn, arg)) &&
            all;
    }
    return all;
}
