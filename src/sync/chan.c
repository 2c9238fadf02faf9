/* Channels: the states and rules are in sync/chan.h, the wait protocol in sched/park.h. */
#include "sync/chan.h"
#include "base/os.h"
#include "sched/inline.h"

#include <stdio.h>
#include <unistd.h>

struct oak__chan *oak__chan_make(size_t elem_size, size_t capacity)
{
    size_t bytes, total;
    if (__builtin_mul_overflow(elem_size, capacity, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct oak__chan), &total) || total > PTRDIFF_MAX)
        return NULL;
    struct oak__chan *c = oak__malloc(total);
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    if (bytes)
        memset(c->buf, 0, bytes);
    c->elem_size = elem_size;
    c->cap = capacity;
    c->made_at = caller_pc();
    list_init(&c->senders);
    list_init(&c->receivers);
    c->magic = OAK__CHAN_MAGIC;
    return c;
}

static inline void copy(void *to, const void *from, size_t n)
{
    if (n == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else if (n == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else
        memcpy(to, from, n);
}

static inline char *slot(struct oak__chan *c, size_t i)
{
    return c->buf + i * c->elem_size;
}

/* Where the next value goes. */
static inline size_t tail_index(const struct oak__chan *c)
{
    size_t i = c->head + load_relaxed(&c->count);
    return i < c->cap ? i : i - c->cap;
}

/* The oldest waiter that nobody else has claimed, now ours and off the queue; NULL. */
static struct oak__waiter *claim_first(struct oak__link *queue)
{
    struct oak__link *l;
    while ((l = list_pop_front(queue))) {
        struct oak__waiter *w = container_of(l, struct oak__waiter, link);
        if (oak__wait_claim_inline(w->g, w->ticket))
            return w;
    }
    return NULL;
}

static void buffer_put(struct oak__chan *c, const void *v)
{
    copy(slot(c, tail_index(c)), v, c->elem_size);
    store_relaxed(&c->count, load_relaxed(&c->count) + 1);
}

/* The slot is zeroed: a value that was taken is no reference any more (the leak proof reads buffers). */
static void buffer_take(struct oak__chan *c, void *out)
{
    char *s = slot(c, c->head);
    if (out)
        copy(out, s, c->elem_size);
    memset(s, 0, c->elem_size);
    c->head = c->head + 1 == c->cap ? 0 : c->head + 1;
    store_relaxed(&c->count, load_relaxed(&c->count) - 1);
}

ALWAYS_INLINE int send_locked(struct oak__chan *c, const void *v, struct oak__g **wake, int *status)
{
    *wake = NULL;
    if (load_relaxed(&c->closed))
        return -EPIPE;
    if (!list_empty(&c->receivers)) {
        struct oak__waiter *w = claim_first(&c->receivers);
        if (w) {
            if (w->elem)
                copy(w->elem, v, c->elem_size);
            *wake = w->g;
            *status = (int)w->data;
            return 0;
        }
    }
    if (load_relaxed(&c->count) == c->cap)
        return -EAGAIN;
    buffer_put(c, v);
    return 0;
}

ALWAYS_INLINE int recv_locked(struct oak__chan *c, void *out, struct oak__g **wake, int *status)
{
    *wake = NULL;
    bool buffered = load_relaxed(&c->count) != 0;
    if (buffered)
        buffer_take(c, out);
    struct oak__waiter *w = list_empty(&c->senders) ? NULL : claim_first(&c->senders);
    if (w) {
        if (buffered)
            buffer_put(c, w->elem);
        else if (out)
            copy(out, w->elem, c->elem_size);
        *wake = w->g;
        *status = (int)w->data;
    }
    if (buffered || w)
        return 0;
    if (!load_relaxed(&c->closed))
        return -EAGAIN;
    if (out)
        memset(out, 0, c->elem_size);
    return -EPIPE;
}

int oak__chan_send_locked(struct oak__chan *c, const void *v, struct oak__g **wake, int *status)
{
    return send_locked(c, v, wake, status);
}

int oak__chan_recv_locked(struct oak__chan *c, void *out, struct oak__g **wake, int *status)
{
    return recv_locked(c, out, wake, status);
}

/* Waits in one queue of c; called under the lock, which it gives up. */
static int wait_in(struct oak__chan *c, struct oak__g *g, bool sending, void *elem, int64_t deadline)
{
    struct oak__waiter *w =
        oak__wait_begin_inline(g, sending ? OAK_WAIT_CHAN_SEND : OAK_WAIT_CHAN_RECV, c, deadline);
    w->elem = elem;
    w->data = 0;
    list_push_back(sending ? &c->senders : &c->receivers, &w->link);
    unlock(&c->lock);
    int err = oak__wait_park(g);
    if (err < 0 && err != -EPIPE) {
        lock(&c->lock);
        if (list_linked(&w->link))
            list_remove(&w->link);
        unlock(&c->lock);
    }
    return err;
}

/* A NULL channel: only the context or the limit ends the wait. */
static int wait_on_nil(enum oak_wait_reason reason, int64_t limit)
{
    struct oak__g *g = oak__enter();
    int err = oak__ctx_check(g);
    if (!err) {
        oak__wait_begin(g, reason, NULL, oak__deadline_of(limit));
        err = oak__wait_park(g);
    }
    oak__exit();
    return err;
}

enum { SEND = true, RECV = false };

/* limit < 0: never waits (-EAGAIN), and does not look at the context. */
ALWAYS_INLINE int operate(struct oak__chan *c, bool sending, void *elem, int64_t limit)
{
    if (unlikely(!oak__chan_ok(c)))
        return -EINVAL;
    struct oak__g *g = oak__enter_inline();
    int err = limit < 0 ? 0 : oak__ctx_check(g);
    if (likely(!err)) {
        struct oak__g *wake;
        int status = 0;
        lock(&c->lock);
        err = sending ? send_locked(c, elem, &wake, &status) : recv_locked(c, elem, &wake, &status);
        if (err == -EAGAIN && limit > 0) {
            err = wait_in(c, g, sending, elem, limit == OAK_FOREVER ? OAK_FOREVER : oak__deadline_of(limit));
        } else {
            unlock(&c->lock);
            if (wake)
                oak__wait_wake_inline(wake, status);
            if (err == -EAGAIN && limit == 0)
                err = -ETIMEDOUT;
        }
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
    while ((w = claim_first(queue))) {
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
    lock(&c->lock);
    bool was_closed = load_relaxed(&c->closed);
    struct oak__g *chain = NULL;
    if (!was_closed) {
        store_relaxed(&c->closed, true);
        chain = claim_all(c, &c->receivers, true, chain);
        chain = claim_all(c, &c->senders, false, chain);
    }
    unlock(&c->lock);
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
    lock(&c->lock);
    bool busy = !list_empty(&c->senders) || !list_empty(&c->receivers);
    if (busy) {
        dprintf(STDERR_FILENO, "oakum: oak_chan_free(%p): not freed, goroutines are blocked on it:\n",
                (void *)c);
        name_waiters(STDERR_FILENO, &c->senders, oak_wait_reason_name(OAK_WAIT_CHAN_SEND));
        name_waiters(STDERR_FILENO, &c->receivers, oak_wait_reason_name(OAK_WAIT_CHAN_RECV));
    } else {
        c->magic = 0;
    }
    unlock(&c->lock);
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
