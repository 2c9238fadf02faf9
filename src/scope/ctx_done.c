/*
 * A context's done channel: made when first asked for, closed when the context ends. Who makes it and who
 * ends the context meet at the context's lock: the ender, after marking the end, finds the channel, or the
 * maker, after publishing the channel, finds the end. Closing twice does no harm.
 */
#include "scope/ctx.h"
#include "sync/chan.h"

/* c's channel: the one offered, unless it had one. Entered. */
static struct oak__chan *publish(struct oak_ctx *c, struct oak__chan *offered)
{
    lock(&c->lock);
    struct oak__chan *d = load_relaxed(&c->done);
    if (!d) {
        d = offered;
        store_release(&c->done, d);
    }
    bool ended = load_relaxed(&c->ended) != 0;
    unlock(&c->lock);
    if (ended)
        oak__ctx_close_done(c);
    return d;
}

oak_done_chan oak_ctx_done(oak_ctx *c)
{
    ctx_must_be_one(c);
    if (!c)
        return NULL;
    struct oak__chan *d = load_acquire(&c->done);
    if (!d) {
        struct oak__chan *offered = oak__chan_make(sizeof(char), 0);
        if (!offered)
            return NULL;
        oak__enter();
        d = publish(c, offered);
        oak__exit();
        if (d != offered)
            oak__chan_free(offered);
    }
    return (oak_done_chan)(uintptr_t)d;
}

void oak__ctx_close_done(struct oak_ctx *c)
{
    struct oak__chan *d = load_acquire(&c->done);
    if (d)
        oak__chan_close_entered(d);
}

void oak__ctx_free_done(struct oak_ctx *c)
{
    struct oak__chan *d = load_acquire(&c->done);
    if (d)
        oak__chan_free_entered(d);
}
