#include "leak/shared.h"

#include "base/os.h"
#include "leak/no_pointers.h"
#include "leak/raw.h"
#include "leak/sort.h"

#include <sys/uio.h>

/* ---- what is left out ---- */

/* Sorted, not overlapping. */
struct except {
    struct oak__span *span;
    size_t n;
};

static int make_except(struct except *e, const struct oak__span *quiet, size_t nquiet,
                       const struct oak__span *ours, size_t nours, struct oak__scratch *s)
{
    size_t n = 0;
    *e = (struct except){.span = oak__scratch_alloc(s, nquiet + nours + 1, sizeof *e->span)};
    if (!e->span)
        return -ENOMEM;
    for (size_t i = 0; i < nquiet; i++)
        e->span[n++] = quiet[i];
    for (size_t i = 0; i < nours; i++)
        if (ours[i].lo < ours[i].hi)
            e->span[n++] = ours[i];
    e->n = oak__spans_tidy(e->span, n);
    return 0;
}

/* From *at on, which it moves: the next part of [.., hi) that is no exception. */
static bool next_part(const struct except *e, uintptr_t *at, uintptr_t hi, struct oak__span *part)
{
    for (size_t i = oak__sorted_ending_above(e->span, e->n, sizeof *e->span, *at); *at < hi; i++) {
        const struct oak__span *x = i < e->n && e->span[i].lo < hi ? &e->span[i] : NULL;
        *part = (struct oak__span){*at, x ? x->lo : hi};
        *at = x ? x->hi : hi;
        if (part->lo < part->hi)
            return true;
    }
    return false;
}

static bool is_shared(const struct oak__mapping *m)
{
    return (m->flags & (OAK__MAP_SHARED | OAK__MAP_KERNEL)) == OAK__MAP_SHARED;
}

/* ---- in the process ---- */

/*
 * Bytes that are read; 0: none of this page can be; else negative errno. The first way is the quicker one, and does not tell a page
 * that may not be read from one that cannot be. (A process is asked for by this thread's number: its first thread may have ended.)
 */
static long read_some(const struct oak__shared *x, const struct oak__shared_part *p, uintptr_t at)
{
    char *to = p->copy + (at - p->lo);
    struct iovec local = {to, p->hi - at}, remote = {(void *)at, p->hi - at};
    long n = raw(SYS_process_vm_readv, raw(SYS_gettid), &local, 1, &remote, 1, 0);
    if (n > 0 || n == -ENOSYS) /* by an emulator, whose /proc/self/mem is of another address space */
        return n;
    n = x->mem < 0 ? -EBADF : raw(SYS_pread64, x->mem, to, p->hi - at, at);
    return n == -EIO ? 0 : n;
}

static bool copy_part(const struct oak__shared *x, const struct oak__shared_part *p)
{
    const size_t page = oak__os_page_size();
    for (uintptr_t at = p->lo; at < p->hi;) {
        long n = read_some(x, p, at);
        if (n < 0)
            return false;
        if (n == 0) {
            uintptr_t next = round_up(at + 1, (uintptr_t)page);
            n = (long)((next < p->hi ? next : p->hi) - at);
            memset(p->copy + (at - p->lo), 0, (size_t)n);
        }
        at += (uintptr_t)n;
    }
    return true;
}

void oak__shared_copy(struct oak__shared *x)
{
    for (size_t i = 0; x->copy && i < x->n; i++)
        x->parts[i].copied = copy_part(x, &x->parts[i]);
}

static size_t list_parts(struct oak__shared *x, const struct oak__image *img, const struct except *e)
{
    struct oak__span part;
    size_t size = 0;
    for (size_t i = 0; i < img->nmaps; i++) {
        const struct oak__mapping *m = &img->maps[i];
        for (uintptr_t at = m->lo; is_shared(m) && next_part(e, &at, m->hi, &part);) {
            x->parts[x->n++] = (struct oak__shared_part){.lo = part.lo, .hi = part.hi};
            size += part.hi - part.lo;
        }
    }
    return size;
}

/* Shared itself: the clone need not have page tables of it. */
static void make_room(struct oak__shared *x, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (p == MAP_FAILED)
        return; /* then they are not seen */
    x->copy = p;
    x->size = size;
    char *to = p;
    for (size_t i = 0; i < x->n; i++) {
        x->parts[i].copy = to;
        to += x->parts[i].hi - x->parts[i].lo;
    }
}

int oak__shared_prepare(struct oak__shared *x, struct oak__image *img, struct oak__scratch *s,
                        const struct oak__span *ours, size_t n)
{
    struct oak__tables t;
    struct except e;
    *x = (struct oak__shared){.mem = -1};
    int err = oak__quiet_read(img, (uintptr_t)load_acquire(&oak__no_pointers), s, &t);
    if (!err)
        err = make_except(&e, t.quiet, t.nquiet, ours, n, s);
    if (err)
        return err;
    x->parts = oak__scratch_alloc(s, img->nmaps + e.n + 1, sizeof *x->parts);
    if (!x->parts)
        return -ENOMEM;
    size_t size = list_parts(x, img, &e);
    if (!size || size > OAK__SHARED_MOST)
        return 0;
    x->mem = raw_open_own("mem", O_RDONLY);
    make_room(x, size);
    oak__shared_copy(x);
    return 0;
}

void oak__shared_free(struct oak__shared *x)
{
    if (x->copy)
        munmap(x->copy, x->size);
    if (x->parts && x->mem >= 0)
        raw_close(x->mem);
    *x = (struct oak__shared){.mem = -1};
}

/* ---- in the clone ---- */

struct showing {
    const struct oak__shared *x;
    struct oak__image *img;
    struct except except;
    struct oak__mapping *maps; /* the new ones */
    size_t n;
};

static void add(struct showing *h, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                const char *local, uint32_t flags)
{
    if (lo < hi)
        h->maps[h->n++] =
            (struct oak__mapping){.lo = lo, .hi = hi, .local = local, .flags = m->flags | flags};
}

/* A file that was opened for reading only. What is asked of is a mapping of the clone's, which nobody else has. */
static bool was_never_written(const struct oak__mapping *m)
{
    return (m->flags & (OAK__MAP_FILE | OAK__MAP_READ | OAK__MAP_WRITE)) == (OAK__MAP_FILE | OAK__MAP_READ) &&
           raw(SYS_mprotect, m->lo, m->hi - m->lo, PROT_READ | PROT_WRITE) == -EACCES;
}

/* [lo, hi) of m was not copied. */
static void not_copied(struct showing *h, const struct oak__mapping *m, uintptr_t lo, uintptr_t hi,
                       bool harmless)
{
    struct oak__span part;
    uint64_t unseen = 0;
    if (!harmless)
        for (uintptr_t at = lo; next_part(&h->except, &at, hi, &part);)
            unseen += part.hi - part.lo;
    h->img->unseen += unseen;
    /* What is not of that moment must not be mixed with what is. */
    add(h, m, lo, hi, unseen ? NULL : m->local + (lo - m->lo), 0);
}

static void show_mapping(struct showing *h, const struct oak__mapping *m)
{
    const struct oak__shared *x = h->x;
    const bool harmless = was_never_written(m);
    uintptr_t at = m->lo;
    for (size_t i = oak__sorted_ending_above(x->parts, x->n, sizeof *x->parts, at);
         i < x->n && x->parts[i].lo < m->hi; i++) {
        const struct oak__shared_part *p = &x->parts[i];
        if (!p->copied)
            continue;
        const uintptr_t lo = p->lo > at ? p->lo : at, hi = p->hi < m->hi ? p->hi : m->hi;
        not_copied(h, m, at, lo, harmless);
        add(h, m, lo, hi, p->copy + (lo - p->lo), OAK__MAP_READ | OAK__MAP_COPIED);
        at = hi;
    }
    not_copied(h, m, at, m->hi, harmless);
}

int oak__shared_show(const struct oak__shared *x, struct oak__image *img, struct oak__scratch *s,
                     const struct oak__tables *t, const struct oak__span *ours, size_t n)
{
    struct showing h = {.x = x, .img = img};
    int err = make_except(&h.except, t->quiet, t->nquiet, ours, n, s);
    if (err)
        return err;
    h.maps = oak__scratch_alloc(s, 2 * (img->nmaps + x->n) + 1, sizeof *h.maps);
    if (!h.maps)
        return -ENOMEM;
    for (size_t i = 0; i < img->nmaps; i++)
        if (is_shared(&img->maps[i]))
            show_mapping(&h, &img->maps[i]);
        else
            h.maps[h.n++] = img->maps[i];
    img->maps = h.maps;
    img->nmaps = h.n;
    return 0;
}
