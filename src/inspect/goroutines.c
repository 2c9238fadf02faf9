/* All goroutines, in order of id, while they go on. */
#include "base/os.h"
#include "inspect/snapshot.h"
#include "inspect/walk.h"
#include "sched/inside.h"
#include "sched/sched.h"

#include <oakum/panic.h>

#include <stdlib.h>

struct entry {
    uint64_t id;
    struct oak__g *g;
};

struct list {
    struct entry *entry;
    size_t n, room;
};

static bool count(struct oak__g *g, void *arg)
{
    *(size_t *)arg += load_relaxed(&g->id) != 0;
    return true;
}

static bool collect(struct oak__g *g, void *arg)
{
    struct list *l = arg;
    uint64_t id = load_acquire(&g->id);
    if (id != 0 && g->kind == OAK__G_GOROUTINE)
        l->entry[l->n++] = (struct entry){id, g};
    return l->n < l->room;
}

static int by_id(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* Those that are there now; ids and addresses only, 16 bytes each. */
static int list_all(struct list *l)
{
    oak__each_g(count, &l->room);
    l->room += l->room / 8 + 64;
    l->entry = oak__malloc(l->room * sizeof *l->entry);
    if (!l->entry)
        return -ENOMEM;
    oak__each_g(collect, l);
    qsort(l->entry, l->n, sizeof l->entry[0], by_id);
    return 0;
}

/* As oak__snapshot; *anew: the addresses of code have been read anew in this series. */
static bool snapshot(const struct entry *e, struct oak_goroutine_info *info, struct oak__strings *strings,
                     bool *anew)
{
    bool there = oak__snapshot(e->g, e->id, OAK__VIEW_LIVE, info, strings);
    if (*anew || likely(!oak__text_missed()))
        return there;
    *anew = true;
    oak__text_refresh();
    return oak__snapshot(e->g, e->id, OAK__VIEW_LIVE, info, strings);
}

struct visit {
    bool (*fn)(const struct oak_goroutine_info *g, void *arg);
    void *arg;
    int64_t visited;
    struct list l;
};

static void end_visit(void *arg)
{
    struct visit *v = arg;
    oak__looking_end();
    oak__free(v->l.entry);
}

static void visit_all(struct visit *v)
{
    struct oak_goroutine_info info;
    struct oak__strings strings;
    bool anew = false;
    oak__looking_begin();
    oak_defer(end_visit, v); /* fn may panic */
    for (size_t i = 0; i < v->l.n; i++) {
        if (!snapshot(&v->l.entry[i], &info, &strings, &anew))
            continue;
        v->visited++;
        if (!v->fn(&info, v->arg))
            break;
    }
}

int64_t oak_goroutines(bool (*fn)(const struct oak_goroutine_info *g, void *arg), void *arg)
{
    struct visit v = {.fn = fn, .arg = arg};
    if (!fn)
        return -EINVAL;
    if (!oak__started())
        return 0;
    oak__text_refresh_if_loaded();
    if (list_all(&v.l) != 0)
        return -ENOMEM;
    visit_all(&v);
    return v.visited;
}
