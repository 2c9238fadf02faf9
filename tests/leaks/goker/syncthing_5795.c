/*
 * GoKer syncthing 5795: closing a connection waits until its dispatcher has stopped; the dispatcher closes the connection itself
 * when a handler fails.
 */
#include "kernel.h"

struct connection {
    oak_chan(int) inbox, stopped, closed;
    oak_once close;
};

static void close_once(void *arg)
{
    struct connection *c = arg;
    int v;
    oak_chan_close(c->closed);
    must(oak_recv(c->stopped, &v) == -EPIPE);
}

OAK_TASK(dispatcher, struct connection *, c)
{
    oak_range (c->inbox, message)
        if (message < 0)
            must(oak_once_do(&c->close, close_once, c) == 0);
    oak_chan_close(c->stopped);
}

OAK_TASK(reader, struct connection *, c)
{
    for (int i = 0;; i--)
        if (oak_select(oak_on_send(c->inbox, i), oak_on_recv(c->closed, &i)) != 0)
            return;
}

KERNEL
{
    struct connection *c = calloc(1, sizeof *c);
    c->inbox = oak_make(int, 0);
    c->stopped = oak_make(int, 0);
    c->closed = oak_make(int, 0);
    go(dispatcher, c);
    go(reader, c);
}

LEAKS(dispatcher);
