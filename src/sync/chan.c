/* Channels: the states and rules are in sync/chan.h, the wait protocol in sched/park.h. */
#include "sync/chan.h"
#include "base/os.h"
#include "sync/chan_move.h"

#include <stdio.h>
#include <unistd.h>

enum { LARGE = 64 * 1024 };

struct oak__chan *oak__chan_make(size_t elem_size, size_t capacity)
{
    size_t bytes, total;
    if (__builtin_mul_overflow(elem_size, capacity, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct oak__chan), &total) || total > PTRDIFF_MAX)
        return NULL;
    /* A large buffer is zero as it comes from the kernel: it takes memory as it is used. */
    struct oak__chan *c = total > LARGE ? oak__calloc(total) : oak__malloc(total);
    if (!c)
        return NULL;
    if (total <= LARGE)
        memset(c, 0, total);
    c->elem_size = elem_size;
    c->cap = capacity;
    c->made_at = caller_pc();
    list_init(&c->senders);
    list_init(&c->receivers);
    store_relaxed(&c->owner, oak__chan_first_owner());
    c->magic = OAK__CHAN_MAGIC;
    return c;
}

/* In c's queue of senders or receivers, as the oldest but those before. */
static inline void queue_up(struct oak__chan *c, struct oak__g *g, struct oak__waiter *w, bool sending,
                            void *elem, int64_t deadline)
{
    w->elem = elem;
    w->data = 0;
    store_relaxed(&w->sole, deadline == OAK_FOREVER && !load_relaxed(&g->ctx));
    list_push_back(sending ? &c->senders : &c->receivers, &w->link);
}

static inline struct oak__waiter *begin_wait(struct oak__chan *c, struct oak__g *g, bool sending, void *elem,
                                             int64_t deadline)
{
    struct oak__waiter *w =
        oak__wait_begin_inline(g, sending ? OAK_WAIT_CHAN_SEND : OAK_WAIT_CHAN_RECV, c, deadline);
    queue_up(c, g, w, sending, elem, deadline);
    return w;
}

/* Parks with w in a queue of c, which the caller has to itself no longer. */
static int park(struct oak__chan *c, struct oak__g *g, struct oak__waiter *w)
{
    int err = oak__wait_park(g);
    if (err < 0 && err != -EPIPE) {
        chan_lock(c, load_relaxed(&oak__m_self()->p));
        if (list_linked(&w->link))
            list_remove(&w->link);
        chan_unlock(c);
    }
    return err;
}

/* A NULL channel: only the context or the limit ends the wait. */
static int wait_on_nil(enum oak_wait_reason reason, int64_t limit)
{
    struct oak__g *g = oak__enter();
    if (!g)
        return -ENOMEM;
    int err = oak__ctx_check(g);
    if (!err) {
        oak__wait_begin(g, reason, NULL, oak__deadline_of(limit));
        err = oak__wait_park(g);
    }
    oak__exit();
    return err;
}

enum { SEND = true, RECV = false };

static inline int64_t deadline_of(int64_t limit)
{
    return limit == OAK_FOREVER ? OAK_FOREVER : oak__deadline_of(limit);
}

/* p owns c, and the caller is in a section. */
ALWAYS_INLINE int operate_inside(struct oak__chan *c, struct oak__m *m, struct oak__p *p, struct oak__g *g,
                                 bool sending, void *elem, int64_t limit)
{
    struct oak__g *wake;
    int status = 0;
    int err = chan_move(c, sending, elem, CHAN_INSIDE, &wake, &status);
    if (err == -EAGAIN && limit == OAK_FOREVER) {
        struct oak__waiter *w = begin_wait(c, g, sending, elem, OAK_FOREVER);
        if (likely(load_relaxed(&w->sole)) && likely(oak__wait_park_inside(m, p, g)))
            return g->wake_status;
        oak__inside_end(p);
        return park(c, g, w);
    }
    oak__inside_end(p);
    if (wake && likely(oak__wait_finish_inline(wake, status)))
        oak__ready_here(p, wake);
    return err;
}

static NOINLINE int operate_locked(struct oak__chan *c, struct oak__p *p, struct oak__g *g, bool sending,
                                   void *elem, int64_t limit)
{
    struct oak__g *wake;
    int status = 0;
    chan_lock(c, p);
    int err = chan_move(c, sending, elem, CHAN_LOCKED, &wake, &status);
    if (err == -EAGAIN && limit > 0) {
        struct oak__waiter *w = begin_wait(c, g, sending, elem, deadline_of(limit));
        chan_unlock(c);
        return park(c, g, w);
    }
    chan_unlock(c);
    if (wake)
        oak__wait_wake_inline(wake, status);
    return err;
}

/*
 * A look without the lock, for those who do not wait: true, it would have to, and nothing need be touched that others write.
 *
 * There is one moment at which the channel was open and full (empty). Full is one word: the count where there is a buffer, the
 * queue of receivers where there is none; each operation changes it once, so that no state between shows (chan_swap). It is
 * read before `closed`, which never goes back: open after the look is open at the look. What this thread has done before must
 * not be overtaken: two that send to each other's channel and then look at their own may not both find nothing. The lock would have
 * ordered that by its compare-and-swap, here it takes a full fence; the other side has one too, or the barrier of who took its
 * channel away (chan_lock.h).
 */
static inline bool would_wait(struct oak__chan *c, bool sending)
{
    if (OAK_TSAN)
        return false; /* it wants to see the lock */
    fence_seq();
    bool nothing;
    if (c->cap) {
        nothing = load_acquire(&c->count) == (sending ? c->cap : 0);
    } else {
        const struct oak__link *others = sending ? &c->receivers : &c->senders;
        nothing = __atomic_load_n(&others->next, __ATOMIC_ACQUIRE) == others;
    }
    return nothing && !load_relaxed(&c->closed);
}

/* limit < 0: never waits (-EAGAIN), and does not look at the context. */
ALWAYS_INLINE int operate(struct oak__chan *c, bool sending, void *elem, int64_t limit)
{
    if (unlikely(!oak__chan_ok(c)))
        return -EINVAL;
    struct oak__g *g = oak__enter_inline();
    if (unlikely(!g))
        return -ENOMEM;
    int err = limit < 0 ? 0 : oak__ctx_check(g);
    if (likely(!err)) {
        struct oak__m *m = oak__m_self();
        struct oak__p *p = load_relaxed(&m->p);
        if ((limit <= 0 || limit == OAK_FOREVER) && likely(chan_enter(c, p)))
            err = operate_inside(c, m, p, g, sending, elem, limit);
        else if (limit <= 0 && would_wait(c, sending))
            err = -EAGAIN;
        else
            err = operate_locked(c, p, g, sending, elem, limit);
        if (err == -EAGAIN && limit == 0)
            err = -ETIMEDOUT;
    }
    oak__exit_inline();
    return err;
}

int oak__chan_send(struct oak__chan *c, const void *v, int64_t limit)
{
    if (unlikely(!c))
        return wait_on_nil(OAK_WAIT_CHAN_SEND_NIL, limit);
    return operate(c, SEND, (void *)(uintptr_t)v, limit < 0 ? 0 : limit);
}

int oak__chan_recv(struct oak__chan *c, void *out, int64_t limit)
{
    if (unlikely(!c))
        return wait_on_nil(OAK_WAIT_CHAN_RECV_NIL, limit);
    return operate(c, RECV, out, limit < 0 ? 0 : limit);
}

int oak__chan_try_send(struct oak__chan *c, const void *v)
{
    return c ? operate(c, SEND, (void *)(uintptr_t)v, -1) : -EAGAIN;
}

int oak__chan_try_recv(struct oak__chan *c, void *out)
{
    return c ? operate(c, RECV, out, -1) : -EAGAIN;
}

/* Under the lock: claims every waiter of a queue and chains their goroutines. */
static struct oak__g *claim_all(struct oak__chan *c, struct oak__link *queue, bool receivers,
                                struct oak__g *chain)
{
    struct oak__waiter *w;
    while ((w = chan_claim_first(queue, CHAN_LOCKED))) {
        if (receivers && w->elem)
            memset(w->elem, 0, c->elem_size);
        /* A select that receives learns its case; everybody else that the channel is closed. */
        bool select = receivers && w != &w->g->waiter;
        w->g->wake_status = select ? (int)w->data : -EPIPE;
        w->data |= OAK__WAITER_CLOSED;
        store_relaxed(&w->g->next, chain);
        chain = w->g;
    }
    return chain;
}

int oak__chan_close_entered(struct oak__chan *c)
{
    chan_lock(c, oak__p_here());
    bool was_closed = load_relaxed(&c->closed);
    struct oak__g *chain = NULL;
    if (!was_closed) {
        store_relaxed(&c->closed, true);
        chain = claim_all(c, &c->receivers, true, chain);
        chain = claim_all(c, &c->senders, false, chain);
    }
    chan_unlock(c);
    while (chain) {
        struct oak__g *g = chain;
        chain = load_relaxed(&g->next);
        oak__wait_wake(g, g->wake_status);
    }
    return was_closed ? -EPIPE : 0;
}

int oak__chan_close(struct oak__chan *c)
{
    if (!c || !oak__chan_ok(c))
        return -EINVAL;
    oak__enter();
    int err = oak__chan_close_entered(c);
    oak__exit();
    return err;
}

static int name_waiters(int fd, const struct oak__link *queue, const char *what)
{
    int n = 0;
    for (const struct oak__link *l = queue->next; l != queue; l = l->next) {
        const struct oak__g *g = container_of(l, struct oak__waiter, link)->g;
        const char *name = load_relaxed(&g->name);
        dprintf(fd, "  goroutine %llu%s%s [%s]\n", (unsigned long long)load_relaxed(&g->id), name ? " " : "",
                name ? name : "", what);
        n++;
    }
    return n;
}

int oak__chan_free_entered(struct oak__chan *c)
{
    chan_lock(c, oak__p_here());
    bool busy = !list_empty(&c->senders) || !list_empty(&c->receivers);
    if (busy) {
        dprintf(STDERR_FILENO, "oakum: oak_chan_free(%p): not freed, goroutines are blocked on it:\n",
                (void *)c);
        name_waiters(STDERR_FILENO, &c->senders, oak_wait_reason_name(OAK_WAIT_CHAN_SEND));
        name_waiters(STDERR_FILENO, &c->receivers, oak_wait_reason_name(OAK_WAIT_CHAN_RECV));
    } else {
        c->magic = 0;
    }
    chan_unlock(c);
    if (busy)
        return -EBUSY;
    oak__free(c);
    return 0;
}

int oak__chan_free(struct oak__chan *c)
{
    if (!c)
        return 0;
    if (!oak__chan_ok(c))
        return -EINVAL;
    oak__enter();
    int err = oak__chan_free_entered(c);
    oak__exit();
    return err;
}

size_t oak__chan_len(const struct oak__chan *c)
{
    return c && oak__chan_ok(c) ? load_relaxed(&c->count) : 0;
}

size_t oak__chan_cap(const struct oak__chan *c)
{
    return c && oak__chan_ok(c) ? c->cap : 0;
}
