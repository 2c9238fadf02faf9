/*
 * Blocks with another ambient context. Each stands in the goroutine's chain of defers (panic.h), so a panic
 * that leaves the block restores the outer context, too.
 */
#include "scope/ctx.h"
#include "scope/panic.h"

struct ambient {
    struct oak__defer link;
    struct oak_ctx *outer; /* the reference that the goroutine had on it; NULL: background */
};
_Static_assert(sizeof(struct ambient) <= sizeof(struct oak__ambient), "oak__ambient");

static void restore(void *arg)
{
    struct ambient *a = arg;
    if (!a->link.owner) {
        oak__thread_allow();
        return;
    }
    oak__enter();
    oak__ctx_put(oak__ctx_exchange(a->link.owner, a->outer));
    oak__exit();
}

SCHEDULER_STEP void oak__ambient_reclaim(struct oak__defer *d)
{
    if (d->fn != restore)
        return;
    struct ambient *a = d->arg;
    struct oak_ctx *outer = a->outer;
    a->outer = oak__ctx_make_ended(outer);
    oak_ctx_unref(outer);
}

/* inner: the caller's reference becomes the goroutine's. */
static struct oak__ambient *enter_with(struct oak__ambient *mem, struct oak_ctx *inner)
{
    struct ambient *a = (struct ambient *)mem;
    struct oak__g *g = oak__enter();
    defer_push(g, &a->link, restore, a);
    if (!g) {
        oak_ctx_unref(inner);
        oak__thread_refuse();
        return mem;
    }
    a->outer = oak__ctx_exchange(g, inner);
    oak__exit();
    return mem;
}

static struct oak__ambient *enter_new(struct oak__ambient *mem, int64_t d, bool shield)
{
    struct oak_ctx *c = oak__ctx_make(oak_ctx_current(), oak__deadline_of(d), shield);
    return enter_with(mem, c ? c : oak_ctx_ref(&oak__ctx_failed));
}

struct oak__ambient *oak__ambient_enter_ctx(struct oak__ambient *a, oak_ctx *c)
{
    ctx_must_be_one(c);
    return enter_with(a, oak_ctx_ref(c));
}

struct oak__ambient *oak__ambient_enter_timeout(struct oak__ambient *a, int64_t d)
{
    return enter_new(a, d, false);
}

struct oak__ambient *oak__ambient_enter_shield(struct oak__ambient *a, int64_t d)
{
    return enter_new(a, d, true);
}

void oak__ambient_leave(struct oak__ambient *mem)
{
    struct ambient *a = (struct ambient *)mem;
    defer_pop(a->link.owner, &a->link);
    restore(a);
}
