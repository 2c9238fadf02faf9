/*
 * Go's leak-profile tests, "mixed": one holds a mutex while it waits for a channel; who would send on that channel waits for
 * the mutex; a third waits for both in a wait group.
 */
#include "kernel.h"

struct shared {
    oak_mutex m;
    oak_chan(int) ch;
    oak_waitgroup wg;
};

OAK_TASK(holder, struct shared *, s)
{
    int v;
    must(oak_mutex_lock(&s->m) == 0);
    must(oak_recv(s->ch, &v) == 0);
    oak_mutex_unlock(&s->m);
    oak_waitgroup_done(&s->wg);
}

OAK_TASK(sender, struct shared *, s)
{
    must(oak_mutex_lock(&s->m) == 0);
    must(oak_send(s->ch, 1) == 0);
    oak_mutex_unlock(&s->m);
    oak_waitgroup_done(&s->wg);
}

OAK_TASK(waiter, struct shared *, s)
{
    must(oak_waitgroup_wait(&s->wg) == 0);
}

KERNEL
{
    struct shared *s = calloc(1, sizeof *s);
    s->ch = oak_make(int, 0);
    oak_waitgroup_add(&s->wg, 2);
    go(holder, s);
    kernel_wait_blocked(holder, 1);
    go(sender, s);
    go(waiter, s);
}

LEAKS(holder, sender, waiter);
