/*
 * GoKer moby 27782: who follows a log waits for a file event; the watcher's own goroutine waits for a condition that only
 * closing would signal, and closing waits for the follower.
 */
#include "kernel.h"

struct watcher {
    oak_mutex m;
    oak_cond written;
    oak_chan(int) events, done;
    bool has_event;
};

OAK_TASK(read_events, struct watcher *, w)
{
    must(oak_mutex_lock(&w->m) == 0);
    while (!w->has_event)
        must(oak_cond_wait(&w->written, &w->m) == 0);
    oak_mutex_unlock(&w->m);
    must(oak_send(w->events, 1) == 0);
}

OAK_TASK(follow_logs, struct watcher *, w)
{
    int v;
    must(oak_recv(w->events, &v) == 0);
    oak_chan_close(w->done);
}

OAK_TASK(close_logs, struct watcher *, w)
{
    int v;
    must(oak_recv(w->done, &v) == -EPIPE);
    must(oak_cond_broadcast(&w->written) == 0);
}

KERNEL
{
    struct watcher *w = calloc(1, sizeof *w);
    w->events = oak_make(int, 0);
    w->done = oak_make(int, 0);
    go(read_events, w);
    go(follow_logs, w);
    go(close_logs, w);
}

LEAKS(read_events, follow_logs, close_logs);
