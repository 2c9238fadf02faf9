/*
 * libfiber: on one thread, although it could use more. Channels hold at least two values (one is not a power that it takes), and
 * wake their receiver by a signal; who finds one full yields until it is not.
 */
#include "peer.h"

#include <stdint.h>

#include <fiber_channel.h>
#include <fiber_manager.h>
#include <fiber_semaphore.h>

struct channel {
    fiber_signal_t signal;
    fiber_bounded_channel_t *c;
};

static void open_channel(struct channel *ch, uint32_t power)
{
    fiber_signal_init(&ch->signal);
    ch->c = fiber_bounded_channel_create(power, &ch->signal);
    if (!ch->c)
        peer_fail("no channel");
}

static void close_channel(struct channel *ch)
{
    fiber_bounded_channel_destroy(ch->c);
    fiber_signal_destroy(&ch->signal);
}

static void put(struct channel *ch, long value)
{
    fiber_bounded_channel_send(ch->c, (void *)(value + 1)); /* no NULL */
}

static long take(struct channel *ch)
{
    return (long)fiber_bounded_channel_receive(ch->c) - 1;
}

static void start_all(int n, fiber_t **out, void *(*fn)(void *), void *arg)
{
    for (int i = 0; i < n; i++) {
        out[i] = fiber_create(FIBER_DEFAULT_STACK_SIZE, fn, arg);
        if (!out[i])
            peer_fail("fiber_create failed");
    }
}

static void end_all(int n, fiber_t **all)
{
    for (int i = 0; i < n; i++)
        fiber_join(all[i], NULL);
}

static void *yielder(void *count)
{
    for (long i = (long)count; i > 0; i--)
        fiber_yield();
    return NULL;
}

static void job_yield(long count)
{
    fiber_t *all[PEER_YIELDERS];
    start_all(PEER_YIELDERS, all, yielder, (void *)(count / PEER_YIELDERS));
    end_all(PEER_YIELDERS, all);
}

static void *ender(void *arg)
{
    return arg;
}

static void job_spawn(long count)
{
    fiber_t *all[PEER_BATCH];
    for (long i = 0; i < count / PEER_BATCH; i++) {
        start_all(PEER_BATCH, all, ender, NULL);
        end_all(PEER_BATCH, all);
    }
}

static struct channel ping, pong;

static void *partner(void *count)
{
    for (long i = (long)count; i > 0; i--)
        put(&pong, take(&ping) + 1);
    return NULL;
}

static void job_pingpong(long count)
{
    fiber_t *other;
    open_channel(&ping, 1);
    open_channel(&pong, 1);
    start_all(1, &other, partner, (void *)(count / 2));
    for (long i = 0; i < count / 2; i++) {
        put(&ping, i);
        if (take(&pong) != i + 1)
            peer_fail("pingpong");
    }
    end_all(1, &other);
    close_channel(&ping);
    close_channel(&pong);
}

static struct channel pipe_line;

static void *sender(void *count)
{
    for (long i = (long)count; i > 0; i--)
        put(&pipe_line, i);
    return NULL;
}

static void job_buffered(long count)
{
    fiber_t *other;
    open_channel(&pipe_line, 7); /* PEER_BUFFER values */
    start_all(1, &other, sender, (void *)count);
    for (long i = count; i > 0; i--)
        if (take(&pipe_line) != i)
            peer_fail("buffered");
    end_all(1, &other);
    close_channel(&pipe_line);
}

struct node {
    struct channel *up;
    long number, size;
};

static void *node(void *arg)
{
    struct node *n = arg;
    struct node child[10];
    struct channel sums;
    fiber_t *all[10];
    long sum = 0;
    if (n->size == 1) {
        put(n->up, n->number);
        return NULL;
    }
    open_channel(&sums, 4);
    for (int i = 0; i < 10; i++) {
        child[i] = (struct node){&sums, n->number + i * (n->size / 10), n->size / 10};
        start_all(1, &all[i], node, &child[i]);
    }
    for (int i = 0; i < 10; i++)
        sum += take(&sums);
    end_all(10, all);
    close_channel(&sums);
    put(n->up, sum);
    return NULL;
}

static void job_skynet(long count)
{
    struct channel top;
    open_channel(&top, 1);
    struct node root = {&top, 0, count};
    fiber_t *one;
    start_all(1, &one, node, &root);
    peer_check_sum(take(&top), count);
    end_all(1, &one);
    close_channel(&top);
}

static fiber_semaphore_t gate;
static long started;

static void *waiter(void *arg)
{
    started++;
    fiber_semaphore_wait(&gate);
    return arg;
}

static void job_parked(long count)
{
    fiber_t *one;
    fiber_semaphore_init(&gate, 0);
    for (long i = 0; i < count; i++)
        start_all(1, &one, waiter, NULL);
    while (started < count)
        fiber_yield();
    peer_all_parked(count);
}

int main(int argc, char **argv)
{
    static const struct peer_job jobs[] = {{"yield", job_yield},
                                           {"spawn", job_spawn},
                                           {"pingpong", job_pingpong},
                                           {"buffered", job_buffered},
                                           {"skynet", job_skynet},
                                           {"parked", job_parked},
                                           {NULL, NULL}};
    if (fiber_manager_init(1) == 0)
        peer_fail("fiber_manager_init");
    peer_run(jobs, argc, argv);
    fflush(stdout);
    _Exit(0);
}
