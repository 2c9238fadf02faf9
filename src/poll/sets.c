/* The epoll sets that are the library's own: the poller's, and those of liboakum-http. */
#include "poll/poll.h"

#include <oakum/net.h>

enum { MOST = 64 };

/* Descriptor + 1. One that finds no room is taken for the program's: that costs time, no more. */
static _Atomic int own[MOST];

void oak__own_set(int fd, bool on)
{
    for (int i = 0; i < MOST; i++) {
        int was = on ? 0 : fd + 1;
        if (cas_acq_rel(&own[i], &was, on ? fd + 1 : 0))
            return;
    }
}

bool oak__poll_is_own_set(int fd)
{
    for (int i = 0; i < MOST; i++)
        if (load_relaxed(&own[i]) == fd + 1)
            return true;
    return false;
}
