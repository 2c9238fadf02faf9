/*
 * The tree of live scopes, as it is seen from outside. A scope hangs below the scope it was opened in, or
 * among the roots. Who walks holds the locks of all scopes from the root to where it is: a scope takes its
 * parent's lock to leave the tree, so none of those is left meanwhile.
 */
#include "scope/scope.h"

static oak__lock roots_lock;
static struct oak__link roots;

const struct oak__link *oak__scope_roots(void)
{
    return &roots;
}

static oak__lock *lock_above(struct oak_scope *s)
{
    return s->parent ? &s->parent->lock : &roots_lock;
}

/* Entered. */
void oak__scope_hang(struct oak_scope *s)
{
    oak__lock *l = lock_above(s);
    lock(l);
    list_push_back(s->parent ? &s->parent->subscopes : &roots, &s->sibling);
    unlock(l);
}

/* Entered. */
void oak__scope_unhang(struct oak_scope *s)
{
    oak__lock *l = lock_above(s);
    lock(l);
    list_remove(&s->sibling);
    unlock(l);
}

static struct oak_scope *first_in(const struct oak__link *list)
{
    return list_empty(list) ? NULL : container_of(list->next, struct oak_scope, sibling);
}

static struct oak_scope *next_of(struct oak_scope *s)
{
    const struct oak__link *list = s->parent ? &s->parent->subscopes : &roots;
    return s->sibling.next == list ? NULL : container_of(s->sibling.next, struct oak_scope, sibling);
}

/* The next scope in the walk, locked; locks of those whose subtrees are done are given up. NULL: done. */
static struct oak_scope *step(struct oak_scope *s, int *depth)
{
    struct oak_scope *to = first_in(&s->subscopes);
    *depth += to != NULL;
    while (s && !to) {
        to = next_of(s);
        struct oak_scope *done = s;
        if (!to) {
            s = s->parent;
            --*depth;
        }
        unlock(&done->lock);
    }
    if (to)
        lock(&to->lock);
    return to;
}

static void unlock_upwards(struct oak_scope *s)
{
    while (s) {
        struct oak_scope *parent = s->parent;
        unlock(&s->lock);
        s = parent;
    }
}

void oak__scopes_each(bool (*fn)(const struct oak_scope *s, int depth, void *arg), void *arg)
{
    int depth = 0;
    oak__enter();
    lock(&roots_lock);
    struct oak_scope *s = first_in(&roots);
    if (s)
        lock(&s->lock);
    while (s) {
        if (!fn(s, depth, arg)) {
            unlock_upwards(s);
            break;
        }
        s = step(s, &depth);
    }
    unlock(&roots_lock);
    oak__exit();
}
