/* neco: one thread. */
#include "peer.h"

#include <neco.h>

static void must(int result)
{
    if (result != NECO_OK)
        peer_fail(neco_strerror(result));
}

static void yielder(int argc, void *argv[])
{
    (void)argc;
    neco_waitgroup *wg = argv[0];
    long count = *(long *)argv[1];
    for (long i = 0; i < count; i++)
        neco_yield();
    neco_waitgroup_done(wg);
}

static void job_yield(long count)
{
    neco_waitgroup wg;
    neco_waitgroup_init(&wg);
    neco_waitgroup_add(&wg, PEER_YIELDERS);
    count /= PEER_YIELDERS;
    for (int i = 0; i < PEER_YIELDERS; i++)
        must(neco_start(yielder, 2, &wg, &count));
    neco_waitgroup_wait(&wg);
}

static void ender(int argc, void *argv[])
{
    (void)argc;
    neco_waitgroup_done(argv[0]);
}

static void job_spawn(long count)
{
    neco_waitgroup wg;
    neco_waitgroup_init(&wg);
    for (long i = 0; i < count / PEER_BATCH; i++) {
        neco_waitgroup_add(&wg, PEER_BATCH);
        for (int j = 0; j < PEER_BATCH; j++)
            must(neco_start(ender, 1, &wg));
        neco_waitgroup_wait(&wg);
    }
}

static void partner(int argc, void *argv[])
{
    (void)argc;
    neco_chan *ping = argv[0], *pong = argv[1];
    int value;
    while (neco_chan_recv(ping, &value) == NECO_OK) {
        value++;
        must(neco_chan_send(pong, &value));
    }
    neco_chan_close(pong);
}

static void job_pingpong(long count)
{
    neco_chan *ping, *pong;
    int value = 0;
    must(neco_chan_make(&ping, sizeof value, 0));
    must(neco_chan_make(&pong, sizeof value, 0));
    must(neco_start(partner, 2, ping, pong));
    for (long i = 0; i < count / 2; i++) {
        must(neco_chan_send(ping, &value));
        must(neco_chan_recv(pong, &value));
    }
    neco_chan_close(ping);
    neco_chan_recv(pong, &value);
    neco_chan_release(ping);
    neco_chan_release(pong);
}

static void sender(int argc, void *argv[])
{
    (void)argc;
    neco_chan *values = argv[0];
    int count = (int)*(long *)argv[1];
    for (int i = 0; i < count; i++)
        must(neco_chan_send(values, &i));
    neco_chan_close(values);
}

static void job_buffered(long count)
{
    neco_chan *values;
    int value;
    long received = 0;
    must(neco_chan_make(&values, sizeof value, PEER_BUFFER));
    must(neco_start(sender, 2, values, &count));
    while (neco_chan_recv(values, &value) == NECO_OK)
        received++;
    if (received != count)
        peer_fail("buffered: lost values");
    neco_chan_release(values);
}

static void node(int argc, void *argv[])
{
    (void)argc;
    neco_chan *up = argv[0];
    long number = (long)argv[1], size = (long)argv[2], sum = 0, value;
    neco_chan *children;
    if (size == 1) {
        must(neco_chan_send(up, &number));
        return;
    }
    must(neco_chan_make(&children, sizeof value, 0));
    for (int i = 0; i < 10; i++)
        must(neco_start(node, 3, children, (void *)(number + i * (size / 10)), (void *)(size / 10)));
    for (int i = 0; i < 10; i++) {
        must(neco_chan_recv(children, &value));
        sum += value;
    }
    neco_chan_release(children);
    must(neco_chan_send(up, &sum));
}

static void job_skynet(long count)
{
    neco_chan *root;
    long sum = 0;
    must(neco_chan_make(&root, sizeof sum, 0));
    must(neco_start(node, 3, root, NULL, (void *)count));
    must(neco_chan_recv(root, &sum));
    neco_chan_release(root);
    peer_check_sum(sum, count);
}

static void waiter(int argc, void *argv[])
{
    (void)argc;
    char none;
    neco_chan_recv(argv[0], &none);
}

static void job_parked(long count)
{
    neco_chan *gate;
    must(neco_chan_make(&gate, 1, 0));
    for (long i = 0; i < count; i++)
        must(neco_start(waiter, 1, gate));
    peer_all_parked(count);
}

static void app(int argc, void *argv[])
{
    static const struct peer_job jobs[] = {{"yield", job_yield},
                                           {"spawn", job_spawn},
                                           {"pingpong", job_pingpong},
                                           {"buffered", job_buffered},
                                           {"skynet", job_skynet},
                                           {"parked", job_parked},
                                           {NULL, NULL}};
    peer_run(jobs, argc, (char **)argv);
    fflush(stdout);
    exit(0);
}

int main(int argc, char **argv)
{
    return neco_startv(app, argc, (void **)argv) != NECO_OK;
}
