/* A goroutine that waits for connections waits for the kernel, whoever else has the listener. Not leaked. */
#include "kernel.h"

OAK_TASK(acceptor, oak_listener *, l)
{
    oak_conn *c;
    (void)!oak_accept(l, &c);
}

KERNEL
{
    oak_listener *l;
    must(oak_listen("tcp", "127.0.0.1:0", &l) == 0);
    go(acceptor, l);
}

NOTHING_LEAKS;
LIVE(acceptor);
