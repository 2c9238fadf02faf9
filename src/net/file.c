/* Files: the system calls, with the P handed over while they block. */
#include "base/os.h"
#include "sched/sched.h"

#include <oakum/file.h>
#include <oakum/go.h>

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* call, again while signals interrupt it; the result or negative errno into n. */
#define BLOCKING(n, call)                                                                                    \
    oak_blocking {                                                                                           \
        do                                                                                                   \
            (n) = (call);                                                                                    \
        while ((n) < 0 && errno == EINTR);                                                                   \
        if ((n) < 0)                                                                                         \
            (n) = -errno;                                                                                    \
    }

static int may_block(void)
{
    struct oak__g *g = oak__self();
    return g ? oak__ctx_check(g) : -ENOMEM;
}

int oak_file_open(const char *path, int flags, mode_t mode)
{
    if (!path)
        return -EINVAL;
    int fd = may_block();
    if (!fd)
        BLOCKING(fd, open(path, flags | O_CLOEXEC, mode));
    return fd;
}

ssize_t oak_file_read(int fd, void *buf, size_t size, off_t offset)
{
    if ((!buf && size) || size > SSIZE_MAX || offset < -1)
        return -EINVAL;
    ssize_t n = may_block();
    if (!n)
        BLOCKING(n, offset == -1 ? read(fd, buf, size) : pread(fd, buf, size, offset));
    return n;
}

ssize_t oak_file_write(int fd, const void *buf, size_t size, off_t offset)
{
    if ((!buf && size) || size > SSIZE_MAX || offset < -1)
        return -EINVAL;
    ssize_t n = may_block();
    if (n)
        return n;
    if (offset == -1) { /* it may be a pipe: no SIGPIPE */
        oak_blocking {
            n = oak__os_send(fd, buf, size, false);
        }
    } else {
        BLOCKING(n, pwrite(fd, buf, size, offset));
    }
    return n;
}

int oak_file_sync(int fd)
{
    int rc = may_block();
    if (!rc)
        BLOCKING(rc, fsync(fd));
    return rc;
}

int oak_file_stat(const char *path, struct stat *out)
{
    if (!path || !out)
        return -EINVAL;
    int rc = may_block();
    if (!rc)
        BLOCKING(rc, stat(path, out));
    return rc;
}

/* Under an ended context too: who cleans up must be able to. */
int oak_file_close(int fd)
{
    int rc = 0;
    oak_blocking {
        /* Not again after EINTR: the descriptor is gone by then. */
        if (close(fd) && errno != EINTR)
            rc = -errno;
    }
    return rc;
}
