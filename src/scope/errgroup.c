/*
 * The error group: a wait group, a semaphore for the limit, and a context that the first error ends. Its
 * goroutines are free (their panics end the process, as in Go); what a scope does more is in scope.h. A
 * goroutine's last touch of the group is its done().
 */
#include "base/os.h"
#include "scope/ctx.h"

#include <oakum/sync.h>

enum { MAGIC = 0x6f616b65 };

struct oak_errgroup {
    uint32_t magic;
    _Atomic bool awaited;
    unsigned limit;
    _Atomic int err; /* the first */
    struct oak_ctx *ctx;
    oak_waitgroup wg;
    oak_sem places;
};

struct member {
    oak_errgroup *group;
    int (*fn)(void *);
    void *arg;
};

static bool ok(const oak_errgroup *g)
{
    return g && g->magic == MAGIC;
}

oak_errgroup *oak_errgroup_new(unsigned limit)
{
    oak_errgroup *g = oak__calloc(sizeof *g);
    if (!g)
        return NULL;
    g->ctx = oak_ctx_new(oak_ctx_current());
    if (!g->ctx) {
        oak__free(g);
        return NULL;
    }
    g->limit = limit;
    oak_sem_init(&g->places, limit);
    g->magic = MAGIC;
    return g;
}

static int run_member(void *args)
{
    struct member *m = args;
    oak_errgroup *g = m->group;
    int err = m->fn(m->arg), none = 0;
    if (err < 0 && cas_acq_rel(&g->err, &none, err))
        oak_ctx_cancel(g->ctx, err);
    if (g->limit)
        oak_sem_release(&g->places, 1);
    oak_waitgroup_done(&g->wg);
    return 0;
}

int oak_errgroup_go(oak_errgroup *g, int (*fn)(void *), void *arg)
{
    if (!ok(g) || !fn)
        return -EINVAL;
    int err = g->limit ? oak_sem_acquire(&g->places, 1) : 0;
    if (err)
        return err;
    oak_waitgroup_add(&g->wg, 1);
    const struct member m = {g, fn, arg};
    const struct oak__spawn s = {.entry = run_member,
                                 .fn = (const void *)(uintptr_t)fn,
                                 .args = &m,
                                 .args_size = sizeof m,
                                 .created_at = caller_pc(),
                                 .ctx = g->ctx};
    err = oak__spawn(&s);
    if (err) {
        if (g->limit)
            oak_sem_release(&g->places, 1);
        oak_waitgroup_done(&g->wg);
    }
    return err;
}

struct oak_ctx *oak_errgroup_ctx(oak_errgroup *g)
{
    return ok(g) ? g->ctx : NULL;
}

/* When the caller's own context ends the group is cancelled; that it ends is then waited for without any. */
static int wait_all(oak_errgroup *g)
{
    int err = oak_waitgroup_wait(&g->wg);
    if (!err)
        return 0;
    oak_ctx_cancel(g->ctx, err);
    oak_with_ctx (NULL) {
        while (oak_waitgroup_wait(&g->wg) < 0)
            ;
    }
    return err;
}

int oak_errgroup_wait(oak_errgroup *g)
{
    if (!ok(g))
        return -EINVAL;
    if (!oak__self()) /* a plain thread that cannot wait: the group stays */
        return -ENOMEM;
    if (swap_seq(&g->awaited, true))
        return -EINVAL;
    int cancelled = wait_all(g);
    int err = load_acquire(&g->err);
    g->magic = 0;
    oak_ctx_unref(g->ctx);
    oak__free(g);
    return err ? err : cancelled;
}
