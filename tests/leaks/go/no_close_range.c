/* Go's leak-profile tests, "range without close": the workers take all there is and wait for more; the channel that nobody
 * closes is forgotten. */
#include "kernel.h"

OAK_TASK(worker, oak_chan(int), work)
{
    oak_range (work, item)
        (void)item;
}

static void distribute(const int *items, int n, int workers)
{
    oak_chan(int) work = oak_make(int, 0);
    for (int i = 0; i < workers; i++)
        go(worker, work);
    for (int i = 0; i < n; i++)
        must(oak_send(work, items[i]) == 0);
    /* The cure: oak_chan_close(work). */
}

KERNEL
{
    const int items[] = {1, 2, 3, 4, 5, 6};
    distribute(items, 6, 3);
}

LEAKS(worker);
