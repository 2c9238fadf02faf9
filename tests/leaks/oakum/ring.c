/* A ring of goroutines, each waiting for its neighbour's channel, of which it has the other end. */
#include "kernel.h"

enum { LENGTH = 37 };

OAK_TASK(member, oak_chan(int), mine, oak_chan(int), next)
{
    int v;
    must(oak_recv(mine, &v) == 0);
    must(oak_send(next, v) == 0);
}

KERNEL
{
    oak_chan(int) first = oak_make(int, 0), mine = first;
    for (int i = 0; i < LENGTH - 1; i++) {
        oak_chan(int) next = oak_make(int, 0);
        go(member, mine, next);
        mine = next;
    }
    go(member, mine, first);
}

LEAKS(member);
