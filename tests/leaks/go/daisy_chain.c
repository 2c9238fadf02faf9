/*
 * Go's leak-profile tests, "daisy chain": each goroutine receives from its right and sends to its left; nobody sends into the
 * rightmost channel, and nobody who could is left.
 */
#include "kernel.h"

enum { LENGTH = 100 };

OAK_TASK(link, oak_chan(int), left, oak_chan(int), right)
{
    int v;
    must(oak_recv(right, &v) == 0);
    must(oak_send(left, v + 1) == 0);
}

OAK_TASK(last, oak_chan(int), leftmost)
{
    int v;
    must(oak_recv(leftmost, &v) == 0);
}

KERNEL
{
    oak_chan(int) leftmost = oak_make(int, 0), left = leftmost, right = leftmost;
    for (int i = 0; i < LENGTH; i++) {
        right = oak_make(int, 0);
        go(link, left, right);
        left = right;
    }
    go(last, leftmost);
}

LEAKS(link, last);
