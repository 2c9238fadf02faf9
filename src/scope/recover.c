/* Deferred calls, and the places where a panic stops; see panic.h. */
#include "scope/panic.h"
#include "sync/reads.h"

void oak__defer_enter(struct oak__defer *d, void (*fn)(void *), void *arg)
{
    defer_push(oak__self(), d, fn, arg);
}

void oak__defer_leave(struct oak__defer *d)
{
    defer_pop(d->owner, d);
    if (d->fn)
        d->fn(d->arg);
}

int oak_recover(void (*fn)(void *), void *arg, struct oak_panic_info *info)
{
    if (!fn)
        return -EINVAL;
    struct oak__g *g = oak__self();
    struct oak__frame f;
    if (!g)
        return -ENOMEM;
    frame_push(g, &f, info);
    if (jump_save(&f.jump) == 0) {
        fn(arg);
        frame_pop(g, &f);
        return 0;
    }
    frame_pop(g, &f);
    return -ENOTRECOVERABLE;
}

int oak__run_protected(struct oak__g *g, oak__entry entry, void *args, const char **panic)
{
    struct oak__frame f;
    int result;
    frame_push(g, &f, NULL);
    f.text = panic;
    f.ends_process = load_relaxed(&g->scope) == NULL;
    if (jump_save(&f.jump) == 0) {
        result = entry(args);
    } else {
        result = -ENOTRECOVERABLE;
    }
    frame_pop(g, &f);
    if (g->reads)
        oak__reads_clear(g);
    return result;
}

int oak__call_recovered(void (*fn)(void *), void *arg, struct oak_panic_info *info)
{
    int err = oak_recover(fn, arg, info);
    struct oak__g *g = oak__self();
    if (g->reads)
        oak__reads_clear(g);
    return err;
}
