#include "leak/dominators.h"

#include "leak/mark.h"
#include "leak/tag.h"

enum { BYTES_A_BLOCK = 2048, LEAST_BLOCKS = 1024 };

int oak__dominators_init(struct oak__dominators *d, const struct oak__heap *h, struct oak__scratch *s)
{
    const size_t room = h->bytes / BYTES_A_BLOCK;
    *d = (struct oak__dominators){.most = LEAST_BLOCKS};
    if (room > LEAST_BLOCKS)
        d->most = room < UINT32_MAX / 2 ? (uint32_t)room : UINT32_MAX / 2;
    size_t slots = 64;
    while (slots < d->most)
        slots *= 2;
    d->mask = slots - 1;
    d->slots = oak__scratch_alloc(s, slots, sizeof *d->slots);
    d->blocks = oak__scratch_alloc(s, (size_t)d->most + 1, sizeof *d->blocks);
    return d->slots && d->blocks ? 0 : -ENOMEM;
}

static size_t slot_of(const struct oak__dominators *d, uintptr_t lo)
{
    return hash_address(lo) & d->mask;
}

void oak__dominators_clear(struct oak__dominators *d)
{
    for (uint32_t i = 1; i <= d->n; i++)
        d->slots[slot_of(d, d->blocks[i].lo)] = 0;
    d->n = d->found_from = 0;
    d->changed = false;
    d->exact = true;
}

/* The number of the block that begins at lo; 0: it is not noted. */
static uint32_t number_of(const struct oak__dominators *d, uintptr_t lo)
{
    uint32_t i = d->slots[slot_of(d, lo)];
    while (i && d->blocks[i].lo != lo)
        i = d->blocks[i].next;
    return i;
}

/* The number of the block in which the word at from stands; 0: the goroutine's own; *known is false when it stands in a
 * block that was not noted. */
static uint32_t holder_of(const struct oak__dominators *d, const struct oak__heap *h, uintptr_t from,
                          bool *known)
{
    struct oak__block b;
    *known = true;
    if (!from || !oak__heap_block(h, from, &b) || from < b.lo || from >= b.hi)
        return 0;
    uint32_t i = number_of(d, b.lo);
    *known = i != 0;
    return i;
}

void oak__dominators_found(struct oak__dominators *d, const struct oak__heap *h, const struct oak__block *b,
                           uintptr_t from)
{
    bool known;
    uint32_t holder = holder_of(d, h, from, &known);
    if (!known)
        holder = d->found_from; /* what does not fit is found depth first, mostly */
    d->found_from = holder;
    if (d->n == d->most || !known) {
        d->exact = false;
        if (holder)
            d->blocks[holder].retained += b->hi - b->lo;
        return;
    }
    const size_t slot = slot_of(d, b->lo);
    d->blocks[++d->n] = (struct oak__dom_block){
        .lo = b->lo, .retained = b->hi - b->lo, .idom = holder, .next = d->slots[slot]};
    d->slots[slot] = d->n;
}

/* A word of block holder refers to block i. */
static void refers(struct oak__dominators *d, uint32_t holder, uint32_t i)
{
    uint32_t a = d->blocks[i].idom, b = holder;
    while (a != b)
        if (a > b)
            a = d->blocks[a].idom;
        else
            b = b == i ? a : d->blocks[b].idom; /* below i itself: that is no way to i */
    if (a != d->blocks[i].idom) {
        d->blocks[i].idom = a;
        d->changed = true;
    }
}

void oak__dominators_again(struct oak__dominators *d, const struct oak__heap *h, const struct oak__block *b,
                           uintptr_t from)
{
    bool known;
    uint32_t i = number_of(d, b->lo);
    uint32_t holder = i ? holder_of(d, h, from, &known) : 0;
    if (i && known)
        refers(d, holder, i);
}

/* ---- until all references agree ---- */

static void look_at_block(struct oak__mark *m, struct oak__dominators *d, uint32_t i)
{
    struct oak__block b, to;
    if (!oak__heap_block(m->heap, d->blocks[i].lo, &b))
        return;
    const struct oak__span block = {b.lo, b.hi};
    struct oak__span part;
    for (uintptr_t from = b.lo; oak__quiet_next(m->tables, &block, &from, &part);)
        for (uintptr_t at = part.lo; at + 8 <= part.hi; at += OAK__STRIDE) {
            uintptr_t p;
            memcpy(&p, b.local + (at - b.lo), sizeof p);
            uint32_t k = oak__mark_heap_block(m, p, &to) ? number_of(d, to.lo) : 0;
            if (k)
                refers(d, i, k);
        }
}

static void settle(struct oak__mark *m, struct oak__dominators *d)
{
    while (d->changed) {
        d->changed = false;
        for (uint32_t i = 1; i <= d->n; i++)
            look_at_block(m, d, i);
    }
}

/* ---- the largest ---- */

static struct oak__tops *tops_of(struct oak__tops *tops, uint64_t key)
{
    size_t i = key % OAK__TOP_KEYS;
    for (size_t k = 0; k < OAK__TOP_KEYS; k++, i = (i + 1) % OAK__TOP_KEYS)
        if (!tops[i].key || tops[i].key == key) {
            tops[i].key = key;
            return &tops[i];
        }
    return NULL;
}

static void enter(struct oak__tops *t, const struct oak__top *x)
{
    size_t i = OAK__TOPS;
    while (i > 0 && t->top[i - 1].retained < x->retained)
        i--;
    if (i == OAK__TOPS)
        return;
    for (size_t k = OAK__TOPS - 1; k > i; k--)
        t->top[k] = t->top[k - 1];
    t->top[i] = *x;
}

void oak__dominators_enter(struct oak__mark *m, uint64_t id, uint64_t key, struct oak__tops *tops)
{
    struct oak__dominators *d = m->dominators;
    struct oak__tops *t = tops_of(tops, key ? key : 1);
    struct oak__block b;
    if (!t || m->retained <= t->top[OAK__TOPS - 1].retained)
        return;
    settle(m, d);
    for (uint32_t i = d->n; i > 0; i--)
        d->blocks[d->blocks[i].idom].retained += d->blocks[i].retained;
    for (uint32_t i = 1; i <= d->n; i++) {
        if (d->blocks[i].idom || d->blocks[i].retained <= t->top[OAK__TOPS - 1].retained ||
            !oak__heap_block(m->heap, d->blocks[i].lo, &b))
            continue;
        enter(t, &(struct oak__top){.id = id,
                                    .at = b.lo,
                                    .size = b.hi - b.lo,
                                    .retained = d->blocks[i].retained,
                                    .site = oak__tag_site(&b),
                                    .exact = d->exact});
    }
}
