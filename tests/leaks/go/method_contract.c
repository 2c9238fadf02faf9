/* Go's leak-profile tests, "method contract": who starts a worker must stop it; one path returns before that. */
#include "kernel.h"

struct worker {
    oak_chan(int) work, stop;
};

OAK_TASK(loop, struct worker *, w)
{
    for (;;) {
        int v;
        int chosen = oak_select(oak_on_recv(w->work, &v), oak_on_recv(w->stop, &v));
        if (chosen != 0)
            return;
    }
}

static struct worker *worker_start(void)
{
    struct worker *w = malloc(sizeof *w);
    *w = (struct worker){oak_make(int, 0), oak_make(int, 0)};
    go(loop, w);
    return w;
}

static void worker_stop(struct worker *w)
{
    must(oak_chan_close(w->stop) == 0);
}

static int use(bool fails)
{
    struct worker *w = worker_start();
    must(oak_send(w->work, 1) == 0);
    if (fails)
        return -1; /* without worker_stop */
    worker_stop(w);
    return 0;
}

KERNEL
{
    must(use(false) == 0);
    must(use(true) == -1);
}

LEAKS(loop);
