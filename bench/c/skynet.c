/*
 * A tree of goroutines, ten children each, whose leaves (the count) send their number up and whose inner
 * nodes the sum of their children's; in milliseconds. Also the process's peak memory, in MiB.
 */
#include "bench.h"

OAK_TASK(node, oak_chan(long), up, long, number, long, size)
{
    oak_chan(long) children;
    long sum = 0;
    long value;

    if (size == 1) {
        MUST(oak_send(up, number));
        return;
    }
    children = oak_make(long, 0);
    for (int i = 0; i < 10; i++)
        MUST(oak_go_detached(node, children, number + i * (size / 10), size / 10));
    for (int i = 0; i < 10; i++) {
        MUST(oak_recv(children, &value));
        sum += value;
    }
    oak_chan_free(children);
    MUST(oak_send(up, sum));
}

static void tree(long count)
{
    oak_chan(long) root = oak_make(long, 0);
    long sum;

    MUST(oak_go_detached(node, root, 0, count));
    MUST(oak_recv(root, &sum));
    if (sum != (count - 1) * count / 2)
        must(-EPROTO, "skynet: wrong sum");
    oak_chan_free(root);
}

void job_skynet(long count)
{
    report("skynet", mean(3, tree, count) / 1e6);
    report("skynet_peak", peak() / (1 << 20));
}
