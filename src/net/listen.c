/* Listeners. */
#include "net/addr.h"
#include "net/conn.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel cuts it down to net.core.somaxconn. */
enum { BACKLOG = 65535, MAX_HOSTS = 16 };

static struct oak__slab listeners = OAK__SLAB("listener", struct oak_listener);

static bool listener_ok(const oak_listener *l)
{
    return l && oak__handle_is(&l->h, OAK__LISTENER_MAGIC);
}

/* ---- the socket ---- */

static int set_tcp_options(int fd, const struct oak__endpoint *at, bool both_families)
{
    /* An address whose old connections are still in TIME_WAIT can be had; accepted sockets inherit NODELAY.
     */
    int err = oak__os_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!err)
        err = oak__os_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!err && at->addr.sa.sa_family == AF_INET6)
        err = oak__os_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, !both_families);
    return err;
}

/* A listening socket, or negative errno. */
static int listen_at(const struct oak__endpoint *at, bool both_families)
{
    int family = at->addr.sa.sa_family;
    int fd = oak__os_socket(family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int err = family == AF_UNIX ? 0 : set_tcp_options(fd, at, both_families);
    if (!err)
        err = oak__os_bind(fd, &at->addr.sa, at->len);
    if (!err)
        err = oak__os_listen(fd, BACKLOG);
    if (!err)
        return fd;
    (void)oak__os_close(fd);
    return err;
}

/* ":port": every address of the machine; without IPv6, those of IPv4. */
static int listen_any(int family, uint16_t port)
{
    struct oak__endpoint at;
    int fd = -EAFNOSUPPORT;
    if (family != AF_INET && oak__parse_ip("::", port, AF_INET6, &at) == 0)
        fd = listen_at(&at, family == AF_UNSPEC);
    bool no_v6 = fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL;
    if (family != AF_INET6 && no_v6 && oak__parse_ip("0.0.0.0", port, AF_INET, &at) == 0)
        fd = listen_at(&at, false);
    return fd;
}

/* One address of the host: the first of IPv4 if there is one, as Go does. */
static int pick_address(const char *host, uint16_t port, int family, struct oak__endpoint *at)
{
    char found[MAX_HOSTS][46];
    int n = oak_lookup_host(host, found, MAX_HOSTS);
    if (n < 0)
        return n;
    for (int i = 0; i < n && family != AF_INET6; i++)
        if (oak__parse_ip(found[i], port, AF_INET, at) == 0)
            return 0;
    for (int i = 0; i < n; i++)
        if (oak__parse_ip(found[i], port, family, at) == 0)
            return 0;
    return -ENOENT;
}

static int listen_tcp(int family, const char *address)
{
    char host[OAK__HOST_MAX + 1];
    uint16_t port;
    struct oak__endpoint at;
    int err = oak__split_host_port(address, host, &port);
    if (err)
        return err;
    if (!*host)
        return listen_any(family, port);
    if (oak__parse_ip(host, port, family, &at)) {
        err = pick_address(host, port, family, &at);
        if (err)
            return err;
    }
    return listen_at(&at, false);
}

static int listen_unix(const char *path)
{
    struct oak__endpoint at;
    int err = oak__parse_unix(path, &at);
    return err ? err : listen_at(&at, false);
}

/* ---- the API ---- */

int oak_listen(const char *network, const char *address, oak_listener **out)
{
    int family = oak__network_family(network);
    if (family < 0 || !address || !out)
        return -EINVAL;
    int fd = family == AF_UNIX ? listen_unix(address) : listen_tcp(family, address);
    if (fd < 0)
        return fd;
    oak_listener *l;
    bool file = family == AF_UNIX && *address != '@';
    int err = oak__handle_new(&listeners, OAK__LISTENER_MAGIC, fd, true, false, &l);
    if (err) {
        (void)oak__os_close(fd);
        if (file)
            (void)unlink(address);
        return err;
    }
    if (file)
        snprintf(l->path, sizeof l->path, "%s", address);
    l->h.tcp = family != AF_UNIX;
    *out = l;
    return 0;
}

/* What the network did to a connection before it was accepted is no fault of the listener: the next one,
 * please. */
static bool lost_before_accept(int err)
{
    switch (-err) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

static int accept_fd(struct oak__handle *h)
{
    int fd;
    int err = 0;
    do {
        err = oak__handle_late(h, OAK__POLL_READ);
        if (err)
            return err;
        oak__poll_prepare(h->pd, OAK__POLL_READ);
        fd = oak__os_accept(h->fd, NULL, NULL);
        if (fd == -EAGAIN)
            err = oak__poll_wait_fd(h->pd, 1u << OAK__POLL_READ, oak__handle_deadline(h, OAK__POLL_READ));
    } while (!err && (fd == -EAGAIN || lost_before_accept(fd)));
    return err ? err : fd;
}

int oak_accept(oak_listener *l, oak_conn **out)
{
    if (!listener_ok(l) || !out)
        return -EINVAL;
    int err = oak__may_block();
    if (!err)
        err = oak__handle_begin(&l->h, OAK__POLL_READ);
    if (err)
        return err;
    int fd = accept_fd(&l->h);
    oak__handle_end(&l->h, OAK__POLL_READ);
    if (fd < 0)
        return fd;
    err = oak__conn_new(fd, true, false, out);
    if (err)
        (void)oak__os_close(fd);
    else
        (*out)->h.tcp = l->h.tcp;
    return err;
}

int oak_listener_addr(const oak_listener *l, char *buf, size_t size)
{
    if (!listener_ok(l) || (!buf && size))
        return -EINVAL;
    return oak__handle_addr((struct oak__handle *)(uintptr_t)&l->h, false, buf, size);
}

int oak_listener_set_deadline(oak_listener *l, int64_t t)
{
    if (!listener_ok(l) || oak__handle_hold(&l->h))
        return -EINVAL;
    oak__handle_set_deadline(&l->h, 1u << OAK__POLL_READ, t);
    oak__handle_drop(&l->h);
    return 0;
}

int oak_listener_close(oak_listener *l)
{
    if (!listener_ok(l) || oak__handle_hold(&l->h))
        return -EINVAL;
    char path[sizeof l->path];
    memcpy(path, l->path, sizeof path);
    int err = oak__handle_close(&l->h);
    if (!err && *path)
        (void)unlink(path);
    oak__handle_drop(&l->h);
    return err;
}
