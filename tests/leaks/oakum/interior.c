/* Pointers into the middle of a block, and just past its end, are references. Not leaked. */
#include "kernel.h"

struct big {
    char before[100];
    oak_chan(int) ch;
    char after[100];
};

char *middle, *end;

OAK_TASK(receiver, oak_chan(int), ch)
{
    int v;
    must(oak_recv(ch, &v) == 0);
}

KERNEL
{
    struct big *one = calloc(1, sizeof *one), *two = calloc(1, sizeof *two);
    one->ch = oak_make(int, 0);
    two->ch = oak_make(int, 0);
    go(receiver, one->ch);
    go(receiver, two->ch);
    middle = one->after + 3;
    end = (char *)(two + 1);
}

NOTHING_LEAKS;
LIVE(receiver);
