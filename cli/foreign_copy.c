/*
 * A stopped process's memory, copied.
 *
 * The process waits meanwhile, so all that can be done before is: room for the copy is made and touched while the process runs
 * (foreign_copy_prepare), by what it has written to until then. While it stands still the pages are asked for
 * again, and copied by several threads, many pieces with one system call.
 */
#include "foreign.h"
#include "proc.h"

#include "base/os.h"
#include "leak/pagemap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum {
    PIECE = 4 << 20,
    ALONE = 8 << 20, /* less is copied by one thread */
    BATCH = 512,     /* pieces with one system call */
    MOST_AT_ONCE = 64 << 20,
    MOST_SHARED = 64 << 20,
    MOST_COPIERS = 8,
};
#ifndef MADV_POPULATE_WRITE
    #define MADV_POPULATE_WRITE 23
#endif

/* Of the process: [at, at + size), to be copied to. */
struct piece {
    uintptr_t at;
    size_t size;
    char *to;
};

struct plan {
    struct foreign *f;
    pid_t pid;
    int pagemap, mem;
    unsigned which;   /* foreign_memory */
    uint64_t without; /* categories of pages that hold nothing */
    struct piece *pieces;
    size_t n, room;
    size_t bytes;
    int err; /* an errno */
};

/* Room that was made beforehand, for a mapping. */
struct reserved {
    uintptr_t lo, hi;
    char *local;
};
static struct {
    struct reserved *at;
    size_t n;
} reserved;

/* ---- which pages ---- */

static void add_written(struct plan *p, uintptr_t lo, uintptr_t hi)
{
    for (; lo < hi && !p->err; lo += PIECE) {
        if (p->n == p->room) {
            size_t room = p->room ? 2 * p->room : 4096;
            struct piece *more = realloc(p->pieces, room * sizeof *more);
            if (!more) {
                p->err = ENOMEM;
                return;
            }
            p->pieces = more;
            p->room = room;
        }
        const size_t size = hi - lo < PIECE ? hi - lo : PIECE;
        p->pieces[p->n++] = (struct piece){lo, size, NULL};
        p->bytes += size;
    }
}

/* Before Linux 6.7. */
static void written_by_words(struct plan *p, const struct foreign_map *m)
{
    static uint64_t word[65536];
    const size_t page = oak__os_page_size();
    for (uintptr_t at = m->lo; at < m->hi && !p->err;) {
        size_t want = (m->hi - at) / page < countof(word) ? (m->hi - at) / page : countof(word);
        ssize_t n = pread(p->pagemap, word, want * 8, (off_t)(at / page * 8));
        if (n < 8) {
            p->err = n < 0 ? errno : ESRCH;
            return;
        }
        for (ssize_t i = 0, next; i < n / 8; i = next) {
            for (next = i; next < n / 8 && pagemap_word_written(word[next]); next++)
                ;
            if (next > i)
                add_written(p, at + (size_t)i * page, at + (size_t)next * page);
            else
                next++;
        }
        at += (size_t)(n / 8) * page;
    }
}

static void written(struct plan *p, const struct foreign_map *m)
{
    struct pagemap_region vec[512];
    for (uint64_t at = m->lo, end = 0; at < m->hi && !p->err; at = end) {
        long n = pagemap_scan(p->pagemap, at, m->hi, p->without, vec, countof(vec), &end);
        if (n == -EINVAL && p->without & PAGE_IS_GUARD) {
            p->without &= ~(uint64_t)PAGE_IS_GUARD; /* before Linux 6.15 */
            n = pagemap_scan(p->pagemap, at, m->hi, p->without, vec, countof(vec), &end);
        }
        if (n < 0 || end <= at) {
            if (at == m->lo)
                written_by_words(p, m);
            else
                p->err = EIO;
            return;
        }
        for (long i = 0; i < n; i++)
            add_written(p, vec[i].start, vec[i].end);
    }
}

static char *make_room(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* For the pieces from `first` on, which are m's. */
static void give_room(struct plan *p, struct foreign_map *m, size_t first)
{
    if (first == p->n || p->err)
        return;
    for (size_t i = 0; i < reserved.n && !m->local; i++)
        if (reserved.at[i].lo == m->lo && reserved.at[i].hi >= m->hi)
            m->local = reserved.at[i].local;
    if (!m->local)
        m->local = make_room(m->hi - m->lo);
    if (!m->local)
        p->err = ENOMEM;
    for (size_t i = first; i < p->n && !p->err; i++)
        p->pieces[i].to = (char *)(uintptr_t)m->local + (p->pieces[i].at - m->lo);
}

/* Whether the file was opened for reading only, so that nothing was ever written to it by this mapping. */
static bool was_never_written(const struct plan *p, const struct foreign_map *m)
{
    char name[80];
    struct stat st;
    snprintf(name, sizeof name, "/proc/%d/map_files/%lx-%lx", (int)p->pid, (unsigned long)m->lo,
             (unsigned long)m->hi);
    return (m->flags & (OAK__MAP_FILE | OAK__MAP_WRITE)) == OAK__MAP_FILE && lstat(name, &st) == 0 &&
           !(st.st_mode & S_IWUSR);
}

/* What others may have written to shared memory is not in this process's page tables: it is read whole, or lacks. */
static void plan_map(struct plan *p, struct foreign_map *m)
{
    const size_t first = p->n;
    if (m->flags & OAK__MAP_KERNEL ||
        !(p->which & (m->flags & OAK__MAP_SHARED ? FOREIGN_SHARED : FOREIGN_PRIVATE)))
        return;
    if (!(m->flags & OAK__MAP_SHARED))
        written(p, m);
    else if (was_never_written(p, m))
        return;
    else if (m->hi - m->lo > MOST_SHARED)
        p->f->lacks = true;
    else
        add_written(p, m->lo, m->hi);
    give_room(p, m, first);
}

static void make_plan(struct plan *p)
{
    for (size_t i = 0; i < p->f->nmaps && !p->err; i++)
        plan_map(p, &p->f->maps[i]);
}

static void open_plan(struct plan *p, struct foreign *f, pid_t pid, unsigned which)
{
    *p = (struct plan){
        .f = f, .pid = pid, .which = which, .without = PAGE_IS_OF_FILE | PAGE_IS_ZERO | PAGE_IS_GUARD};
    p->pagemap = proc_open(pid, "pagemap");
    p->mem = proc_open(pid, "mem");
    p->err = p->pagemap < 0 ? errno : 0;
}

static void close_plan(struct plan *p)
{
    if (p->pagemap >= 0)
        close(p->pagemap);
    if (p->mem >= 0)
        close(p->mem);
    free(p->pieces);
}

/* ---- copying ---- */

/* One thread's part of the plan, in order of address. */
struct copier {
    const struct plan *plan;
    size_t from, to;
    size_t at, done; /* the piece it is at, and how much of that is done */
    struct oak__span *present, *refused;
    size_t npresent, present_room, nrefused, refused_room;
    int err;
    pthread_t thread;
    bool started;
};

/* n bytes of the piece that it is at are done with. */
static void step(struct copier *c, size_t n)
{
    c->done += n;
    if (c->done == c->plan->pieces[c->at].size) {
        c->at++;
        c->done = 0;
    }
}

/* The next n bytes are copied. */
static void advance(struct copier *c, size_t n)
{
    while (n && !c->err) {
        const struct piece *p = &c->plan->pieces[c->at];
        const size_t part = p->size - c->done < n ? p->size - c->done : n;
        if (!foreign_add_span(&c->present, &c->npresent, &c->present_room, p->at + c->done,
                              p->at + c->done + part))
            c->err = ENOMEM;
        step(c, part);
        n -= part;
    }
}

/* A page without access for the process itself: a tracer may read it. Else something was written there, and nobody can say
 * what. */
static void copy_refused(struct copier *c)
{
    const struct piece *p = &c->plan->pieces[c->at];
    const size_t page = oak__os_page_size();
    if (pread(c->plan->mem, p->to + c->done, page, (off_t)(p->at + c->done)) == (ssize_t)page) {
        advance(c, page);
        return;
    }
    if (!foreign_add_span(&c->refused, &c->nrefused, &c->refused_room, p->at + c->done,
                          p->at + c->done + page))
        c->err = ENOMEM;
    step(c, page);
}

static void copy_some(struct copier *c)
{
    struct iovec local[BATCH], remote[BATCH];
    size_t done = c->done, bytes = 0;
    unsigned n = 0;
    for (size_t i = c->at; i < c->to && n < BATCH && bytes < MOST_AT_ONCE; i++, n++, done = 0) {
        const struct piece *p = &c->plan->pieces[i];
        local[n] = (struct iovec){p->to + done, p->size - done};
        remote[n] = (struct iovec){(void *)(p->at + done), p->size - done};
        bytes += p->size - done;
    }
    ssize_t got = process_vm_readv(c->plan->pid, local, n, remote, n, 0);
    if (got > 0)
        advance(c, (size_t)got);
    else if (got < 0 && errno != EFAULT)
        c->err = errno;
    else
        copy_refused(c);
}

static void *copy(void *arg)
{
    struct copier *c = arg;
    while (c->at < c->to && !c->err)
        copy_some(c);
    return NULL;
}

/* By bytes; at most as many as there are processors. */
static size_t share_out(const struct plan *p, struct copier *c)
{
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = p->bytes < ALONE || cpus < 2 ? 1 : cpus < MOST_COPIERS ? (size_t)cpus : MOST_COPIERS;
    size_t at = 0, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        c[i] = (struct copier){.plan = p, .from = at, .at = at};
        while (at < p->n && (i + 1 == n || bytes < p->bytes / n * (i + 1)))
            bytes += p->pieces[at++].size;
        c[i].to = at;
    }
    return n;
}

static bool gather(struct foreign *f, const struct copier *c)
{
    bool ok = true;
    for (size_t i = 0; i < c->npresent && ok; i++)
        ok = foreign_add_present(f, c->present[i].lo, c->present[i].hi);
    for (size_t i = 0; i < c->nrefused && ok; i++)
        ok = foreign_add_refused(f, c->refused[i].lo, c->refused[i].hi);
    return ok;
}

static int copy_all(const struct plan *p)
{
    struct copier c[MOST_COPIERS];
    const size_t n = share_out(p, c);
    int err = 0;
    for (size_t i = 1; i < n; i++)
        c[i].started = pthread_create(&c[i].thread, NULL, copy, &c[i]) == 0;
    copy(&c[0]);
    for (size_t i = 1; i < n; i++) {
        if (c[i].started)
            pthread_join(c[i].thread, NULL);
        else
            copy(&c[i]);
    }
    for (size_t i = 0; i < n; i++) {
        err = err ? err : c[i].err ? c[i].err : gather(p->f, &c[i]) ? 0 : ENOMEM;
        free(c[i].present);
        free(c[i].refused);
    }
    return err;
}

int foreign_copy(struct foreign *f, pid_t pid, unsigned which)
{
    struct plan p;
    open_plan(&p, f, pid, which);
    if (!p.err)
        make_plan(&p);
    if (!p.err)
        p.err = copy_all(&p);
    close_plan(&p);
    return p.err;
}

/* Huge pages where most of a mapping was written to. */
static void touch(const struct plan *p, const struct foreign_map *m, size_t from, size_t bytes)
{
    char *local = (char *)(uintptr_t)m->local;
    if (bytes > (m->hi - m->lo) / 4 * 3)
        madvise(local, m->hi - m->lo, MADV_HUGEPAGE);
    for (size_t i = from; i < p->n; i++)
        madvise(p->pieces[i].to, p->pieces[i].size, MADV_POPULATE_WRITE);
}

void foreign_copy_prepare(struct foreign *f, pid_t pid)
{
    struct plan p;
    open_plan(&p, f, pid, FOREIGN_SHARED | FOREIGN_PRIVATE);
    reserved.at = calloc(f->nmaps + 1, sizeof *reserved.at);
    for (size_t i = 0; i < f->nmaps && reserved.at && !p.err; i++) {
        struct foreign_map *m = &f->maps[i];
        const size_t before = p.n, bytes = p.bytes;
        plan_map(&p, m);
        if (!m->local)
            continue;
        touch(&p, m, before, p.bytes - bytes);
        reserved.at[reserved.n++] = (struct reserved){m->lo, m->hi, (char *)(uintptr_t)m->local};
    }
    close_plan(&p);
}
