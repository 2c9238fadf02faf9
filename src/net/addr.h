/* Addresses: from text and to text. Internal to src/net. */
#ifndef OAK_NET_ADDR_H
#define OAK_NET_ADDR_H

#include "base/common.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

union oak__addr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

struct oak__endpoint {
    union oak__addr addr;
    socklen_t len;
};

enum { OAK__HOST_MAX = 255 };

/* "tcp", "tcp4", "tcp6", "unix": the family wanted (AF_UNSPEC for "tcp"), or -EINVAL. */
int oak__network_family(const char *network);
/* "host:port", "[v6%zone]:port", ":port". host: OAK__HOST_MAX + 1 bytes, "" when left out. 0 or -EINVAL. */
int oak__split_host_port(const char *address, char *host, uint16_t *port);
/* A numeric host (v6 perhaps with %zone) of the wanted family: 0, or -EINVAL when it is none. */
int oak__parse_ip(const char *host, uint16_t port, int family, struct oak__endpoint *out);
/* A path or "@name". 0 or -EINVAL (empty, too long). */
int oak__parse_unix(const char *path, struct oak__endpoint *out);
/* As oak_listener_addr. */
int oak__format_addr(const struct oak__endpoint *e, char *buf, size_t size);

#endif
