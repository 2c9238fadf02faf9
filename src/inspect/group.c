#include "inspect/group.h"

#include "base/hash.h"
#include "base/os.h"
#include "inspect/symbol.h"

#include <stdlib.h>
#include <string.h>

/* The first word apart from others of the key: what a goroutine that has not run yet would run. */
static const void *start_of(const struct oak_goroutine_info *g)
{
    return g->nframes == 0 ? g->entry : NULL;
}

static uint64_t hash_of(const struct oak_goroutine_info *g, unsigned tag)
{
    uint64_t h = hash_mix(tag, (uint64_t)g->state << 32 | (uint64_t)g->reason);
    h = hash_mix(hash_mix(h, (uintptr_t)g->created_at), (uintptr_t)start_of(g));
    for (int i = 0; i < g->nframes; i++)
        h = hash_mix(h, (uintptr_t)g->frames[i]);
    return h;
}

static bool alike(const struct oak__group *gr, const struct oak_goroutine_info *g, unsigned tag)
{
    const struct oak_goroutine_info *f = &gr->first;
    return gr->tag == tag && f->state == g->state && f->reason == g->reason &&
           f->created_at == g->created_at && start_of(f) == start_of(g) && f->nframes == g->nframes &&
           memcmp(f->frames, g->frames, (size_t)g->nframes * sizeof g->frames[0]) == 0;
}

static bool grow(struct oak__groups *gs)
{
    size_t nslots = gs->nslots ? gs->nslots * 2 : 64;
    struct oak__group **slots = oak__calloc(nslots * sizeof(struct oak__group *));
    if (!slots)
        return false;
    for (size_t i = 0; i < gs->nslots; i++)
        for (struct oak__group *gr = gs->slots[i], *next; gr; gr = next) {
            next = gr->next;
            gr->next = slots[gr->hash % nslots];
            slots[gr->hash % nslots] = gr;
        }
    oak__free(gs->slots);
    gs->slots = slots;
    gs->nslots = nslots;
    return true;
}

static const char *keep(char *to, size_t size, const char *text)
{
    oak__symbol_copy(to, size, text);
    return text ? to : NULL;
}

static struct oak__group *find(const struct oak__groups *gs, uint64_t hash,
                               const struct oak_goroutine_info *g, unsigned tag)
{
    struct oak__group *gr = gs->nslots ? gs->slots[hash % gs->nslots] : NULL;
    while (gr && !(gr->hash == hash && alike(gr, g, tag)))
        gr = gr->next;
    return gr;
}

const struct oak__group *oak__groups_find(const struct oak__groups *gs, const struct oak_goroutine_info *g,
                                          unsigned tag)
{
    return find(gs, hash_of(g, tag), g, tag);
}

static struct oak__group *find_or_make(struct oak__groups *gs, const struct oak_goroutine_info *g,
                                       unsigned tag)
{
    uint64_t hash = hash_of(g, tag);
    struct oak__group *found = find(gs, hash, g, tag);
    if (found)
        return found;
    if (gs->n >= gs->nslots && !grow(gs))
        return NULL;
    struct oak__group *gr = oak__calloc(sizeof *gr);
    if (!gr)
        return NULL;
    gr->hash = hash;
    gr->tag = tag;
    gr->first = *g;
    gr->first.name = keep(gr->name, sizeof gr->name, g->name);
    gr->first.scope_name = keep(gr->scope_name, sizeof gr->scope_name, g->scope_name);
    gr->oldest = gr->newest = g->wait_since;
    gr->same_name = gr->same_object = true;
    gr->next = gs->slots[hash % gs->nslots];
    gs->slots[hash % gs->nslots] = gr;
    gs->n++;
    return gr;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

struct oak__group *oak__groups_add(struct oak__groups *gs, const struct oak_goroutine_info *g, unsigned tag,
                                   uint64_t weight)
{
    struct oak__group *gr = find_or_make(gs, g, tag);
    if (!gr)
        return NULL;
    if (gr->count < OAK__GROUP_IDS)
        gr->ids[gr->count] = g->id;
    gr->count++;
    gr->weight += weight;
    gr->deadlines += g->has_deadline;
    if (g->wait_since < gr->oldest)
        gr->oldest = g->wait_since;
    if (g->wait_since > gr->newest)
        gr->newest = g->wait_since;
    gr->same_name = gr->same_name && same_text(gr->first.name, g->name);
    gr->same_object = gr->same_object && gr->first.wait_object == g->wait_object;
    return gr;
}

static int by_weight(const void *pa, const void *pb)
{
    const struct oak__group *a = *(struct oak__group *const *)pa, *b = *(struct oak__group *const *)pb;
    if (a->tag != b->tag)
        return a->tag > b->tag ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->first.id < b->first.id ? -1 : a->first.id > b->first.id;
}

int oak__groups_sort(struct oak__groups *gs)
{
    oak__free(gs->sorted);
    gs->sorted = oak__calloc((gs->n + 1) * sizeof(struct oak__group *));
    if (!gs->sorted)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < gs->nslots; i++)
        for (struct oak__group *gr = gs->slots[i]; gr; gr = gr->next)
            gs->sorted[n++] = gr;
    oak__groups_order(gs);
    return 0;
}

void oak__groups_order(struct oak__groups *gs)
{
    qsort(gs->sorted, gs->n, sizeof gs->sorted[0], by_weight);
}

void oak__groups_free(struct oak__groups *gs)
{
    for (size_t i = 0; i < gs->nslots; i++)
        for (struct oak__group *gr = gs->slots[i], *next; gr; gr = next) {
            next = gr->next;
            free(gr->text);
            /* The addresses of what goroutines wait for must not lie about in the heap: to the leak proof each
             * would be a reference. */
            explicit_bzero(gr, sizeof *gr);
            oak__free(gr);
        }
    oak__free(gs->slots);
    oak__free(gs->sorted);
    *gs = (struct oak__groups){.n = 0};
}
