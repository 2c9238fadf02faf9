/* A scope as its owner sees it: opened, waited for, left. The whole picture is in scope.h. */
#include "scope/scope.h"
#include "scope/panic.h"
#include "sched/stats.h"

/* A child that ignores its cancellation is named after so long. */
#define DEFAULT_SHUTDOWN (10 * OAK_SECOND)

static void unwind(void *arg);

oak_scope
    *oak_scope_current(void)
    {
        struct oak__g *g = oak__self();
        if (!g)
            return NULL;
        for (struct oak__defer *d = g->defers; d; d = d->outer)
            if (d->fn == unwind)
                return d->arg;
        return load_relaxed(&g->scope);
    }

/* Its owner is a plain thread without memory for a stand-in: there will be no children. */
static struct oak_scope *fail_to_open(struct oak_scope *s)
{
    s->ctx = oak_ctx_ref(&oak__ctx_failed);
    oak__thread_refuse();
    return s;
}

oak_scope
    *oak__scope_enter(struct oak__scope_mem *mem, const struct oak_scope_opts *opts)
    {
        struct oak_scope *s = (struct oak_scope *)mem;
        if (unlikely((unsigned)opts->policy > OAK_QUORUM))
            oak__panic_at(caller_pc(), "scope %s: %d is no policy",
                          opts->name ? opts->name : "without a name", (int)opts->policy);
        s->opts = *opts;
        s->opened_at = caller_pc();
        s->magic = OAK__SCOPE_MAGIC;
        s->owner = oak__self();
        if (!s->owner)
            return fail_to_open(s);
        s->parent = oak_scope_current();
        int64_t limit = opts->timeout ? opts->timeout : OAK_FOREVER;
        s->ctx = oak__ctx_make(oak_ctx_current(), oak__deadline_of(limit), false);
        if (!s->ctx)
            s->ctx = oak_ctx_ref(&oak__ctx_failed);

        oak__enter();
        s->outer = oak_ctx_ref(load_relaxed(&s->owner->ctx));
        oak__ctx_switch(s->owner, s->ctx);
        oak__scope_hang(s);
        oak__exit();
        defer_push(s->owner, &s->unwind, unwind, s);
        return s;
    }

/* 0: idle. Entered. */
static int wait_idle_until(struct oak_scope *s, struct oak__g *g, int64_t deadline)
{
    lock(&s->lock);
    if (s->running == 0) {
        unlock(&s->lock);
        return 0;
    }
    struct oak__waiter *w = oak__wait_begin(g, OAK_WAIT_SCOPE, s, deadline);
    waitq_push(&s->idle_wait, w);
    unlock(&s->lock);
    return waitq_park(g, w, &s->idle_wait, &s->lock);
}

/*
 * In three steps. First with the scope's context as the ambient one, so that its end wakes the owner (that
 * the scope's own block may have another one plays no part). Then out of reach of any context, with the
 * children having the shutdown time to end; then, once they have been named, without a limit.
 */
void oak__scope_wait_idle(struct oak_scope *s)
{
    if (!s->owner)
        return;
    struct oak__g *g = oak__enter();
    struct oak_ctx *ambient = oak__ctx_mask(g);
    oak__ctx_unmask(g, s->ctx);
    int err = wait_idle_until(s, g, OAK_FOREVER);
    oak__ctx_mask(g);
    if (err) {
        int64_t limit = s->opts.shutdown > 0 ? s->opts.shutdown : s->opts.shutdown ? 0 : DEFAULT_SHUTDOWN;
        err = wait_idle_until(s, g, oak__deadline_of(limit));
        if (err) {
            oak__exit();
            oak__scope_name_overrun(s, limit);
            oak__enter();
        }
        while (err)
            err = wait_idle_until(s, g, OAK_FOREVER);
    }
    oak__ctx_unmask(g, ambient);
    oak__exit();
}

/* Everything but the chain of defers. */
static void finish(struct oak_scope *s)
{
    oak__scope_wait_idle(s);
    if (s->opts.err)
        *s->opts.err = oak__scope_result(s);
    if (s->owner) {
        oak__enter();
        oak__scope_unhang(s);
        oak__ctx_switch(s->owner, s->outer);
        oak__ctx_put(s->outer);
        oak__ctx_put(s->ctx);
        oak__exit();
    } else {
        oak_ctx_unref(s->ctx);
        oak__thread_allow();
    }
    oak__scope_free_failures(s);
    s->magic = 0;
}

void oak__scope_leave(struct oak__scope_mem *mem)
{
    struct oak_scope *s = (struct oak_scope *)mem;
    defer_pop(s->owner, &s->unwind);
    finish(s);
}

/* A panic leaves the scope. */
static void unwind(void *arg)
{
    struct oak_scope *s = arg;
    oak_ctx_cancel(s->ctx, -ECANCELED);
    finish(s);
}

SCHEDULER_STEP void oak__scope_reclaim(struct oak__defer *d)
{
    if (d->fn != unwind)
        return;
    struct oak_scope *s = d->arg;
    struct oak_ctx *outer = s->outer;
    oak_ctx_cancel(s->ctx, -ECANCELED);
    s->outer = oak__ctx_make_ended(outer);
    oak_ctx_unref(outer);
}

int oak_scope_wait(oak_scope *s)
{
    if (!scope_ok(s))
        return -EINVAL;
    if (s->owner != oak__self())
        return -EPERM;
    oak__scope_wait_idle(s);
    return oak__scope_result(s);
}

int oak_scope_cancel(oak_scope *s, int cause)
{
    return scope_ok(s) ? oak_ctx_cancel(s->ctx, cause) : -EINVAL;
}

oak_ctx *oak_scope_ctx(oak_scope *s)
{
    return scope_ok(s) ? s->ctx : NULL;
}

const char *oak__scope_name(const struct oak_scope *s)
{
    return s->opts.name;
}
