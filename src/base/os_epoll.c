/* epoll, eventfd and what else concerns descriptors as such. */
#include "base/os.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int oak__os_close(int fd)
{
    /* Not retried at EINTR: Linux has released the descriptor by then, and it may be another's already. */
    return close(fd) && errno != EINTR ? -errno : 0;
}

int oak__os_epoll_create(void)
{
    int err = oak__fault_hit(OAK__FAULT_EPOLL);
    if (err)
        return err;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int oak__os_epoll_ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    int err = op == EPOLL_CTL_ADD ? oak__fault_hit(OAK__FAULT_EPOLL) : 0;
    if (err)
        return err;
    struct epoll_event ev = {.events = events, .data.u64 = data};
    return epoll_ctl(ep, op, fd, &ev) ? -errno : 0;
}

/* epoll_wait knows milliseconds only: rounded up, so that a timer is not missed by a wake-up too early. */
static int wait_ms(int ep, struct epoll_event *ev, int max, int64_t limit)
{
    int64_t ms = -1;
    if (limit != OAK_FOREVER) {
        ms = limit / OAK_MILLISECOND + (limit % OAK_MILLISECOND != 0);
        ms = ms > INT_MAX ? INT_MAX : ms;
    }
    int n = epoll_wait(ep, ev, max, (int)ms);
    return n < 0 ? -errno : n;
}

int oak__os_epoll_wait(int ep, struct epoll_event *ev, int max, int64_t limit)
{
    static _Atomic bool no_pwait2;
    if (limit < 0)
        limit = 0;
    /* For the two extremes, the plain call says the same and is known to every kernel and tool. TSan holds
     * signals back during system calls it does not know. */
    if (limit == 0 || limit == OAK_FOREVER || OAK_TSAN || load_relaxed(&no_pwait2))
        return wait_ms(ep, ev, max, limit);
    struct timespec ts = {.tv_sec = limit / OAK_SECOND, .tv_nsec = limit % OAK_SECOND};
    long n = syscall(SYS_epoll_pwait2, ep, ev, max, &ts, NULL, 0);
    if (n < 0 &&
        (errno == ENOSYS || errno == EPERM)) { /* before Linux 5.11; old container filters say EPERM */
        store_relaxed(&no_pwait2, true);
        return wait_ms(ep, ev, max, limit);
    }
    return n < 0 ? -errno : (int)n;
}

int oak__os_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int oak__os_set_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    return flags & O_NONBLOCK || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

int oak__os_dup(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -errno : copy;
}

int oak__os_poll(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return p.revents & POLLNVAL ? -EBADF : p.revents;
}
