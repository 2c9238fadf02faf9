/*
 * Sockets that block the goroutine, not the thread: TCP and Unix stream sockets, name look-up, readiness of
 * any descriptor.
 *
 * Every operation ends when its deadline passes (-ETIMEDOUT), when the ambient context ends (-ECANCELED,
 * -ETIMEDOUT) or when the object is closed under it (-EPIPE: closed here). One goroutine may read while
 * another writes; two readers (or two writers) at a time take turns, first come, first served. From plain
 * threads the calls block the thread. SIGPIPE is never raised.
 *
 * Deadlines are points on the clock of oak_now(). A blocked operation ends at its deadline, and heeds one that
 * is changed meanwhile; one that need not block fails once its deadline has passed, which it may notice some
 * milliseconds late.
 *
 * A handle may be closed under the calls that are at work on it; no call may begin once close has. As far as it can
 * be told (until the memory is another connection's) that is -EINVAL, or -EPIPE while others are still at work; and
 * so are NULL and handles of another kind -EINVAL, here and wherever a pointer is needed. A peer that was killed is
 * -ECONNRESET or -EPIPE. -EFAULT: a buffer where there is no memory.
 */
#ifndef OAKUM_NET_H
#define OAKUM_NET_H

#include <oakum/base.h>
#include <sys/uio.h>

OAK__BEGIN

typedef struct oak_conn oak_conn;
typedef struct oak_listener oak_listener;

/*
 * network: "tcp", "tcp4", "tcp6" with address "host:port", or "unix" with a path ("@name": abstract). host is
 * a name or an address ("[::1]:80"; "[fe80::1%eth0]:80"); port is a number, 0 for any when listening. Without a
 * host (":80") a listener takes every address of the machine and oak_dial means the machine itself. All
 * descriptors are close-on-exec and non-blocking; TCP_NODELAY is set as in Go.
 */
/* 0 and *out; negative errno (-EADDRINUSE, -EACCES, -ENOENT: no such host, -EINVAL: a bad address; -EMFILE, -ENFILE: no
 * descriptor; -ENOMEM, -ENOBUFS; -ENOSPC: max_user_watches; -EAGAIN: no thread). */
OAK_API OAK_MUST_CHECK int oak_listen(const char *network, const char *address, oak_listener **out);
/* Blocks until a client comes. 0; -EPIPE once the listener is closed; -EMFILE, -ENFILE, -ENOMEM: try again
 * later. */
OAK_API OAK_MUST_CHECK int oak_accept(oak_listener *l, oak_conn **out);
/* "127.0.0.1:8080" or the path, NUL-terminated. Bytes needed without the NUL, as snprintf; negative errno. */
OAK_API int oak_listener_addr(const oak_listener *l, char *buf, size_t size);
/* Deadline of later and blocked accepts, a point on oak_now()'s clock; OAK_FOREVER: none. 0 or -EINVAL. */
OAK_API int oak_listener_set_deadline(oak_listener *l, int64_t t);
/* Closes it; blocked accepts return -EPIPE. The handle is freed when the last call on it has returned. The
 * path of a Unix socket is removed, as Go does. 0 or -EINVAL. */
OAK_API int oak_listener_close(oak_listener *l);

/* Connects. Blocks; tries each address of the host in turn. 0 and *out; negative errno (-ECONNREFUSED, -ENOENT, what
 * oak_listen says of scarce things, ...). */
OAK_API OAK_MUST_CHECK int oak_dial(const char *network, const char *address, oak_conn **out);
/* A connection around an existing socket, pipe or terminal descriptor, which it then owns. Makes it
 * non-blocking, also for other processes that share it. 0; -EINVAL (also: it is a connection's already),
 * -EBADF, -ENOMEM, -ENOSPC (max_user_watches), -EPERM (a regular file: not pollable). On error fd stays the caller's. */
OAK_API OAK_MUST_CHECK int oak_conn_from_fd(int fd, oak_conn **out);

/* At least one byte, into buf. Bytes read; 0: end of stream (or size 0); negative errno. -EINVAL: a size beyond
 * SSIZE_MAX. */
OAK_API OAK_MUST_CHECK ssize_t oak_read(oak_conn *c, void *buf, size_t size);
/* As oak_read, but never blocks: -EAGAIN when nothing is there, or another reader is at it. */
OAK_API OAK_MUST_CHECK ssize_t oak_try_read(oak_conn *c, void *buf, size_t size);
/* All of buf. size, or negative errno: then an unknown part may have been sent. */
OAK_API OAK_MUST_CHECK ssize_t oak_write(oak_conn *c, const void *buf, size_t size);
/* As above over n (1 to 1024, else -EINVAL) pieces. oak_writev writes all of them; iov is not changed. */
OAK_API OAK_MUST_CHECK ssize_t oak_readv(oak_conn *c, const struct iovec *iov, int n);
OAK_API OAK_MUST_CHECK ssize_t oak_writev(oak_conn *c, const struct iovec *iov, int n);

/* Deadlines of later and blocked operations, points on oak_now()'s clock; OAK_FOREVER: none; one in the past has
 * passed. 0 or -EINVAL. */
OAK_API int oak_conn_set_deadline(oak_conn *c, int64_t t);
OAK_API int oak_conn_set_read_deadline(oak_conn *c, int64_t t);
OAK_API int oak_conn_set_write_deadline(oak_conn *c, int64_t t);
/* Ends the writing side: the peer reads end of stream. 0 or negative errno. */
OAK_API int oak_conn_close_write(oak_conn *c);
/* Closes it; blocked operations return -EPIPE. The handle is freed when the last call on it has returned. 0
 * or -EINVAL. */
OAK_API int oak_conn_close(oak_conn *c);
/* The descriptor (still owned by c; -EINVAL), the two addresses (as oak_listener_addr). */
OAK_API int oak_conn_fd(const oak_conn *c);
OAK_API int oak_conn_local_addr(const oak_conn *c, char *buf, size_t size);
OAK_API int oak_conn_remote_addr(const oak_conn *c, char *buf, size_t size);
/*
 * Blocks until the peer has gone away (end of stream, reset) without reading data: 0; or until the deadline,
 * the context or close ends the wait (negative errno); -EAGAIN when unread data has arrived first, which
 * hides the end of stream. One waiter at a time: else -EBUSY. For request handlers that give up when nobody
 * listens any more.
 */
OAK_API OAK_MUST_CHECK int oak_conn_wait_hangup(oak_conn *c);
/*
 * Blocks until there is something to read (data, end of stream, an error): 0; or until the deadline, the
 * context or close ends the wait (negative errno). It takes its turn with the readers. For who wants to take a
 * buffer only when there is something to put into it; right after oak_try_read said -EAGAIN it costs no system
 * call. The read after it may still block: when another reader was faster, or when the deadline was changed
 * during the wait, which ends it.
 */
OAK_API OAK_MUST_CHECK int oak_conn_wait_readable(oak_conn *c);

enum { OAK_READABLE = 1, OAK_WRITABLE = 2 };
/*
 * Blocks until a descriptor of another library (a database's socket, an eventfd) is ready: the events that
 * are, or negative errno. fd stays the caller's and must stay open during the call. -EINVAL: no events, or others
 * than these two; a negative fd. -EBADF: not open. -EPERM: not pollable (a regular file). -EMFILE (it is registered
 * under a copy), -ENOMEM, -ENOSPC. limit is in nanoseconds; 0 or less: one look, then -ETIMEDOUT.
 */
OAK_API OAK_MUST_CHECK int oak_wait_fd(int fd, int events, int64_t limit);

/*
 * Looks a host name up (getaddrinfo(3) on a thread of its own stack: other goroutines go on). Writes up to
 * max numeric addresses of 46 bytes each. When the ambient context ends first it returns, and the resolver
 * finishes for nobody. How many, or -ENOENT (no such host), -EAGAIN (the resolver says try later), -EIO (the
 * resolver failed), -ENOMEM, -EINVAL (NULL, no name or one of more than 255 bytes, max below 1).
 */
OAK_API OAK_MUST_CHECK int oak_lookup_host(const char *host, char (*out)[46], int max);

/* ---- for liboakum-http; not for direct use ---- */

/* fd is an epoll set whose words stand in memory, too: the leak check need not ask the kernel for them. Off before it is closed. */
OAK_API void oak__own_set(int fd, bool on);

OAK__END

#endif
