/* Two locks in global variables, taken in both orders; a third goroutine wants one of them. */
#include "kernel.h"

oak_mutex a, b;
static oak_waitgroup both;

static void second(oak_mutex *m)
{
    oak_waitgroup_done(&both);
    must(oak_waitgroup_wait(&both) == 0);
    must(oak_mutex_lock(m) == 0);
    oak_mutex_unlock(m);
}

OAK_TASK(a_then_b, int, unused)
{
    (void)unused;
    must(oak_mutex_lock(&a) == 0);
    second(&b);
    oak_mutex_unlock(&a);
}

OAK_TASK(b_then_a, int, unused)
{
    (void)unused;
    must(oak_mutex_lock(&b) == 0);
    second(&a);
    oak_mutex_unlock(&b);
}

OAK_TASK(bystander, int, unused)
{
    (void)unused;
    must(oak_mutex_lock(&a) == 0);
    oak_mutex_unlock(&a);
}

KERNEL
{
    oak_waitgroup_add(&both, 2);
    go(a_then_b, 0);
    go(b_then_a, 0);
    kernel_wait_blocked(b_then_a, 1);
    kernel_wait_blocked(a_then_b, 1);
    go(bystander, 0);
}

LEAKS(a_then_b, b_then_a, bystander);
