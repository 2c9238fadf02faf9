/* What many leaked goroutines have in common, kept once: found by a hash of all of it. */
#include "leak/report.h"

#include "base/hash.h"

#include <string.h>

enum { FIRST_SLOTS = 64, TEXT = OAK__SHAPE_TEXT };

static uint64_t hash_text(uint64_t h, const char *s)
{
    for (int i = 0; s && s[i] && i < TEXT - 1; i++)
        h = hash_mix(h, (unsigned char)s[i]);
    return hash_mix(h, s != NULL);
}

static uint64_t hash_of(const struct oak_goroutine_info *g)
{
    uint64_t h = hash_mix(hash_mix(g->state, g->reason), (uintptr_t)g->entry);
    h = hash_mix(hash_mix(h, (uintptr_t)g->created_at), g->has_deadline);
    for (int i = 0; i < g->nframes; i++)
        h = hash_mix(h, (uintptr_t)g->frames[i]);
    return hash_text(hash_text(h, g->name), g->scope_name);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strncmp(a, b, TEXT - 1) == 0 : a == b;
}

static bool same(const struct oak_goroutine_info *a, const struct oak_goroutine_info *b)
{
    return a->state == b->state && a->reason == b->reason && a->entry == b->entry &&
           a->created_at == b->created_at && a->has_deadline == b->has_deadline && a->nframes == b->nframes &&
           memcmp(a->frames, b->frames, (size_t)a->nframes * sizeof a->frames[0]) == 0 &&
           same_text(a->name, b->name) && same_text(a->scope_name, b->scope_name);
}

static bool grow(struct oak_leak_report *r)
{
    size_t n = r->nslots ? 4 * r->nslots : FIRST_SLOTS;
    struct oak__leak_shape **slots = oak__scratch_alloc(&r->memory, n, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < r->nslots; i++)
        for (struct oak__leak_shape *s = r->shapes[i], *next; s; s = next) {
            next = s->next;
            s->next = slots[s->hash & (n - 1)];
            slots[s->hash & (n - 1)] = s;
        }
    r->shapes = slots;
    r->nslots = n;
    return true;
}

static const char *keep(char *to, const char *from)
{
    if (!from)
        return NULL;
    strncpy(to, from, TEXT - 1); /* the rest is zero */
    return to;
}

struct oak__leak_shape *oak__shape_of(struct oak_leak_report *r, const struct oak_goroutine_info *g)
{
    uint64_t h = hash_of(g);
    if (r->nshapes >= r->nslots && !grow(r))
        return NULL;
    struct oak__leak_shape **slot = &r->shapes[h & (r->nslots - 1)];
    for (struct oak__leak_shape *s = *slot; s; s = s->next)
        if (s->hash == h && same(&s->info, g))
            return s;
    struct oak__leak_shape *s = oak__scratch_alloc(&r->memory, 1, sizeof *s);
    if (!s)
        return NULL;
    s->hash = h;
    s->info = *g;
    s->info.name = keep(s->name, g->name);
    s->info.scope_name = keep(s->scope_name, g->scope_name);
    s->next = *slot;
    *slot = s;
    r->nshapes++;
    return s;
}

bool oak__shapes_each(const struct oak_leak_report *r, bool (*fn)(struct oak__leak_shape *s, void *arg),
                      void *arg)
{
    for (size_t i = 0; i < r->nslots; i++)
        for (struct oak__leak_shape *s = r->shapes[i]; s; s = s->next)
            if (!fn(s, arg))
                return false;
    return true;
}

void oak__shape_to_info(const struct oak__leak_shape *s, struct oak_goroutine_info *out)
{
    *out = s->info;
}
