/* Go's leak-profile tests, "n-cast": n are asked, the first answer is taken; the others can never be delivered. */
#include "kernel.h"

enum { N = 5 };

OAK_TASK(ask, oak_chan(int), answer, int, who)
{
    must(oak_send(answer, who) == 0);
}

static int first_of(int n)
{
    oak_chan(int) answer = oak_make(int, 0);
    int v;
    for (int i = 0; i < n; i++)
        go(ask, answer, i);
    must(oak_recv(answer, &v) == 0);
    return v;
}

KERNEL
{
    must(first_of(N) < N);
}

LEAKS(ask);
