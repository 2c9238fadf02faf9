/* libdill: one thread; channels are unbuffered only. */
#include "peer.h"

#include <libdill.h>

static coroutine void yielder(long count)
{
    for (long i = 0; i < count; i++)
        yield();
}

static void job_yield(long count)
{
    int b = bundle();
    for (int i = 0; i < PEER_YIELDERS; i++)
        if (bundle_go(b, yielder(count / PEER_YIELDERS)) < 0)
            peer_fail("go");
    bundle_wait(b, -1);
    hclose(b);
}

static coroutine void ender(void) {}

static void job_spawn(long count)
{
    int b = bundle();
    for (long i = 0; i < count / PEER_BATCH; i++) {
        for (int j = 0; j < PEER_BATCH; j++)
            if (bundle_go(b, ender()) < 0)
                peer_fail("go");
        bundle_wait(b, -1);
    }
    hclose(b);
}

static coroutine void partner(int ping, int pong)
{
    int value;
    while (!chrecv(ping, &value, sizeof value, -1)) {
        value++;
        if (chsend(pong, &value, sizeof value, -1))
            return;
    }
}

static void job_pingpong(long count)
{
    int ping[2], pong[2], value = 0;
    if (chmake(ping) || chmake(pong))
        peer_fail("chmake");
    int h = go(partner(ping[1], pong[0]));
    for (long i = 0; i < count / 2; i++)
        if (chsend(ping[0], &value, sizeof value, -1) || chrecv(pong[1], &value, sizeof value, -1))
            peer_fail("pingpong");
    hclose(h);
}

static coroutine void node(int up, long number, long size)
{
    int children[2];
    long sum = 0, value;
    if (size == 1) {
        chsend(up, &number, sizeof number, -1);
        return;
    }
    int b = bundle();
    if (b < 0 || chmake(children))
        peer_fail("skynet: no handle");
    for (int i = 0; i < 10; i++)
        if (bundle_go(b, node(children[0], number + i * (size / 10), size / 10)) < 0)
            peer_fail("skynet: go");
    for (int i = 0; i < 10; i++) {
        chrecv(children[1], &value, sizeof value, -1);
        sum += value;
    }
    bundle_wait(b, -1);
    hclose(b);
    hclose(children[0]);
    hclose(children[1]);
    chsend(up, &sum, sizeof sum, -1);
}

static void job_skynet(long count)
{
    int root[2];
    long sum = 0;
    if (chmake(root))
        peer_fail("chmake");
    int h = go(node(root[0], 0, count));
    chrecv(root[1], &sum, sizeof sum, -1);
    hclose(h);
    peer_check_sum(sum, count);
}

static coroutine void waiter(int ch)
{
    char none;
    chrecv(ch, &none, sizeof none, -1);
}

static void job_parked(long count)
{
    int gate[2], b = bundle();
    if (chmake(gate))
        peer_fail("chmake");
    for (long i = 0; i < count; i++)
        if (bundle_go(b, waiter(gate[1])) < 0)
            peer_fail("parked: go failed");
    peer_all_parked(count);
    hclose(b);
}

int main(int argc, char **argv)
{
    static const struct peer_job jobs[] = {{"yield", job_yield},       {"spawn", job_spawn},
                                           {"pingpong", job_pingpong}, {"skynet", job_skynet},
                                           {"parked", job_parked},     {NULL, NULL}};
    peer_run(jobs, argc, argv);
    return 0;
}
