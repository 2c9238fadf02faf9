/* Making sockets. */
#include "base/os.h"

int oak__os_socket(int family, int type, int proto)
{
    int err = oak__fault_hit(OAK__FAULT_SOCKET);
    if (err)
        return err;
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);
    return fd < 0 ? -errno : fd;
}

int oak__os_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
    return bind(fd, sa, len) ? -errno : 0;
}

int oak__os_listen(int fd, int backlog)
{
    return listen(fd, backlog) ? -errno : 0;
}

int oak__os_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
    int err = oak__fault_hit(OAK__FAULT_ACCEPT);
    if (err)
        return err;
    int got;
    do
        got = accept4(fd, sa, len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int oak__os_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    if (connect(fd, sa, len) == 0)
        return 0;
    /* An interrupted connect goes on in the background, like one that would block. */
    return errno == EINTR ? -EINPROGRESS : -errno;
}

int oak__os_setsockopt(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) ? -errno : 0;
}

int oak__os_getsockopt(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, name, &value, &len) ? -errno : value;
}

int oak__os_sockname(int fd, bool peer, struct sockaddr *sa, socklen_t *len)
{
    int rc = peer ? getpeername(fd, sa, len) : getsockname(fd, sa, len);
    return rc ? -errno : 0;
}

int oak__os_shutdown(int fd, int how)
{
    return shutdown(fd, how) ? -errno : 0;
}
