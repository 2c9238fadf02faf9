/*
 * Who waits for a read-write mutex, and for whom.
 *
 * Held by a writer it is as a mutex: its word says who that is. Held by readers it says how many they are; who they are is in
 * the goroutines' own books (sync/reads.h). A lock is counted before it is booked and taken out of the books before it is
 * given back, so the books never tell of more readers than there are; and when they tell of all of them, nobody is just on
 * his way in or out. Only then are they believed: a writer waits for each of these readers.
 *
 * A reader that finds readers waits for a writer that came before it. The head of the queue is such a writer: it keeps all
 * others out until it has had the lock or has given up. (When the mutex's own lock is held, the queue is in flux.)
 */
#include "leak/decode.h"
#include "leak/sort.h"
#include "sync/reads.h"
#include "sync/rwmutex.h"

enum { MOST_READERS = 64 };

/* Goroutine or thread node (an index) has read-locked lock. */
struct booked {
    uintptr_t lock;
    uint64_t node;
};

static void each_read(struct decode *d, uint32_t node,
                      void (*fn)(struct decode *d, uintptr_t lock, uint32_t node))
{
    const uintptr_t reads = image_word(d->img, d->w->nodes[node].g + offsetof(struct oak__g, reads));
    struct oak__reads table;
    if (!(reads & 1)) {
        if (reads)
            fn(d, reads, node);
        return;
    }
    if (!image_copy(d->img, reads & ~(uintptr_t)1, &table, sizeof table))
        return;
    for (int i = 0; i < OAK__READS; i++)
        if (table.locks[i])
            fn(d, (uintptr_t)table.locks[i], node);
}

static void count(struct decode *d, uintptr_t lock, uint32_t node)
{
    (void)lock, (void)node;
    d->nbooked++;
}

static void enter(struct decode *d, uintptr_t lock, uint32_t node)
{
    d->booked[d->nbooked++] = (struct booked){lock, node};
}

/* When the first writer is met that waits for readers: most programs' checks need no such table. */
static bool read_books(struct decode *d)
{
    if (d->booked)
        return true;
    for (uint32_t i = 0; i < d->w->nnodes; i++)
        each_read(d, i, count);
    d->booked = oak__scratch_alloc(d->scratch, d->nbooked + 1, sizeof *d->booked);
    d->nbooked = 0;
    if (!d->booked)
        return false;
    for (uint32_t i = 0; i < d->w->nnodes; i++)
        each_read(d, i, enter);
    oak__sort(d->booked, d->nbooked, sizeof *d->booked);
    return true;
}

static void wait_for_readers(struct decode *d, struct oak__wait *x, const struct oak__rwmutex *m)
{
    const uint64_t readers = load_relaxed(&m->state) >> OAK__RW_SHIFT;
    if (load_relaxed(&m->untracked) || readers > MOST_READERS || !read_books(d))
        return;
    const size_t end = oak__sorted_above(d->booked, d->nbooked, sizeof *d->booked, x->object);
    size_t begin = end;
    while (begin > 0 && d->booked[begin - 1].lock == x->object)
        begin--;
    if (end - begin != readers || !oak__decode_take_holds(d, readers))
        return;
    x->rule = OAK__RULE_HOLDERS;
    for (size_t i = begin; i < end; i++)
        oak__decode_add_hold(d, x, (uint32_t)d->booked[i].node);
}

static void wait_behind_writer(struct decode *d, struct oak__wait *x, const struct oak__rwmutex *m)
{
    struct oak__waiter first;
    const uintptr_t at = (uintptr_t)m->queue.next;
    if (load_relaxed(&m->lock.word) || !(load_relaxed(&m->state) & OAK__RW_QUEUED) || !at ||
        !image_copy(d->img, at - offsetof(struct oak__waiter, link), &first, sizeof first) ||
        (uintptr_t)first.object != x->object || first.data != OAK__RW_WANTS_WRITE)
        return;
    const uint32_t writer =
        oak__decode_by_id(d, image_word(d->img, (uintptr_t)first.g + offsetof(struct oak__g, id)));
    if (!writer || d->w->nodes[writer - 1].g != (uintptr_t)first.g)
        return;
    x->rule = OAK__RULE_BEHIND;
    oak__decode_add_hold(d, x, writer - 1);
}

void oak__decode_wait_for_rwmutex(struct decode *d, uint32_t node, uintptr_t object)
{
    struct oak__rwmutex m;
    const bool known = image_copy(d->img, object, &m, sizeof m);
    const uint64_t state = known ? load_relaxed(&m.state) : 0;
    if (state & OAK__RW_WRITER) {
        oak__decode_wait_for_owner(d, node, object, state >> OAK__RW_SHIFT);
        return;
    }
    struct oak__wait *x = oak__decode_add_wait(d, node, object, OAK__RULE_REACH);
    if (!known)
        return;
    if (d->w->nodes[node].reason == OAK_WAIT_RWMUTEX_R)
        wait_behind_writer(d, x, &m);
    else
        wait_for_readers(d, x, &m);
}
