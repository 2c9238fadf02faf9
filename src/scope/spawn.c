/* Starting goroutines: the public forms, on the scheduler's oak__spawn. */
#include "scope/scope.h"

#include <oakum/go.h>

struct plain {
    void (*fn)(void *);
    void *arg;
};

static int run_plain(void *args)
{
    struct plain *p = args;
    p->fn(p->arg);
    return 0;
}

/* A child of s (NULL: free) as `what` describes it. */
static int start(struct oak_scope *s, struct oak__spawn *what)
{
    if (!s)
        return oak__spawn(what);
    if (!scope_ok(s))
        return -EINVAL;
    int err = oak__scope_take_place(s);
    if (err)
        return err;
    what->scope = s;
    what->ctx = s->ctx;
    err = oak__spawn(what);
    if (err)
        oak__scope_give_place(s);
    return err;
}

static int start_plain(const struct oak_spawn_opts *o, void (*fn)(void *), void *arg, const void *caller)
{
    if (!fn)
        return -EINVAL;
    const struct plain p = {fn, arg};
    struct oak__spawn what = {.entry = run_plain,
                              .fn = (const void *)(uintptr_t)fn,
                              .args = &p,
                              .args_size = sizeof p,
                              .created_at = caller,
                              .name = o->name,
                              .stack_size = o->stack_size};
    return start(o->scope, &what);
}

int oak_spawn(void (*fn)(void *), void *arg)
{
    return start_plain(&(struct oak_spawn_opts){0}, fn, arg, caller_pc());
}

int oak_spawn_with(const struct oak_spawn_opts *opts, void (*fn)(void *), void *arg)
{
    return opts ? start_plain(opts, fn, arg, caller_pc()) : -EINVAL;
}

int oak__go_scope(oak_scope *s, oak__entry entry, void *fn, const void *args, size_t size)
{
    if (!s || !entry)
        return -EINVAL;
    struct oak__spawn what = {
        .entry = entry, .fn = fn, .args = args, .args_size = size, .created_at = caller_pc()};
    return start(s, &what);
}

int oak__go_detached(oak__entry entry, void *fn, const void *args, size_t size)
{
    if (!entry)
        return -EINVAL;
    struct oak__spawn what = {
        .entry = entry, .fn = fn, .args = args, .args_size = size, .created_at = caller_pc()};
    return start(NULL, &what);
}
