/*
 * Suspects by number and by growth: how many block at one place of the program.
 *
 * A place is what is written there, not a program counter: a compiler that unrolls a loop makes several calls of one, and
 * inlined functions have several callers. Naming places needs symbols, which cost; so it is done only when there are
 * enough blocked goroutines for a rule to hold, or an earlier check to compare with.
 */
#include "leak/report.h"

#include "base/hash.h"
#include "inspect/symbol.h"

enum { SUSPECT_COUNT = 10000, SUSPECT_GROWTH = 100, INLINED = 6 };

bool oak__waits_without_limit(const struct oak_goroutine_info *g)
{
    return g->state == OAK_STATE_WAITING && !g->has_deadline && g->reason != OAK_WAIT_IO &&
           g->reason != OAK_WAIT_SLEEP && g->reason != OAK_WAIT_NONE;
}

static uint64_t mix_text(uint64_t h, const char *s)
{
    for (; *s; s++)
        h = hash_mix(h, (unsigned char)*s);
    return h;
}

/* ---- the place of a shape ---- */

/* The program's own line at pc; 0: that is the runtime's, or not known. */
static uint64_t look_up(const void *pc)
{
    struct oak__symbol s[INLINED];
    int n = oak__symbols_at(pc, OAK__PC_RETURN, s, INLINED);
    for (int i = 0; i < n; i++)
        if (!s[i].runtime && s[i].function[0])
            return hash_mix(mix_text(mix_text(1, s[i].function), s[i].file),
                            s[i].line ? (uint64_t)s[i].line : s[i].offset);
    return 0;
}

/* Shapes differ by names, too; the calls that they are made of are few. */
struct placing {
    struct oak_leak_report *r;
    struct {
        const void *pc;
        uint64_t line;
    } seen[512];
};

static uint64_t line_at(struct placing *x, const void *pc)
{
    size_t i = hash_mix(1, (uintptr_t)pc) % countof(x->seen);
    if (x->seen[i].pc != pc) {
        x->seen[i].line = look_up(pc);
        x->seen[i].pc = pc;
    }
    return x->seen[i].line;
}

static uint64_t key_of(struct placing *x, const struct oak__leak_shape *s)
{
    uint64_t line = 0;
    for (int i = 0; i < s->info.nframes && !line; i++)
        line = line_at(x, s->info.frames[i]);
    return hash_mix(line ? line : s->hash, s->info.reason);
}

static bool count_shape(struct oak__leak_shape *s, void *arg)
{
    *(size_t *)arg += s->blocked != 0;
    return true;
}

static struct oak__place *find(const struct oak_leak_report *r, uint64_t key)
{
    for (size_t i = 0; i < r->nplaces; i++)
        if (r->places[i].key == key)
            return &r->places[i];
    return NULL;
}

static bool place_shape(struct oak__leak_shape *s, void *arg)
{
    struct placing *x = arg;
    struct oak_leak_report *r = x->r;
    if (!s->blocked)
        return true;
    uint64_t key = key_of(x, s);
    struct oak__place *p = find(r, key);
    if (!p) {
        p = &r->places[r->nplaces++];
        p->key = key;
    }
    p->n += s->blocked;
    s->place = p;
    return true;
}

static void place_all(void *arg)
{
    struct placing x = {.r = arg};
    oak__shapes_each(arg, place_shape, &x);
}

static int make_places(struct oak_leak_report *r)
{
    size_t n = 0;
    if (r->places)
        return 0;
    oak__shapes_each(r, count_shape, &n);
    r->places = oak__scratch_alloc(&r->memory, n + 1, sizeof *r->places);
    if (!r->places)
        return -ENOMEM;
    oak__on_deep_stack(place_all, r);
    return 0;
}

/* ---- the rules ---- */

struct judging {
    uint64_t count, growth;
    bool some;
};

static bool judge(struct oak__leak_shape *s, void *arg)
{
    struct judging *j = arg;
    const struct oak__place *p = s->place;
    if (!p)
        return true;
    if (p->n >= j->count)
        s->rules |= OAK_SUSPECT_COUNT;
    if (p->n >= p->before && p->n - p->before >= j->growth)
        s->rules |= OAK_SUSPECT_GROWTH;
    j->some = j->some || s->rules;
    return true;
}

static int compare(struct oak_leak_report *r, struct oak_leak_report *before)
{
    int err = make_places(before);
    for (size_t i = 0; !err && i < r->nplaces; i++) {
        const struct oak__place *p = find(before, r->places[i].key);
        r->places[i].before = p ? p->n : 0;
    }
    return err;
}

int oak__suspect_places(struct oak_leak_report *r, const struct oak_leak_opts *opts, bool *some)
{
    struct oak_leak_report *before =
        (struct oak_leak_report *)(uintptr_t)opts->before; /* its places are a cache */
    struct judging j = {.count = opts->suspect_count ? opts->suspect_count : SUSPECT_COUNT,
                        .growth = UINT64_MAX};
    if (before)
        j.growth = opts->suspect_growth ? opts->suspect_growth : SUSPECT_GROWTH;
    *some = false;
    if (r->blocked < j.count && r->blocked < j.growth)
        return 0;
    int err = make_places(r);
    if (!err && before)
        err = compare(r, before);
    if (err)
        return err;
    oak__shapes_each(r, judge, &j);
    *some = j.some;
    return 0;
}
