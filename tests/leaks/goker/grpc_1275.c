/*
 * GoKer grpc 1275: who reads a stream waits for its buffer; closing the stream marks it closed but tells the buffer nothing,
 * and then waits for the reader.
 */
#include "kernel.h"

struct stream {
    oak_chan(int) buffer, read_done;
    bool closed;
};

OAK_TASK(reader, struct stream *, s)
{
    int v;
    while (oak_recv(s->buffer, &v) == 0)
        ;
    oak_chan_close(s->read_done);
}

OAK_TASK(closer, struct stream *, s)
{
    int v;
    s->closed = true; /* without a word to the buffer */
    must(oak_recv(s->read_done, &v) == -EPIPE);
}

KERNEL
{
    struct stream *s = calloc(1, sizeof *s);
    s->buffer = oak_make(int, 0);
    s->read_done = oak_make(int, 0);
    go(reader, s);
    kernel_wait_blocked(reader, 1);
    go(closer, s);
}

LEAKS(reader, closer);
