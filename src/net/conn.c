/* Connections: making, asking, closing. Reading and writing are in io.c. */
#include "net/addr.h"
#include "net/conn.h"

struct oak__slab oak__conn_table = OAK__SLAB("connection", struct oak_conn);

int oak__conn_new(int fd, bool socket, bool writing, oak_conn **out)
{
    return oak__handle_new(&oak__conn_table, OAK__CONN_MAGIC, fd, socket, writing, out);
}

int oak_conn_from_fd(int fd, oak_conn **out)
{
    if (!out || fd < 0)
        return -EINVAL;
    int type = oak__os_getsockopt(fd, SOL_SOCKET, SO_TYPE);
    if (type < 0 && type != -ENOTSOCK)
        return type;
    int err = oak__os_set_nonblock(fd);
    if (!err)
        err = oak__conn_new(fd, type >= 0, false, out);
    return err == -EEXIST ? -EINVAL : err; /* it belongs to another connection already */
}

int oak_conn_close(oak_conn *c)
{
    return oak__conn_ok(c) ? oak__handle_close(&c->h) : -EINVAL;
}

static int set_deadline(oak_conn *c, unsigned sides, int64_t t)
{
    if (!oak__conn_ok(c) || oak__handle_hold(&c->h))
        return -EINVAL;
    oak__handle_set_deadline(&c->h, sides, t);
    oak__handle_drop(&c->h);
    return 0;
}

int oak_conn_set_deadline(oak_conn *c, int64_t t)
{
    return set_deadline(c, 1u << OAK__POLL_READ | 1u << OAK__POLL_WRITE, t);
}

int oak_conn_set_read_deadline(oak_conn *c, int64_t t)
{
    return set_deadline(c, 1u << OAK__POLL_READ, t);
}

int oak_conn_set_write_deadline(oak_conn *c, int64_t t)
{
    return set_deadline(c, 1u << OAK__POLL_WRITE, t);
}

int oak_conn_close_write(oak_conn *c)
{
    if (!oak__conn_ok(c))
        return -EINVAL;
    int err = oak__handle_hold(&c->h);
    if (err)
        return err;
    err = oak__os_shutdown(c->h.fd, SHUT_WR);
    oak__handle_drop(&c->h);
    return err;
}

int oak_conn_fd(const oak_conn *c)
{
    return oak__conn_ok(c) ? c->h.fd : -EINVAL;
}

static int addr_of(const oak_conn *c, bool peer, char *buf, size_t size)
{
    if (!oak__conn_ok(c) || (!buf && size))
        return -EINVAL;
    /* Asking changes the count of references, nothing that the caller can see. */
    return oak__handle_addr((struct oak__handle *)(uintptr_t)&c->h, peer, buf, size);
}

int oak_conn_local_addr(const oak_conn *c, char *buf, size_t size)
{
    return addr_of(c, false, buf, size);
}

int oak_conn_remote_addr(const oak_conn *c, char *buf, size_t size)
{
    return addr_of(c, true, buf, size);
}
