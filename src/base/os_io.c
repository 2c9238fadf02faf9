/*
 * Bytes through descriptors. Sockets have calls of their own, which take MSG_NOSIGNAL and MSG_DONTWAIT: no
 * SIGPIPE, and no blocking even if a descriptor shared with another process was made blocking again.
 *
 * The two that each request of a server makes are made without libc's function, which brackets them with two atomic
 * operations to be a point of cancellation: nothing here survives that a thread is cancelled in it. The sanitizers want to see them.
 */
#include "base/os.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RETRY(call)                                                                                          \
    __extension__({                                                                                          \
        ssize_t n_;                                                                                          \
        do                                                                                                   \
            n_ = (call);                                                                                     \
        while (unlikely(n_ < 0) && errno == EINTR);                                                          \
        n_ < 0 ? -(ssize_t)errno : n_;                                                                       \
    })

static inline ssize_t receive(int fd, void *buf, size_t n)
{
    if (OAK_TSAN || OAK_ASAN)
        return recv(fd, buf, n, MSG_DONTWAIT);
    return syscall(SYS_recvfrom, fd, buf, n, MSG_DONTWAIT, NULL, NULL);
}

static inline ssize_t transmit(int fd, const void *buf, size_t n)
{
    if (OAK_TSAN || OAK_ASAN)
        return send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    return syscall(SYS_sendto, fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

ssize_t oak__os_recv(int fd, void *buf, size_t n, bool socket)
{
    return socket ? RETRY(receive(fd, buf, n)) : RETRY(read(fd, buf, n));
}

ssize_t oak__os_readv(int fd, const struct iovec *iov, int n, bool socket)
{
    if (!socket)
        return RETRY(readv(fd, iov, n));
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
    return RETRY(recvmsg(fd, &m, MSG_DONTWAIT));
}

ssize_t oak__os_peek(int fd)
{
    char byte;
    return RETRY(recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
}

/*
 * A write to a pipe has no flag against SIGPIPE, and its action belongs to the program. The signal goes to
 * the writing thread alone, so it is held back there, and taken off again if this write has raised it. One
 * that was pending before stays.
 */
static ssize_t pipe_writev(int fd, const struct iovec *iov, int n)
{
    sigset_t sigpipe, before, pending;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    sigpending(&pending);
    ssize_t done = RETRY(writev(fd, iov, n));
    if (done == -EPIPE && !sigismember(&pending, SIGPIPE)) {
        struct timespec now = {0, 0};
        while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

ssize_t oak__os_send(int fd, const void *buf, size_t n, bool socket)
{
    if (likely(socket))
        return RETRY(transmit(fd, buf, n));
    struct iovec one = {.iov_base = (void *)(uintptr_t)buf, .iov_len = n};
    return pipe_writev(fd, &one, 1);
}

ssize_t oak__os_writev(int fd, const struct iovec *iov, int n, bool socket)
{
    if (!socket)
        return pipe_writev(fd, iov, n);
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
    return RETRY(sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT));
}
