/*
 * Cost of a select against the number of its channels (the count); one proc. Two goroutines: one selects, the
 * other sends on one of the channels, taken in an order that jumps about. grow_select parks each time, so that it
 * queues on every channel and leaves every one; grow_select_ready finds a value.
 */
#include "bench.h"

#include <stdlib.h>

static struct {
    struct oak_case *cases;
    oak_chan(int) * channels;
    long count;
} table;

static long nth(long i)
{
    return (long)((uint64_t)i * 7919 % (uint64_t)table.count);
}

OAK_TASK(sender, oak_waitgroup *, wg, long, times)
{
    for (long i = 0; i < times; i++)
        MUST(oak_send(table.channels[nth(i)], (int)i));
    oak_waitgroup_done(wg);
}

static void lay(long count, size_t capacity, int *value)
{
    table.count = count;
    table.cases = calloc((size_t)count, sizeof *table.cases);
    table.channels = calloc((size_t)count, sizeof *table.channels);
    if (!table.cases || !table.channels)
        must(-ENOMEM, "cases");
    for (long i = 0; i < count; i++) {
        table.channels[i] = oak_make(int, capacity);
        table.cases[i] = oak_on_recv(table.channels[i], value);
    }
}

static void clear(void)
{
    for (long i = 0; i < table.count; i++)
        oak_chan_free(table.channels[i]);
    free(table.cases);
    free(table.channels);
}

static int select_once(long expected)
{
    int chosen = oak_select_n(table.cases, (size_t)table.count);

    must(chosen, "oak_select_n");
    if (chosen != expected)
        must(-EPROTO, "grow_select: another channel");
    return chosen;
}

static long times_for(long count)
{
    return 4000000 / (count + 10) + 20;
}

static void parking(long times)
{
    oak_waitgroup wg = {0};

    oak_waitgroup_add(&wg, 1);
    MUST(oak_go_detached(sender, &wg, times));
    for (long i = 0; i < times; i++)
        select_once(nth(i));
    MUST(oak_waitgroup_wait(&wg));
}

static void finding(long times)
{
    for (long i = 0; i < times; i++) {
        MUST(oak_send(table.channels[nth(i)], (int)i));
        select_once(nth(i));
    }
}

void job_grow_select(long count)
{
    int value;

    lay(count, 0, &value);
    timed("grow_select", parking, times_for(count));
    clear();
}

void job_grow_select_ready(long count)
{
    int value;

    lay(count, 1, &value);
    timed("grow_select_ready", finding, times_for(count));
    clear();
}
