/*
 * The live scopes, for those outside. They are copied under the locks of the tree (scope/scope_tree.c), which no call-back may run
 * under; so the tree is as it was at one moment, and scopes are left while it is told.
 */
#include "base/os.h"
#include "inspect/symbol.h"
#include "sched/g.h"
#include "scope/scope.h"

#include <oakum/inspect.h>

struct copy {
    struct oak_scope_info info;
    char name[64];
};

struct list {
    struct copy *at;
    size_t n, room; /* n: that there are; may be more than there is room for */
};

static bool count(const struct oak_scope *s, int depth, void *arg)
{
    (void)s, (void)depth;
    ++*(size_t *)arg;
    return true;
}

static bool collect(const struct oak_scope *s, int depth, void *arg)
{
    struct list *l = arg;
    if (l->n++ >= l->room)
        return true;
    struct copy *c = &l->at[l->n - 1];
    c->info = (struct oak_scope_info){
        .scope = s,
        .parent = s->parent,
        .depth = depth,
        .owner = load_relaxed(&s->owner->id),
        .opened_at = s->opened_at,
        .children = s->running,
        .closed = s->closed,
        .err = oak_ctx_err(s->ctx),
    };
    c->name[0] = 0;
    if (s->opts.name)
        oak__symbol_copy(c->name, sizeof c->name, s->opts.name);
    return true;
}

static int list_all(struct list *l)
{
    size_t there = 0;
    oak__scopes_each(count, &there);
    do {
        oak__free(l->at);
        l->room = there + there / 8 + 16;
        l->at = oak__malloc(l->room * sizeof *l->at);
        if (!l->at)
            return -ENOMEM;
        l->n = 0;
        oak__scopes_each(collect, l);
        there = l->n;
    } while (l->n > l->room);
    return 0;
}

static void free_list(void *l)
{
    oak__free(((struct list *)l)->at);
}

int64_t oak_scopes(bool (*fn)(const struct oak_scope_info *s, void *arg), void *arg)
{
    struct list l = {NULL, 0, 0};
    int64_t visited = 0;
    if (!fn)
        return -EINVAL;
    if (list_all(&l))
        return -ENOMEM;
    oak_defer(free_list, &l); /* fn may panic */
    for (size_t i = 0; i < l.n; i++) {
        struct copy *c = &l.at[i];
        c->info.name = c->name[0] ? c->name : NULL;
        visited++;
        if (!fn(&c->info, arg))
            break;
    }
    return visited;
}
