/* What a foreign process's descriptors say of its goroutines. */
#include "foreign.h"

#include "leak/decode.h"
#include "sched/park.h"
#include "stack/away.h"

#include <stdlib.h>

enum { TEXT = 64 };

static bool is_code(const struct foreign *f, uintptr_t pc)
{
    const struct foreign_map *m = foreign_map_of(f, pc);
    return m && m->executable;
}

/* Along the frame pointers, as inspect/walk.c does. */
static int walk(const struct foreign *f, const struct oak__g *g, struct oak_goroutine_info *out)
{
    size_t region, i;
    struct oak__span slot;
    const uintptr_t lo = (uintptr_t)g->stack_lo;
    if (!lo || !oak__stack_slot(&f->tables, lo, &region, &i, &slot))
        return 0;
    uintptr_t sp = (uintptr_t)g->sp;
    if (sp < lo || sp >= slot.hi)
        return 0;
    uintptr_t fp = image_word(&f->img, sp + OAK__SWITCH_FRAME * sizeof(void *));
    int n = 0;
    while (n < OAK_MAX_FRAMES && fp > sp && fp + 16 <= slot.hi && fp % 8 == 0) {
        uintptr_t pc = image_word(&f->img, fp + 8);
        if (!is_code(f, pc))
            break;
        out->frames[n++] = (const void *)pc;
        sp = fp;
        fp = image_word(&f->img, fp);
    }
    return n;
}

static enum oak_state state_of(const struct oak__g *g)
{
    switch (load_relaxed(&g->status)) {
    case OAK__G_WAITING:
        return OAK_STATE_WAITING;
    case OAK__G_RUNNABLE:
        return OAK_STATE_RUNNABLE;
    default:
        return OAK_STATE_RUNNING;
    }
}

struct listing {
    const struct foreign *f;
    struct entry {
        uint64_t id;
        uintptr_t at;
    } * entry;
    size_t n, room;
};

static bool list_one(size_t i, uintptr_t at, void *arg)
{
    struct listing *l = arg;
    const struct oak__g *g = oak__image_at(&l->f->img, at, sizeof *g);
    (void)i;
    if (g && load_relaxed(&g->id) && g->kind == OAK__G_GOROUTINE && l->n < l->room)
        l->entry[l->n++] = (struct entry){load_relaxed(&g->id), at};
    return true;
}

static int by_id(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void describe(struct foreign *f, const struct oak__g *g, struct oak_goroutine_info *out,
                     char text[TEXT])
{
    const uintptr_t scope = (uintptr_t)load_relaxed(&g->scope);
    const uint64_t wait = load_relaxed(&g->wait);
    *out = (struct oak_goroutine_info){
        .id = load_relaxed(&g->id),
        .parent = g->parent,
        .state = state_of(g),
        .entry = g->fn,
        .created_at = g->created_at,
        .scope = (const void *)scope,
        .name = foreign_text(f, (uintptr_t)load_relaxed(&g->name), text, TEXT),
    };
    if (out->state != OAK_STATE_WAITING)
        return;
    out->reason = (enum oak_wait_reason)load_relaxed(&g->reason);
    out->wait_object = load_relaxed(&g->wait_object);
    out->wait_since = load_relaxed(&g->wait_since);
    out->has_deadline = load_relaxed(&g->timer.wheel) != NULL || g->timer.arg == OAK__W_TICKET(wait);
    out->nframes = walk(f, g, out);
}

int64_t foreign_goroutines(bool (*fn)(const struct oak_goroutine_info *g, void *arg), void *arg, void *source)
{
    struct foreign *f = source;
    struct listing l = {.f = f, .room = oak__table_size(&f->tables.g)};
    struct oak_goroutine_info info;
    char text[TEXT];
    int64_t visited = 0;
    l.entry = malloc((l.room + 1) * sizeof *l.entry);
    if (!l.entry)
        return -ENOMEM;
    oak__table_each(&f->tables.g, list_one, &l);
    qsort(l.entry, l.n, sizeof *l.entry, by_id);
    for (size_t i = 0; i < l.n; i++) {
        describe(f, oak__image_at(&f->img, l.entry[i].at, sizeof(struct oak__g)), &info, text);
        visited++;
        if (!fn(&info, arg))
            break;
    }
    free(l.entry);
    return visited;
}

int64_t foreign_now(const struct foreign *f)
{
    const uintptr_t sched = image_word(&f->img, (uintptr_t)f->root.sched);
    return sched ? (int64_t)image_word(&f->img, sched + offsetof(struct oak__sched, coarse_now)) : 0;
}
