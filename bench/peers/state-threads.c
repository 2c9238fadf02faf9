/* state-threads: one thread; no channels: a message is a word, and a condition variable each way. */
#include "peer.h"

#include <st.h>

static void start(void *(*fn)(void *), void *arg)
{
    if (!st_thread_create(fn, arg, 0, 16 << 10))
        peer_fail("st_thread_create failed");
}

static struct {
    long left;
    st_cond_t none_left;
} group;

static void done(void)
{
    if (--group.left == 0)
        st_cond_signal(group.none_left);
}

static void wait_group(void)
{
    while (group.left)
        st_cond_wait(group.none_left);
}

static void *yielder(void *count)
{
    for (long i = (long)count; i > 0; i--)
        st_thread_yield();
    done();
    return NULL;
}

static void job_yield(long count)
{
    group.left = PEER_YIELDERS;
    for (int i = 0; i < PEER_YIELDERS; i++)
        start(yielder, (void *)(count / PEER_YIELDERS));
    wait_group();
}

static void *ender(void *arg)
{
    done();
    return arg;
}

static void job_spawn(long count)
{
    for (long i = 0; i < count / PEER_BATCH; i++) {
        group.left = PEER_BATCH;
        for (int j = 0; j < PEER_BATCH; j++)
            start(ender, NULL);
        wait_group();
    }
}

static struct {
    st_cond_t ping, pong;
    int turn; /* 0: the caller's, 1: the partner's */
} table;

static void *partner(void *count)
{
    for (long i = (long)count; i > 0; i--) {
        while (table.turn == 0)
            st_cond_wait(table.ping);
        table.turn = 0;
        st_cond_signal(table.pong);
    }
    return NULL;
}

static void job_pingpong(long count)
{
    table.ping = st_cond_new();
    table.pong = st_cond_new();
    start(partner, (void *)(count / 2));
    for (long i = 0; i < count / 2; i++) {
        table.turn = 1;
        st_cond_signal(table.ping);
        while (table.turn == 1)
            st_cond_wait(table.pong);
    }
}

static void *waiter(void *gate)
{
    done();
    st_cond_wait(gate);
    return NULL;
}

static void job_parked(long count)
{
    st_cond_t gate = st_cond_new();
    group.left = count;
    for (long i = 0; i < count; i++)
        start(waiter, gate);
    wait_group();
    peer_all_parked(count);
}

int main(int argc, char **argv)
{
    static const struct peer_job jobs[] = {{"yield", job_yield},
                                           {"spawn", job_spawn},
                                           {"pingpong", job_pingpong},
                                           {"parked", job_parked},
                                           {NULL, NULL}};
    st_init();
    group.none_left = st_cond_new();
    peer_run(jobs, argc, argv);
    return 0;
}
