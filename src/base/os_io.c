/*
 * Bytes through descriptors. Sockets have calls of their own, which take MSG_NOSIGNAL and MSG_DONTWAIT: no
 * SIGPIPE, and no blocking even if a descriptor shared with another process was made blocking again.
 */
#include "base/os.h"

#include <signal.h>
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

ssize_t oak__os_recv(int fd, void *buf, size_t n, bool socket)
{
    return socket ? RETRY(recv(fd, buf, n, MSG_DONTWAIT)) : RETRY(read(fd, buf, n));
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
        return RETRY(send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT));
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
