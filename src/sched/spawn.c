/*
 * Making goroutines. A descriptor comes from its P's list; it costs no stack until its first run. There are never more
 * descriptors than stacks can exist, so a goroutine that was granted a descriptor will get a stack: at once, unless its guard
 * cannot be had just then (make_running).
 *
 * Lists come from and go to a shared one in batches that nobody walks through: the first descriptor of a batch has their number,
 * and leads to the next batch. A P has one at hand, and a whole one to spare, so that the two do not go to and fro.
 */
#include "sched/event.h"
#include "sched/inline.h"
#include "sched/runq.h"
#include "sched/sched.h"
#include "sched/share.h"

#include <string.h>

enum { BATCH = 128, NEW_BATCH = 64, ID_BATCH = 64 };

struct oak__slab oak__g_slab = OAK__SLAB("goroutines", struct oak__g);
static _Atomic uint32_t made; /* descriptors from the slab so far */

/*
 * What the first of a batch says while it is free, in words that are free then, too: how many there are, and where the next batch
 * is. (Atomic: fibers of one thread hand descriptors on without telling a race detector.)
 */
SCHEDULER_STEP static inline void batch_note(struct oak__g *g, uint32_t n, struct oak__g *following)
{
    store_relaxed(&g->wait_since, (int64_t)n);
    store_relaxed(&g->wait_object, following);
}

SCHEDULER_STEP static inline uint32_t batch_count(const struct oak__g *g)
{
    return (uint32_t)load_relaxed(&g->wait_since);
}

SCHEDULER_STEP static inline struct oak__g *batch_following(struct oak__g *g)
{
    return (struct oak__g *)(uintptr_t)load_relaxed(&g->wait_object);
}

/* Up to n new descriptors, linked by next, as a batch. */
SCHEDULER_STEP static struct oak__g *fresh(uint32_t n)
{
    /* Stacks may rest in the Ps' caches while another P wants one. */
    uint32_t cached = oak__sched->nprocs * OAK__STACK_CACHE;
    uint32_t capacity = oak__stack_capacity();
    uint32_t have = fetch_add_relaxed(&made, n);
    if (capacity < cached || have + n > capacity - cached) {
        fetch_sub_seq(&made, n);
        return NULL;
    }
    void *list = NULL;
    size_t got = oak__slab_alloc_batch(&oak__g_slab, n, &list);
    fetch_sub_seq(&made, n - (uint32_t)got);
    struct oak__g *head = NULL;
    while (list) {
        struct oak__g *g = list;
        list = *(void **)list;
        g->sp = NULL;
        store_relaxed(&g->next, head);
        head = g;
    }
    if (head)
        batch_note(head, (uint32_t)got, NULL);
    return head;
}

/* The first batch of the shared list, or only its first descriptor; NULL: it is empty. */
static struct oak__g *shared_take(bool one)
{
    struct oak__sched *s = oak__sched;
    lock(&s->gfree_lock);
    struct oak__g *g = s->gfree;
    struct oak__g *second = g ? load_relaxed(&g->next) : NULL;
    if (g && one && second) {
        batch_note(second, batch_count(g) - 1, batch_following(g));
        s->gfree = second;
        batch_note(g, 1, NULL);
        store_relaxed(&g->next, NULL);
    } else if (g) {
        s->gfree = batch_following(g);
    }
    unlock(&s->gfree_lock);
    return g;
}

static void shared_put(struct oak__g *g, uint32_t n)
{
    struct oak__sched *s = oak__sched;
    lock(&s->gfree_lock);
    batch_note(g, n, s->gfree);
    s->gfree = g;
    unlock(&s->gfree_lock);
}

/* The next one's first line is on its way: in it is where the one after that is. */
SCHEDULER_STEP static inline void pop_free(struct oak__p *p, struct oak__g *g, uint32_t n)
{
    struct oak__g *next = load_relaxed(&g->next);
    __builtin_prefetch(next, 1);
    store_relaxed(&p->free_gs, next);
    store_relaxed(&p->nfree_gs, n - 1);
}

SCHEDULER_STEP static NOINLINE struct oak__g *alloc_slow(struct oak__p *p)
{
    struct oak__g *g = p ? load_relaxed(&p->spare_gs) : NULL;
    uint32_t n = BATCH;
    if (g) {
        store_relaxed(&p->spare_gs, NULL);
    } else {
        g = shared_take(!p);
        if (!g)
            g = fresh(p ? NEW_BATCH : 1);
        if (!g)
            g = fresh(1);
        if (!g)
            return NULL;
        n = batch_count(g);
        store_relaxed(&g->wait_object, NULL);
    }
    if (p)
        pop_free(p, g, n);
    return g;
}

SCHEDULER_STEP static struct oak__g *g_alloc(struct oak__p *p)
{
    struct oak__g *g = p ? load_relaxed(&p->free_gs) : NULL;
    if (unlikely(!g))
        return alloc_slow(p);
    pop_free(p, g, load_relaxed(&p->nfree_gs));
    return g;
}

/* p's list is a whole batch: it is the one to spare from now on, and that one everybody's. */
SCHEDULER_STEP static NOINLINE void spill_free(struct oak__p *p)
{
    struct oak__g *spare = load_relaxed(&p->spare_gs);
    if (spare)
        shared_put(spare, BATCH);
    store_relaxed(&p->spare_gs, load_relaxed(&p->free_gs));
    store_relaxed(&p->free_gs, NULL);
    store_relaxed(&p->nfree_gs, 0);
}

/* The stack and the descriptor of g, which has ended and been left, or was never run. */
SCHEDULER_STEP void oak__g_free(struct oak__p *p, struct oak__g *g)
{
    sanitize_ended(g);
    if (g->stack_lo) {
        if (g->stack_class == OAK__STACK_DEFAULT && p)
            oak__stack_put(&p->stacks, g->stack_lo);
        else
            oak__stack_put_class(g->stack_class, g->stack_lo);
        g->stack_lo = NULL;
    }
    g->sp = NULL;
    if (unlikely(!p)) {
        store_relaxed(&g->next, NULL);
        shared_put(g, 1);
        return;
    }
    if (unlikely(load_relaxed(&p->nfree_gs) == BATCH))
        spill_free(p);
    store_relaxed(&g->next, load_relaxed(&p->free_gs));
    store_relaxed(&p->free_gs, g);
    store_relaxed(&p->nfree_gs, load_relaxed(&p->nfree_gs) + 1);
}

static uint64_t new_id(struct oak__p *p)
{
    if (unlikely(!p))
        return fetch_add_relaxed(&oak__sched->ids, 1);
    uint64_t id = load_relaxed(&p->next_id);
    if (unlikely(id == load_relaxed(&p->last_id))) {
        id = fetch_add_relaxed(&oak__sched->ids, ID_BATCH);
        store_relaxed(&p->last_id, id + ID_BATCH);
    }
    store_relaxed(&p->next_id, id + 1);
    return id;
}

static void count_created(struct oak__p *p)
{
    if (likely(p != NULL))
        store_relaxed(&p->created, load_relaxed(&p->created) + 1);
    else
        fetch_add_relaxed(&oak__sched->thread_created, 1);
}

/* Mostly a few words; no call for these. */
SCHEDULER_STEP static inline void copy_args(unsigned char *to, const void *from, size_t n)
{
    if (unlikely(n % sizeof(uint64_t) != 0)) {
        memcpy(to, from, n);
        return;
    }
    const unsigned char *p = from;
    for (size_t i = 0; i < n; i += sizeof(uint64_t))
        memcpy(to + i, p + i, sizeof(uint64_t));
}

/* Fills g in; heap: a copy of arguments that do not fit into the descriptor, or NULL. */
SCHEDULER_STEP static void set_up(struct oak__g *g, const struct oak__spawn *s, const struct oak__g *parent,
                                  int class, void *heap)
{
    g->kind = OAK__G_GOROUTINE;
    g->stack_class = (uint8_t) class;
    g->parent = parent && parent->kind == OAK__G_GOROUTINE ? load_relaxed(&parent->id) : 0;
    g->created_at = s->created_at;
    g->fn = s->fn;
    g->entry = s->entry;
    store_relaxed(&g->name, s->name);
    store_relaxed(&g->ctx, s->ctx);
    store_relaxed(&g->scope, s->scope);
    g->defers = NULL;
    g->recover = NULL;
    g->held_locks = 0;
    store_relaxed(&g->masked, false);
    store_relaxed(&g->waiters, NULL);
    g->nwaiters = 0;
    store_relaxed(&g->reason, OAK_WAIT_NONE);
    g->args_size = (uint32_t)s->args_size;
    if (heap)
        g->args_heap = heap;
    else
        copy_args(g->args_inline, s->args, s->args_size);
}

/* Takes what the goroutine needs before anything of it can be seen: 0 or a negative errno. */
SCHEDULER_STEP static int reserve(struct oak__p *p, int class, struct oak__g **out)
{
    struct oak__g *g = g_alloc(p);
    if (!g)
        return oak__stack_capacity() ? -ENOMEM : -EAGAIN;
    if (class != OAK__STACK_DEFAULT || unlikely(load_relaxed(&oak__stacks_scarce))) {
        g->stack_lo = oak__stack_get_class(class);
        if (!g->stack_lo) {
            g->stack_class = (uint8_t) class;
            oak__g_free(p, g);
            return -ENOMEM;
        }
    }
    *out = g;
    return 0;
}

/*
 * g will run, the newest first (fresh.h). The first one that waits on a P is left to it: its parent is about to wait, mostly;
 * with the second another worker may be of use.
 */
static inline void queue_new(struct oak__p *p, struct oak__g *g)
{
    oak__becomes_runnable(g);
    if (unlikely(!p)) {
        oak__global_push(g);
        oak__wake_worker();
        return;
    }
    bool others = !fresh_empty(p) || load_relaxed(&p->next);
    fresh_push(p, g);
    if (others)
        share_more(p);
}

/* Entered, or on g0 with a P: the parent is then nobody. */
static int create(const struct oak__spawn *s, int class, void *heap)
{
    struct oak__m *m = oak__m_self();
    struct oak__p *p = oak__p_here();
    struct oak__g *g;
    int err = reserve(p, class, &g);
    if (err)
        return err;
    sanitize_g_begin(g);
    set_up(g, s, m ? load_relaxed(&m->g) : NULL, class, heap);
    store_release(&g->id, new_id(p));
    count_created(p);
    oak__event(OAK__EV_CREATE, g);
    if (s->ctx)
        oak__ctx_attach(s->ctx, g);
    if (s->scope)
        oak__scope_attach(s->scope, g);
    queue_new(p, g);
    return 0;
}

int oak__spawn_entered(const struct oak__spawn *s)
{
    int class = oak__stack_class(s->stack_size);
    return class < 0 || s->args_size > OAK__ARGS_INLINE ? -EINVAL : create(s, class, NULL);
}

int oak__spawn(const struct oak__spawn *s)
{
    int err = likely(load_acquire(&oak__runs)) ? 0 : oak__start();
    if (unlikely(err))
        return err;
    int class = s->stack_size ? oak__stack_class(s->stack_size) : OAK__STACK_DEFAULT;
    if (unlikely(class < 0))
        return -EINVAL;
    void *heap = NULL;
    if (unlikely(s->args_size > OAK__ARGS_INLINE)) {
        heap = oak__malloc(s->args_size);
        if (!heap)
            return -ENOMEM;
        memcpy(heap, s->args, s->args_size);
    }
    err = -ENOMEM;
    if (likely(oak__enter_inline() != NULL)) {
        err = create(s, class, heap);
        oak__exit_inline();
    }
    if (unlikely(err))
        oak__free(heap);
    return err;
}

struct each {
    bool (*fn)(struct oak__g *g, void *arg);
    void *arg;
};

static bool each_one(void *obj, void *arg)
{
    struct each *e = arg;
    struct oak__g *g = obj;
    if (OAK_TSAN && load_acquire(&g->id) == 0)
        sanitize_runs(g); /* what a goroutine did happens before it is found to have ended */
    return e->fn(g, e->arg);
}

void oak__each_g(bool (*fn)(struct oak__g *g, void *arg), void *arg)
{
    struct each e = {fn, arg};
    oak__slab_each(&oak__g_slab, each_one, &e);
}
