/*
 * Scopes: found by the tree that the runtime keeps of them, wherever their owners' stacks are.
 *
 * A thread may have been stopped while it changed the tree: then a part of it is missed, which costs proofs, no more.
 */
#include "leak/decode.h"
#include "leak/sort.h"
#include "scope/scope.h"

enum { FIRST_ROOM = 256, MOST_SCOPES = 1 << 24 };

static const struct oak_scope *scope_at(const struct decode *d, uintptr_t at)
{
    const struct oak_scope *s = at % 8 ? NULL : oak__image_at(d->img, at, sizeof *s);
    return s && s->magic == OAK__SCOPE_MAGIC ? s : NULL;
}

static bool add_scope(struct decode *d, uintptr_t at, size_t *room)
{
    struct oak__world *w = d->w;
    if (w->nscopes == *room) {
        size_t more = *room ? 2 * *room : FIRST_ROOM;
        struct oak__scope_node *n = oak__scratch_alloc(d->scratch, more, sizeof *n);
        if (!n)
            return false;
        if (w->nscopes)
            memcpy(n, w->scopes, w->nscopes * sizeof *n);
        w->scopes = n;
        *room = more;
    }
    w->scopes[w->nscopes++] =
        (struct oak__scope_node){.at = at, .ctx = image_word(d->img, at + offsetof(struct oak_scope, ctx))};
    return true;
}

/* The scopes in a list, appended to w->scopes. */
static bool add_list(struct decode *d, uintptr_t head, size_t *room)
{
    uintptr_t link = image_word(d->img, head + offsetof(struct oak__link, next));
    while (link && link != head && d->w->nscopes < MOST_SCOPES) {
        uintptr_t at = link - offsetof(struct oak_scope, sibling);
        if (!scope_at(d, at))
            break;
        if (!add_scope(d, at, room))
            return false;
        link = image_word(d->img, link + offsetof(struct oak__link, next));
    }
    return true;
}

static uint32_t find(const struct oak__world *w, uintptr_t at)
{
    size_t i = oak__sorted_above(w->scopes, w->nscopes, sizeof *w->scopes, at);
    return i && w->scopes[i - 1].at == at ? (uint32_t)i : 0;
}

/* In order of address, as the scopes are. */
static void add_specials(struct decode *d)
{
    struct oak__world *w = d->w;
    for (uint32_t i = 0; i < w->nscopes; i++) {
        uintptr_t at = w->scopes[i].at;
        w->specials[w->nspecials++] = (struct oak__special){.at = at, .scope = i + 1};
        w->specials[w->nspecials++] = (struct oak__special){.at = at + offsetof(struct oak_scope, sibling)};
        w->specials[w->nspecials++] = (struct oak__special){.at = at + offsetof(struct oak_scope, subscopes)};
    }
}

/* Who waits for a scope that the tree does not show is not judged. */
static void attach_waits(struct decode *d)
{
    struct oak__world *w = d->w;
    for (uint32_t i = 0; i < w->nwaits; i++) {
        struct oak__wait *x = &w->waits[i];
        if (x->rule != OAK__RULE_CHILDREN && x->rule != OAK__RULE_CHILD)
            continue;
        uint32_t s = find(w, x->object);
        if (!s) {
            w->nodes[x->node].blocked = false;
            w->nodes[x->node].live = true;
        } else if (x->rule == OAK__RULE_CHILDREN) {
            w->scopes[s - 1].owner_wait = i + 1;
        } else {
            x->next_place = w->scopes[s - 1].place_wait;
            w->scopes[s - 1].place_wait = i + 1;
        }
    }
}

int oak__decode_scopes(struct decode *d)
{
    struct oak__world *w = d->w;
    size_t room = 0;
    if (d->t->scopes && !add_list(d, d->t->scopes, &room))
        return -ENOMEM;
    for (size_t i = 0; i < w->nscopes; i++)
        if (!add_list(d, w->scopes[i].at + offsetof(struct oak_scope, subscopes), &room))
            return -ENOMEM;
    oak__sort(w->scopes, w->nscopes, sizeof *w->scopes);
    w->specials = oak__scratch_alloc(d->scratch, 3 * w->nscopes + 1, sizeof *w->specials);
    if (!w->specials)
        return -ENOMEM;
    add_specials(d);
    attach_waits(d);
    for (size_t i = 0; i < w->nnodes; i++) {
        struct oak__node *n = &w->nodes[i];
        uintptr_t at = w->nscopes ? image_word(d->img, n->g + offsetof(struct oak__g, scope)) : 0;
        n->scope = at ? find(w, at) : 0;
        if (n->scope)
            w->scopes[n->scope - 1].missing++;
    }
    return 0;
}
