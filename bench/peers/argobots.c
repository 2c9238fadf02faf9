/* argobots: one execution stream; no channels: a message is a word, and an eventual each way; a tree joins. */
#include "peer.h"

#include <abt.h>

static ABT_pool pool;

static void must(int result)
{
    if (result != ABT_SUCCESS)
        peer_fail("argobots: a call failed");
}

static void start_all(int n, ABT_thread *out, void (*fn)(void *), void *arg)
{
    for (int i = 0; i < n; i++)
        must(ABT_thread_create(pool, fn, arg, ABT_THREAD_ATTR_NULL, &out[i]));
}

static void end_all(int n, ABT_thread *all)
{
    for (int i = 0; i < n; i++)
        must(ABT_thread_free(&all[i]));
}

static void yielder(void *count)
{
    for (long i = (long)count; i > 0; i--)
        ABT_thread_yield();
}

static void job_yield(long count)
{
    ABT_thread all[PEER_YIELDERS];
    start_all(PEER_YIELDERS, all, yielder, (void *)(count / PEER_YIELDERS));
    end_all(PEER_YIELDERS, all);
}

static void ender(void *arg)
{
    (void)arg;
}

static void job_spawn(long count)
{
    ABT_thread all[PEER_BATCH];
    for (long i = 0; i < count / PEER_BATCH; i++) {
        start_all(PEER_BATCH, all, ender, NULL);
        end_all(PEER_BATCH, all);
    }
}

static ABT_eventual ping, pong;

static void partner(void *count)
{
    for (long i = (long)count; i > 0; i--) {
        ABT_eventual_wait(ping, NULL);
        ABT_eventual_reset(ping);
        ABT_eventual_set(pong, NULL, 0);
    }
}

static void job_pingpong(long count)
{
    ABT_thread other;
    must(ABT_eventual_create(0, &ping));
    must(ABT_eventual_create(0, &pong));
    start_all(1, &other, partner, (void *)(count / 2));
    for (long i = 0; i < count / 2; i++) {
        ABT_eventual_set(ping, NULL, 0);
        ABT_eventual_wait(pong, NULL);
        ABT_eventual_reset(pong);
    }
    end_all(1, &other);
}

struct node {
    long number, size, sum;
};

static void node(void *arg)
{
    struct node *n = arg;
    struct node child[10];
    ABT_thread all[10];
    n->sum = n->size == 1 ? n->number : 0;
    if (n->size == 1)
        return;
    for (int i = 0; i < 10; i++) {
        child[i] = (struct node){n->number + i * (n->size / 10), n->size / 10, 0};
        start_all(1, &all[i], node, &child[i]);
    }
    end_all(10, all);
    for (int i = 0; i < 10; i++)
        n->sum += child[i].sum;
}

static void job_skynet(long count)
{
    struct node root = {0, count, 0};
    ABT_thread one;
    start_all(1, &one, node, &root);
    end_all(1, &one);
    peer_check_sum(root.sum, count);
}

static long started;

static void waiter(void *gate)
{
    started++;
    ABT_eventual_wait((ABT_eventual)gate, NULL);
}

static void job_parked(long count)
{
    ABT_eventual gate;
    ABT_thread one;
    must(ABT_eventual_create(0, &gate));
    for (long i = 0; i < count; i++)
        start_all(1, &one, waiter, gate);
    while (started < count)
        ABT_thread_yield();
    peer_all_parked(count);
}

int main(int argc, char **argv)
{
    static const struct peer_job jobs[] = {{"yield", job_yield},       {"spawn", job_spawn},
                                           {"pingpong", job_pingpong}, {"skynet", job_skynet},
                                           {"parked", job_parked},     {NULL, NULL}};
    ABT_xstream self;
    must(ABT_init(argc, argv));
    must(ABT_xstream_self(&self));
    must(ABT_xstream_get_main_pools(self, 1, &pool));
    peer_run(jobs, argc, argv);
    fflush(stdout);
    _Exit(0);
}
