/* Sends into a full channel whose only receivers wait for ever for something else. */
#include "kernel.h"

OAK_TASK(receiver, oak_chan(int), ch, oak_chan(int), permission)
{
    int v;
    must(oak_recv(permission, &v) == 0);
    must(oak_recv(ch, &v) == 0);
}

OAK_TASK(sender, oak_chan(int), ch)
{
    for (int i = 0; i < 3; i++)
        must(oak_send(ch, i) == 0);
}

KERNEL
{
    oak_chan(int) ch = oak_make(int, 1), permission = oak_make(int, 0);
    go(receiver, ch, permission);
    go(receiver, ch, permission);
    go(sender, ch);
}

LEAKS(receiver, sender);
