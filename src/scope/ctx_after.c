/*
 * After-functions: each runs in a goroutine of its own when its context ends. The end may come from a timer's
 * call-back, where nothing may be waited for; when there is no memory for a goroutine just then, a timer
 * tries again: an after-function is never forgotten.
 */
#include "scope/ctx_after.h"

#define TRY_AGAIN (10 * OAK_MILLISECOND)

struct oak__slab oak__after_slab = OAK__SLAB("after-functions", struct oak_after);

struct call {
    void (*fn)(void *);
    void *arg;
};

static int run_call(void *args)
{
    struct call *c = args;
    c->fn(c->arg);
    return 0;
}

static void let_go(struct oak_after *a, uint32_t holds)
{
    if (fetch_sub_acq_rel(&a->holders, holds) == holds)
        oak__slab_free(&oak__after_slab, a);
}

static void run(struct oak_after *a);

static void run_late(struct oak__timer *t, uint64_t unused)
{
    (void)unused;
    run(container_of(t, struct oak_after, timer));
}

/* Entered. */
static void run(struct oak_after *a)
{
    const struct call call = {a->fn, a->arg};
    const struct oak__spawn s = {.entry = run_call,
                                 .fn = (const void *)(uintptr_t)a->fn,
                                 .args = &call,
                                 .args_size = sizeof call,
                                 .created_at = a->created_at};
    if (oak__spawn_entered(&s))
        oak__timer_start(&a->timer, oak_now() + TRY_AGAIN, run_late, 0);
    else
        let_go(a, 1);
}

void oak__afters_take(struct oak_ctx *c, struct oak__link *taken)
{
    struct oak__link *l;
    while ((l = list_pop_front(&c->afters))) {
        container_of(l, struct oak_after, link)->taken = true;
        list_push_back(taken, l);
    }
}

void oak__afters_run(struct oak__link *taken)
{
    struct oak__link *l;
    while ((l = list_pop_front(taken)))
        run(container_of(l, struct oak_after, link));
}

/* Entered: false when c has ended already. */
static bool enlist(struct oak_ctx *c, struct oak_after *a)
{
    lock(&c->lock);
    a->taken = load_relaxed(&c->ended) != 0;
    if (!a->taken)
        list_push_back(&c->afters, &a->link);
    unlock(&c->lock);
    return !a->taken;
}

oak_after *oak_ctx_after(oak_ctx *c, void (*fn)(void *), void *arg)
{
    ctx_must_be_one(c);
    if (!fn || oak__start())
        return NULL;
    const void *caller = caller_pc();
    oak__enter();
    struct oak_after *a = oak__slab_alloc(&oak__after_slab);
    if (a) {
        a->c = oak_ctx_ref(c);
        a->fn = fn;
        a->arg = arg;
        a->created_at = caller;
        store_relaxed(&a->holders, 2);
        store_relaxed(&a->magic, OAK__AFTER_MAGIC);
        if (c && !enlist(c, a))
            run(a);
    }
    oak__exit();
    return a;
}

/* Entered: true when a was still in its context's list and is so no more. */
static bool delist(struct oak_after *a)
{
    if (!a->c)
        return true;
    lock(&a->c->lock);
    bool there = !a->taken;
    if (there)
        list_remove(&a->link);
    unlock(&a->c->lock);
    return there;
}

bool oak_ctx_after_stop(oak_after *a)
{
    uint32_t magic = OAK__AFTER_MAGIC;
    if (!a || !cas_acq_rel(&a->magic, &magic, 0))
        return false;
    oak__enter();
    bool stopped = delist(a);
    struct oak_ctx *c = a->c;
    let_go(a, stopped ? 2 : 1);
    if (c)
        oak__ctx_put(c);
    oak__exit();
    return stopped;
}
