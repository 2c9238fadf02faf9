/*
 * GoKer moby 25384: for each plugin a goroutine is started and then waited for in the same turn of the loop, with a count of
 * all plugins.
 */
#include "kernel.h"

enum { PLUGINS = 3 };

OAK_TASK(restore_one, oak_waitgroup *, group)
{
    oak_waitgroup_done(group);
}

OAK_TASK(restore_all, oak_waitgroup *, group)
{
    oak_waitgroup_add(group, PLUGINS);
    for (int i = 0; i < PLUGINS; i++) {
        go(restore_one, group);
        must(oak_waitgroup_wait(group) == 0); /* belongs behind the loop */
    }
}

KERNEL
{
    go(restore_all, calloc(1, sizeof(oak_waitgroup)));
}

LEAKS(restore_all);
