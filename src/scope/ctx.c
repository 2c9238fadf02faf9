/* Contexts: making, holding and asking. The whole picture is in ctx.h. */
#include "scope/ctx.h"

struct oak__slab oak__ctx_slab = OAK__SLAB("contexts", struct oak_ctx);
struct oak_ctx oak__ctx_failed = {.ended = -ENOMEM,
                                  .cause = -ENOMEM,
                                  .refs = UINT32_MAX / 2,
                                  .pins = 1,
                                  .magic = OAK__CTX_MAGIC,
                                  .deadline = OAK_FOREVER};

static void unpin(struct oak_ctx *c)
{
    if (fetch_sub_acq_rel(&c->pins, 1) == 1)
        oak__slab_free(&oak__ctx_slab, c);
}

void oak__ctx_get(struct oak_ctx *c)
{
    fetch_add_relaxed(&c->refs, 1);
}

void oak__ctx_disarm(struct oak_ctx *c)
{
    if (oak__timer_stop(&c->timer))
        unpin(c);
}

/* Nobody holds c any more. */
static void take_apart(struct oak_ctx *c)
{
    struct oak_ctx *outer = c->outer;
    store_relaxed(&c->magic, 0);
    if (outer && !c->shield) {
        lock(&outer->lock);
        if (list_linked(&c->sibling))
            list_remove(&c->sibling);
        unlock(&outer->lock);
    }
    oak__ctx_disarm(c);
    oak__ctx_free_done(c);
    unpin(c);
}

/* Taking one apart gives up its hold on the outer one: a loop, because chains may be long. */
void oak__ctx_put(struct oak_ctx *c)
{
    while (c && fetch_sub_acq_rel(&c->refs, 1) == 1) {
        struct oak_ctx *outer = c->outer;
        take_apart(c);
        c = outer;
    }
}

/* The deadline has come, perhaps while or after c was ended or taken apart; the armed timer's pin is ours. */
static void deadline_met(struct oak__timer *t, uint64_t unused)
{
    (void)unused;
    struct oak_ctx *c = container_of(t, struct oak_ctx, timer);
    if (ctx_try_get(c)) {
        oak__ctx_end(c, -ETIMEDOUT, -ETIMEDOUT);
        oak__ctx_put(c);
    }
    unpin(c);
}

static void arm(struct oak_ctx *c)
{
    fetch_add_relaxed(&c->pins, 1);
    oak__timer_start(&c->timer, c->deadline, deadline_met, 0);
}

/* Among parent's children; 0, or the error with which parent had ended by then. Entered. */
static int hang_below(struct oak_ctx *c, struct oak_ctx *parent)
{
    lock(&parent->lock);
    int err = load_relaxed(&parent->ended);
    if (!err)
        list_push_back(&parent->children, &c->sibling);
    unlock(&parent->lock);
    return err;
}

/* Entered. The timer is armed first: an end that comes from the parent then finds it and takes it back. */
static void set_up(struct oak_ctx *c, struct oak_ctx *outer, int64_t deadline, bool shield)
{
    int64_t inherited = shield ? OAK_FOREVER : oak_ctx_deadline(outer);
    bool own = deadline < inherited;
    store_relaxed(&c->refs, 1);
    store_relaxed(&c->pins, 1);
    store_relaxed(&c->magic, OAK__CTX_MAGIC);
    c->shield = shield;
    c->outer = oak_ctx_ref(outer);
    c->deadline = own ? deadline : inherited;
    bool late = own && deadline <= oak_now();
    if (own && !late)
        arm(c);
    int err = outer && !shield ? hang_below(c, outer) : 0;
    if (err)
        oak__ctx_end(c, err, outer->cause);
    else if (late)
        oak__ctx_end(c, -ETIMEDOUT, -ETIMEDOUT);
}

struct oak_ctx *oak__ctx_make(struct oak_ctx *outer, int64_t deadline, bool shield)
{
    if (deadline != OAK_FOREVER && oak__start())
        return NULL; /* nobody would run the timer */
    oak__enter();
    struct oak_ctx *c = oak__slab_alloc(&oak__ctx_slab);
    if (c)
        set_up(c, outer, deadline, shield);
    oak__exit();
    return c;
}

void oak__ctx_wrong(const struct oak_ctx *c, const void *caller)
{
    oak__panic_at(caller, "%p is no context, or no longer one: was the last reference given back?",
                  (const void *)c);
}

oak_ctx *oak_ctx_new(oak_ctx *parent)
{
    ctx_must_be_one(parent);
    return oak__ctx_make(parent, OAK_FOREVER, false);
}

oak_ctx *oak_ctx_with_timeout(oak_ctx *parent, int64_t d)
{
    ctx_must_be_one(parent);
    return oak__ctx_make(parent, oak__deadline_of(d), false);
}

oak_ctx *oak_ctx_with_deadline(oak_ctx *parent, int64_t t)
{
    ctx_must_be_one(parent);
    return oak__ctx_make(parent, t, false);
}

oak_ctx *oak_ctx_with_value(oak_ctx *parent, const void *key, void *value)
{
    ctx_must_be_one(parent);
    oak_ctx *c = oak__ctx_make(parent, OAK_FOREVER, false);
    if (c) {
        c->key = key;
        c->value = value;
    }
    return c;
}

oak_ctx *oak_ctx_ref(oak_ctx *c)
{
    ctx_must_be_one(c);
    if (c)
        oak__ctx_get(c);
    return c;
}

void oak_ctx_unref(oak_ctx *c)
{
    ctx_must_be_one(c);
    if (!c)
        return;
    uint32_t n = load_relaxed(&c->refs);
    while (n > 1)
        if (cas_release(&c->refs, &n, n - 1))
            return;
    oak__enter();
    oak__ctx_put(c);
    oak__exit();
}

int oak_ctx_err(const oak_ctx *c)
{
    return !c ? 0 : ctx_ok(c) ? load_acquire(&c->ended) : -EINVAL;
}

int oak_ctx_cause(const oak_ctx *c)
{
    return !c ? 0 : !ctx_ok(c) ? -EINVAL : load_acquire(&c->ended) ? c->cause : 0;
}

int64_t oak_ctx_deadline(const oak_ctx *c)
{
    ctx_must_be_one(c);
    return c ? c->deadline : OAK_FOREVER;
}

void *oak_ctx_value(const oak_ctx *c, const void *key)
{
    ctx_must_be_one(c);
    for (; c; c = c->outer)
        if (key && c->key == key)
            return c->value;
    return NULL;
}
