/*
 * GoKer cockroach 24808: a compactor's signal channel has room for one; it is already there when the compactor is started,
 * and starting begins with another signal, sent before the goroutine that would take it exists.
 */
#include "kernel.h"

struct compactor {
    oak_chan(int) signal, stop;
};

OAK_TASK(run, struct compactor *, c)
{
    int v;
    while (oak_select(oak_on_recv(c->signal, &v), oak_on_recv(c->stop, &v)) == 0)
        ;
}

static void compactor_start(struct compactor *c)
{
    must(oak_send(c->signal, 1) == 0); /* look at what was left */
    go(run, c);
}

KERNEL
{
    struct compactor *c = malloc(sizeof *c);
    *c = (struct compactor){oak_make(int, 1), oak_make(int, 0)};
    must(oak_send(c->signal, 1) == 0); /* somebody was faster */
    compactor_start(c);
}

LEAKS(kernel);
