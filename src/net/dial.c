/* Connecting. */
#include "net/addr.h"
#include "net/conn.h"

#include <netinet/tcp.h>
#include <string.h>

#include <oakum/go.h>

enum { MAX_HOSTS = 16 };

/* Waits for a connect that has begun, as often as it takes. */
static int finish_connect(oak_conn *c, const struct oak__endpoint *to)
{
    for (;;) {
        int err = oak__poll_wait_fd(c->h.pd, 1u << OAK__POLL_WRITE, OAK_FOREVER);
        if (err)
            return err;
        /* Asked again, connect says how the first went: a wake-up may be a false alarm. */
        err = oak__os_connect(c->h.fd, &to->addr.sa, to->len);
        if (err == -EISCONN)
            return 0;
        if (err != -EALREADY && err != -EINPROGRESS)
            return err;
    }
}

/*
 * A Unix listener with a full queue says EAGAIN, and nothing tells when there is room again: so it is asked
 * again after a while, a longer one each time.
 */
static int connect_unix(int fd, const struct oak__endpoint *to)
{
    int64_t pause = OAK_MILLISECOND;
    for (;;) {
        int err = oak__os_connect(fd, &to->addr.sa, to->len);
        if (err != -EAGAIN)
            return err;
        err = oak_sleep(pause);
        if (err)
            return err;
        pause = pause < 50 * OAK_MILLISECOND ? 2 * pause : pause;
    }
}

/*
 * A connect to a port of this machine where nobody listens can meet itself, if the kernel happens to pick
 * that very port for the near end (simultaneous open). That is no server.
 */
static bool connected_to_itself(int fd)
{
    struct oak__endpoint a = {.len = sizeof a.addr};
    struct oak__endpoint b = {.len = sizeof b.addr};
    if (oak__os_sockname(fd, false, &a.addr.sa, &a.len) || oak__os_sockname(fd, true, &b.addr.sa, &b.len))
        return false;
    return a.len == b.len && memcmp(&a.addr, &b.addr, a.len) == 0;
}

/* A connection whose socket has been made: *out on success; fd is closed otherwise. */
static int connect_fd(int fd, const struct oak__endpoint *to, bool tcp, oak_conn **out)
{
    oak_conn *c = NULL;
    int err = tcp ? oak__os_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1) : 0;
    if (!err)
        err = tcp ? oak__os_connect(fd, &to->addr.sa, to->len) : connect_unix(fd, to);
    bool begun = err == -EINPROGRESS;
    if (!err || begun)
        err = oak__conn_new(fd, true, begun, &c);
    if (!err && begun)
        err = finish_connect(c, to);
    if (!err && tcp && connected_to_itself(fd))
        err = -ECONNREFUSED;
    if (!err) {
        c->h.tcp = tcp;
        *out = c;
    } else if (c) {
        (void)oak_conn_close(c);
    } else {
        (void)oak__os_close(fd);
    }
    return err;
}

static int dial_endpoint(const struct oak__endpoint *to, oak_conn **out)
{
    int family = to->addr.sa.sa_family;
    int fd = oak__os_socket(family, SOCK_STREAM, 0);
    return fd < 0 ? fd : connect_fd(fd, to, family != AF_UNIX, out);
}

/* Tries the addresses of the wanted family in turn; the first one's error if none answers. */
static int dial_each(char (*host)[46], int n, uint16_t port, int family, oak_conn **out)
{
    int first = -ENOENT;
    for (int i = 0; i < n; i++) {
        struct oak__endpoint to;
        if (oak__parse_ip(host[i], port, family, &to))
            continue;
        int err = dial_endpoint(&to, out);
        if (!err)
            return 0;
        first = first == -ENOENT ? err : first;
        err = oak__may_block(); /* was it the context that ended this try? */
        if (err)
            return err;
    }
    return first;
}

static int dial_tcp(int family, const char *address, oak_conn **out)
{
    char host[OAK__HOST_MAX + 1];
    char found[MAX_HOSTS][46] = {"127.0.0.1", "::1"};
    uint16_t port;
    struct oak__endpoint to;
    int n = 2;
    int err = oak__split_host_port(address, host, &port);
    if (err)
        return err;
    if (*host && oak__parse_ip(host, port, family, &to) == 0)
        return dial_endpoint(&to, out);
    if (*host) /* without a host: this machine */
        n = oak_lookup_host(host, found, MAX_HOSTS);
    return n < 0 ? n : dial_each(found, n, port, family, out);
}

int oak_dial(const char *network, const char *address, oak_conn **out)
{
    int family = oak__network_family(network);
    if (family < 0 || !address || !out)
        return -EINVAL;
    int err = oak__may_block();
    if (err)
        return err;
    if (family != AF_UNIX)
        return dial_tcp(family, address, out);
    struct oak__endpoint to;
    err = oak__parse_unix(address, &to);
    return err ? err : dial_endpoint(&to, out);
}
