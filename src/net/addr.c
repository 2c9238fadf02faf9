/* Addresses: from text and to text. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int oak__network_family(const char *network)
{
    static const struct {
        const char *name;
        int family;
    } known[] = {{"tcp", AF_UNSPEC}, {"tcp4", AF_INET}, {"tcp6", AF_INET6}, {"unix", AF_UNIX}};
    for (size_t i = 0; network && i < countof(known); i++)
        if (strcmp(network, known[i].name) == 0)
            return known[i].family;
    return -EINVAL;
}

/* Decimal digits alone, at most max. */
static int parse_number(const char *s, unsigned long max, unsigned long *out)
{
    char *end;
    if (*s < '0' || *s > '9' || strlen(s) > 10)
        return -EINVAL;
    *out = strtoul(s, &end, 10);
    return *end == '\0' && *out <= max ? 0 : -EINVAL;
}

int oak__split_host_port(const char *address, char *host, uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    unsigned long number;
    if (!colon || parse_number(colon + 1, UINT16_MAX, &number))
        return -EINVAL;
    const char *from = address;
    const char *to = colon;
    if (*from == '[') {
        from++;
        to--;
        if (to < from || *to != ']' || !memchr(from, ':', (size_t)(to - from)))
            return -EINVAL;
    } else if (memchr(from, ':', (size_t)(to - from))) {
        return -EINVAL; /* an IPv6 address wants brackets: which colon is the port's? */
    }
    size_t n = (size_t)(to - from);
    if (n > OAK__HOST_MAX || memchr(from, '[', n) || memchr(from, ']', n))
        return -EINVAL;
    memcpy(host, from, n);
    host[n] = '\0';
    *port = (uint16_t)number;
    return 0;
}

static int parse_v4(const char *host, uint16_t port, struct oak__endpoint *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
        return -EINVAL;
    out->addr.in = in;
    out->len = sizeof in;
    return 0;
}

static int parse_zone(const char *zone, uint32_t *id)
{
    unsigned long number;
    *id = if_nametoindex(zone);
    if (*id)
        return 0;
    if (parse_number(zone, UINT32_MAX, &number))
        return -EINVAL;
    *id = (uint32_t)number;
    return 0;
}

static int parse_v6(const char *host, uint16_t port, struct oak__endpoint *out)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const char *zone = strchr(host, '%');
    size_t n = zone ? (size_t)(zone - host) : strlen(host);
    if (n >= sizeof text)
        return -EINVAL;
    memcpy(text, host, n);
    text[n] = '\0';
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        return -EINVAL;
    if (zone && parse_zone(zone + 1, &in6.sin6_scope_id))
        return -EINVAL;
    out->addr.in6 = in6;
    out->len = sizeof in6;
    return 0;
}

int oak__parse_ip(const char *host, uint16_t port, int family, struct oak__endpoint *out)
{
    if (family != AF_INET6 && parse_v4(host, port, out) == 0)
        return 0;
    return family != AF_INET ? parse_v6(host, port, out) : -EINVAL;
}

int oak__parse_unix(const char *path, struct oak__endpoint *out)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    bool abstract = *path == '@';
    /* A path has its NUL counted in; an abstract name is as long as the length says, without one. */
    if (n == 0 || (abstract && n == 1) || n + !abstract > sizeof un.sun_path)
        return -EINVAL;
    memcpy(un.sun_path, path, n);
    if (abstract)
        un.sun_path[0] = '\0';
    out->addr.un = un;
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + !abstract);
    return 0;
}

static int format_v6(const struct sockaddr_in6 *in6, char *buf, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    char zone[IF_NAMESIZE + 1] = "";
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    if (in6->sin6_scope_id) {
        zone[0] = '%';
        if (!if_indextoname(in6->sin6_scope_id, zone + 1))
            snprintf(zone, sizeof zone, "%%%u", in6->sin6_scope_id);
    }
    return snprintf(buf, size, "[%s%s]:%u", host, zone, ntohs(in6->sin6_port));
}

static int format_unix(const struct oak__endpoint *e, char *buf, size_t size)
{
    const char *path = e->addr.un.sun_path;
    size_t head = offsetof(struct sockaddr_un, sun_path);
    int n = e->len > head ? (int)(e->len - head) : 0;
    if (n == 0) /* a socket without a name, as clients' are */
        return snprintf(buf, size, "%s", "");
    if (path[0] == '\0')
        return snprintf(buf, size, "@%.*s", n - 1, path + 1);
    return snprintf(buf, size, "%.*s", n, path);
}

int oak__format_addr(const struct oak__endpoint *e, char *buf, size_t size)
{
    char host[INET_ADDRSTRLEN];
    switch (e->addr.sa.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &e->addr.in.sin_addr, host, sizeof host);
        return snprintf(buf, size, "%s:%u", host, ntohs(e->addr.in.sin_port));
    case AF_INET6:
        return format_v6(&e->addr.in6, buf, size);
    case AF_UNIX:
        return format_unix(e, buf, size);
    default:
        return -EAFNOSUPPORT;
    }
}
