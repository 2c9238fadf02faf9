/* Threads by number and by stack pointer, and the runtime's records of them by number: there may be thousands of each. */
#include "leak/decode.h"

#include "leak/sort.h"

/* Of several with one number the first counts: the key has both. */
static uintptr_t key_of(int tid, size_t i)
{
    return (uintptr_t)(uint32_t)tid << 32 | (uint32_t)i;
}

static bool add_m(size_t i, uintptr_t at, void *arg)
{
    struct decode *d = arg;
    const struct oak__m *m = oak__image_at(d->img, at, sizeof *m);
    if (m && m->tid)
        d->m_by_tid[d->nms++] = (struct by_key){key_of(m->tid, i), at};
    return true;
}

int oak__decode_index(struct decode *d)
{
    const size_t n = d->img->nthreads;
    d->m_by_tid = oak__scratch_alloc(d->scratch, oak__table_size(&d->t->m) + 1, sizeof *d->m_by_tid);
    d->by_tid = oak__scratch_alloc(d->scratch, n + 1, sizeof *d->by_tid);
    d->by_sp = oak__scratch_alloc(d->scratch, n + 1, sizeof *d->by_sp);
    if (!d->m_by_tid || !d->by_tid || !d->by_sp)
        return -ENOMEM;
    oak__table_each(&d->t->m, add_m, d);
    for (size_t i = 0; i < n; i++) {
        d->by_tid[i] = (struct by_key){key_of(d->img->threads[i].tid, i), i};
        d->by_sp[i] = (struct by_key){d->img->threads[i].sp, i};
    }
    oak__sort(d->m_by_tid, d->nms, sizeof *d->m_by_tid);
    oak__sort(d->by_tid, n, sizeof *d->by_tid);
    oak__sort(d->by_sp, n, sizeof *d->by_sp);
    return 0;
}

static const struct by_key *first_of(const struct by_key *records, size_t n, int tid)
{
    const size_t i = oak__sorted_above(records, n, sizeof *records, key_of(tid, 0) - 1);
    return tid && i < n && records[i].key >> 32 == (uint32_t)tid ? &records[i] : NULL;
}

const struct oak__m *oak__decode_m_of(const struct decode *d, int tid)
{
    const struct by_key *k = first_of(d->m_by_tid, d->nms, tid);
    return k ? oak__image_at(d->img, k->value, sizeof(struct oak__m)) : NULL;
}

const struct oak__thread *oak__decode_thread(const struct decode *d, int tid)
{
    const struct by_key *k = first_of(d->by_tid, d->img->nthreads, tid);
    return k ? &d->img->threads[k->value] : NULL;
}

uintptr_t oak__decode_sp_within(const struct decode *d, const struct oak__span *stack)
{
    const size_t n = d->img->nthreads, i = oak__sorted_above(d->by_sp, n, sizeof *d->by_sp, stack->lo - 1);
    return i < n && d->by_sp[i].key < stack->hi ? d->by_sp[i].key : 0;
}
