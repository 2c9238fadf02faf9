/*
 * What each blocked goroutine waits for, and by which rule that ends.
 *
 * Locks know their owners: who waits for a mutex is woken by its owner's unlock and by nothing else (besides its
 * context), wherever the mutex lies. Read-write mutexes: decode_rwmutex.c.
 */
#include "leak/decode.h"

enum { LOCK_MODES = 3, ONCE_RUNNING = 1, SPARE_PER_WRITER = 64, MOST_SPARE = 1 << 22 };

struct oak__wait *oak__decode_add_wait(struct decode *d, uint32_t node, uintptr_t object,
                                       enum oak__wait_rule rule)
{
    struct oak__wait *x = &d->w->waits[d->w->nwaits++];
    *x = (struct oak__wait){.object = object, .node = node, .rule = rule};
    d->w->nodes[node].nwaits++;
    return x;
}

bool oak__decode_take_holds(struct decode *d, size_t n)
{
    if (d->spare_holds < n)
        return false;
    d->spare_holds -= n;
    return true;
}

void oak__decode_add_hold(struct decode *d, struct oak__wait *x, uint32_t holder)
{
    struct oak__node *n = &d->w->nodes[holder];
    struct oak__hold *h = &d->w->holds[d->w->nholds++];
    *h = (struct oak__hold){.wait = (uint32_t)(x - d->w->waits), .next = n->first_hold};
    n->first_hold = (uint32_t)d->w->nholds;
    if (!x->holders++)
        x->holder = holder + 1;
}

void oak__decode_wait_for_owner(struct decode *d, uint32_t node, uintptr_t object, uint64_t owner)
{
    struct oak__wait *x = oak__decode_add_wait(d, node, object, OAK__RULE_REACH);
    if (!owner) /* just being handed on */
        return;
    uint32_t holder = oak__decode_by_id(d, owner);
    x->rule = holder ? OAK__RULE_HOLDERS : OAK__RULE_NEVER;
    if (holder)
        oak__decode_add_hold(d, x, holder - 1);
    else
        x->owner = owner;
}

static void wait_for_once(struct decode *d, uint32_t node, uintptr_t object)
{
    uint64_t state = image_word(d->img, object);
    oak__decode_wait_for_owner(d, node, object, (state & LOCK_MODES) == ONCE_RUNNING ? state >> 2 : 0);
}

static void wait_in_select(struct decode *d, uint32_t node, const struct oak__g *g)
{
    uint32_t n = g->nwaiters;
    const struct oak__waiter *x = oak__image_at(d->img, (uintptr_t)load_relaxed(&g->waiters), n * sizeof *x);
    for (uint32_t i = 0; x && i < n; i++)
        if (x[i].object)
            oak__decode_add_wait(d, node, (uintptr_t)x[i].object, OAK__RULE_REACH);
}

static void add_waits(struct decode *d, uint32_t node, const struct oak__g *g)
{
    uintptr_t object = (uintptr_t)load_relaxed(&g->wait_object);
    switch (d->w->nodes[node].reason) {
    case OAK_WAIT_CHAN_SEND_NIL:
    case OAK_WAIT_CHAN_RECV_NIL:
    case OAK_WAIT_SELECT_EMPTY:
    case OAK_WAIT_BLOCKED_FOREVER:
        break;
    case OAK_WAIT_SELECT:
        wait_in_select(d, node, g);
        break;
    case OAK_WAIT_MUTEX:
        oak__decode_wait_for_owner(d, node, object, image_word(d->img, object) >> 2);
        break;
    case OAK_WAIT_RWMUTEX_R:
    case OAK_WAIT_RWMUTEX_W:
        oak__decode_wait_for_rwmutex(d, node, object);
        break;
    case OAK_WAIT_ONCE:
        wait_for_once(d, node, object);
        break;
    case OAK_WAIT_SCOPE:
        oak__decode_add_wait(d, node, object, OAK__RULE_CHILDREN);
        break;
    case OAK_WAIT_SCOPE_LIMIT:
        oak__decode_add_wait(d, node, object, OAK__RULE_CHILD);
        break;
    default:
        oak__decode_add_wait(d, node, object, OAK__RULE_REACH);
        break;
    }
}

/* A select whose cases cannot be read or are very many is not judged. */
static bool count_waits(struct decode *d, struct oak__node *n, size_t *sum)
{
    const struct oak__g *g = g_at(d, n->g);
    if (!g)
        return false;
    if (n->reason == OAK_WAIT_SELECT &&
        (g->nwaiters > OAK__MOST_CASES || !oak__image_at(d->img, (uintptr_t)load_relaxed(&g->waiters),
                                                         g->nwaiters * sizeof(struct oak__waiter))))
        return false;
    *sum += n->reason == OAK_WAIT_SELECT ? g->nwaiters : 1;
    if (n->reason == OAK_WAIT_RWMUTEX_W && d->spare_holds < MOST_SPARE)
        d->spare_holds += SPARE_PER_WRITER;
    return true;
}

int oak__decode_waits(struct decode *d)
{
    struct oak__world *w = d->w;
    size_t sum = 0;
    for (size_t i = 0; i < w->nnodes; i++) {
        struct oak__node *n = &w->nodes[i];
        if (n->blocked && !count_waits(d, n, &sum)) {
            n->blocked = false;
            n->live = true;
        }
    }
    w->waits = oak__scratch_alloc(d->scratch, sum + 1, sizeof *w->waits);
    w->holds = oak__scratch_alloc(d->scratch, sum + d->spare_holds + 1, sizeof *w->holds);
    if (!w->waits || !w->holds)
        return -ENOMEM;
    for (uint32_t i = 0; i < w->nnodes; i++)
        if (w->nodes[i].blocked) {
            w->nodes[i].first_wait = (uint32_t)w->nwaits;
            add_waits(d, i, g_at(d, w->nodes[i].g));
        }
    return 0;
}
