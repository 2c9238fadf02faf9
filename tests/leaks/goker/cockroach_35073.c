/*
 * GoKer cockroach 35073: an outbox pushes rows into a channel with little room; its consumer stops after an error without
 * draining it.
 */
#include "kernel.h"

enum { ROOM = 2, ROWS = 6 };

struct row_channel {
    oak_chan(int) rows;
};

OAK_TASK(outbox, struct row_channel *, c)
{
    for (int i = 0; i < ROWS; i++)
        must(oak_send(c->rows, i) == 0);
    oak_chan_close(c->rows);
}

static int consume(struct row_channel *c)
{
    int row;
    must(oak_recv(c->rows, &row) == 0);
    return -EIO; /* "consumer done" should drain */
}

KERNEL
{
    struct row_channel *c = malloc(sizeof *c);
    c->rows = oak_make(int, ROOM);
    go(outbox, c);
    must(consume(c) == -EIO);
}

LEAKS(outbox);
