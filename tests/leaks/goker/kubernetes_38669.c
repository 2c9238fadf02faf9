/*
 * GoKer kubernetes 38669: a cache watcher's goroutine sends events into a result channel; the watcher is stopped, which closes
 * its input, while an event is on its way to nobody.
 */
#include "kernel.h"

struct watcher {
    oak_chan(int) input, result;
};

OAK_TASK(process, struct watcher *, w)
{
    oak_range (w->input, event)
        must(oak_send(w->result, event) == 0);
    oak_chan_close(w->result);
}

static void stop(struct watcher *w)
{
    oak_chan_close(w->input);
}

KERNEL
{
    struct watcher *w = malloc(sizeof *w);
    *w = (struct watcher){oak_make(int, 10), oak_make(int, 0)};
    go(process, w);
    must(oak_send(w->input, 1) == 0);
    stop(w);
}

LEAKS(process);
