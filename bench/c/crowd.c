/* Parked goroutines and a heap, for the jobs that look at what a leak check costs. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { BLOCK = 1024 };

static struct block {
    struct block *next;
    char rest[BLOCK - sizeof(struct block *)];
} * blocks;

static struct crowd {
    oak_chan(int) closed;
    oak_waitgroup wg;
    atomic_long started;
} crowd;

OAK_TASK(bystander, struct crowd *, c)
{
    int none;

    atomic_fetch_add(&c->started, 1);
    if (oak_recv(c->closed, &none) != -EPIPE)
        must(-EPROTO, "crowd: woken by no close");
    oak_waitgroup_done(&c->wg);
}

static void fill_heap(void)
{
    const char *text = getenv("OAKBENCH_HEAP");

    for (long left = text ? atol(text) : 100000000; left > 0; left -= BLOCK) {
        struct block *b = calloc(1, sizeof *b);

        if (!b)
            must(-ENOMEM, "crowd: the heap");
        b->next = blocks;
        blocks = b;
    }
}

static void empty_heap(void)
{
    for (struct block *b = blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    blocks = NULL;
}

void crowd_gather(long count)
{
    struct crowd *c = &crowd;

    c->closed = oak_make(int, 0);
    fill_heap();
    oak_waitgroup_add(&c->wg, (int)count);
    for (long i = 0; i < count; i++)
        MUST(oak_go_detached(bystander, c));
    while (atomic_load(&c->started) < count)
        MUST(oak_sleep(OAK_MILLISECOND));
}

void crowd_disperse(void)
{
    struct crowd *c = &crowd;

    oak_chan_close(c->closed);
    MUST(oak_waitgroup_wait(&c->wg));
    oak_chan_free(c->closed);
    empty_heap();
}
