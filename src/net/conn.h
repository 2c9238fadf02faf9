/* The public types. Internal to src/net. */
#ifndef OAK_NET_CONN_H
#define OAK_NET_CONN_H

#include "net/handle.h"

#include <oakum/net.h>
#include <sys/un.h>

struct oak_conn {
    struct oak__handle h;
};

struct oak_listener {
    struct oak__handle h;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) +
              1]; /* of a Unix socket in the file system, else "" */
};

extern struct oak__slab oak__conn_table;

/* A connection around a non-blocking descriptor. 0 and *out; on error fd stays the caller's. */
int oak__conn_new(int fd, bool socket, bool writing, oak_conn **out);

static inline bool oak__conn_ok(const oak_conn *c)
{
    return c && oak__handle_is(&c->h, OAK__CONN_MAGIC);
}

/* 0, or why a call of this goroutine must fail at once. */
static inline int oak__may_block(void)
{
    struct oak__g *g = oak__self();
    return g ? oak__ctx_check(g) : -ENOMEM;
}

#endif
