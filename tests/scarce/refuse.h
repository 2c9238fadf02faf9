/*
 * For tests that refuse one thing after the other: a scenario is run once to count what it asks for, then again with the first,
 * the second, ... the nth of these refused, and with all from the nth on.
 *
 * What is refused: allocations of the core, its mappings, its threads, epoll, sockets, accept, fork (the doors of base/os.h), and
 * every call of malloc and its kin in the whole process, the C library's own among them. The allocator that refuses
 * does not set errno, so nothing may rely on that. (Sanitizers have an allocator of their own: there the last kind is left out.)
 *
 * A scenario returns 0, or the negative errno with which the library refused it; it leaves nothing behind in either case.
 * After each refusal it is run once more and must succeed: the program goes on.
 */
#ifndef OAK_TESTS_SCARCE_REFUSE_H
#define OAK_TESTS_SCARCE_REFUSE_H

#include "base/os.h"
#include "base/slab.h"
#include "support/goroutine.h"
#include "support/part.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define HAVE_ALLOCATOR (!UNDER_ASAN && !UNDER_TSAN)

/* ---- the allocator ---- */

enum { LIBC_MALLOC = OAK__FAULT_COUNT, KINDS };

static _Atomic int refuse_after, refuse_times; /* of malloc and its kin */
static _Atomic long mallocs, live_blocks;

#if HAVE_ALLOCATOR
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static bool refused_here(void)
{
    if (load_relaxed(&refuse_times) <= 0)
        return false;
    fetch_add_relaxed(&mallocs, 1);
    return fetch_add_relaxed(&refuse_after, -1) <= 0 && fetch_add_relaxed(&refuse_times, -1) > 0;
}

static void *counted(void *p)
{
    if (p)
        fetch_add_relaxed(&live_blocks, 1);
    return p;
}

void *malloc(size_t n)
{
    return refused_here() ? NULL : counted(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
    return refused_here() ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
    if (refused_here())
        return NULL;
    void *q = __libc_realloc(p, n);
    if (!p)
        counted(q);
    else if (!n && !q)
        fetch_add_relaxed(&live_blocks, -1);
    return q;
}

void *memalign(size_t align, size_t n)
{
    return refused_here() ? NULL : counted(__libc_memalign(align, n));
}

void *aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = memalign(align, n);
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}

void free(void *p)
{
    if (p)
        fetch_add_relaxed(&live_blocks, -1);
    __libc_free(p);
}
#endif

/* ---- refusing ---- */

static const struct {
    const char *name;
    int err; /* positive */
} kinds[KINDS] = {
    [OAK__FAULT_MMAP] = {"mapping", ENOMEM},  [OAK__FAULT_THREAD] = {"thread", EAGAIN},
    [OAK__FAULT_MALLOC] = {"memory", ENOMEM}, [OAK__FAULT_EPOLL] = {"epoll", ENOSPC},
    [OAK__FAULT_SOCKET] = {"socket", EMFILE}, [OAK__FAULT_ACCEPT] = {"accept", EMFILE},
    [OAK__FAULT_FORK] = {"process", EAGAIN},  [LIBC_MALLOC] = {"malloc", ENOMEM},
};

/* What is being refused. */
static struct {
    int kind, after;
    bool hit; /* it was asked for */
} refusing;

static void arm(int kind, int after, int times)
{
    if (kind == LIBC_MALLOC) {
        store_relaxed(&refuse_times, 0);
        store_relaxed(&mallocs, 0);
        store_relaxed(&refuse_after, after);
        store_relaxed(&refuse_times, times);
    } else {
        oak__fault_set((enum oak__fault)kind, after, times, kinds[kind].err);
    }
}

static int asked_for(int kind)
{
    return kind == LIBC_MALLOC ? (int)load_relaxed(&mallocs) : oak__fault_calls((enum oak__fault)kind);
}

static void refuse(int kind, int after, int times)
{
    refusing.kind = kind;
    refusing.after = after;
    refusing.hit = false;
    arm(kind, after, times);
}

/* There is plenty again. Also for scenarios, before they wait for what can only happen then. */
static void relent(void)
{
    refusing.hit |= asked_for(refusing.kind) > refusing.after;
    arm(refusing.kind, 0, 0);
}

/* ---- what may be left behind ---- */

struct books {
    long blocks;      /* of the heap */
    long objects;     /* of the runtime's tables */
    long descriptors; /* open */
    uint64_t goroutines;
    uint64_t threads;
};

static __attribute__((unused)) int descriptors_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Descriptors, threads and what is kept for later use are as many as were needed at a time. */
static bool count_objects(struct oak__slab *s, void *arg)
{
    static const char *const kept[] = {"goroutines", "threads", "poll descriptor", "thread starts"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (strcmp(s->name, kept[i]) == 0)
            return true;
    lock(&s->lock);
    uint32_t n = load_relaxed(&s->nchunks);
    long used = n ? (long)((n - 1) * s->chunks[0].objects + s->fresh) : 0;
    for (void *p = s->free_list; p; p = *(void **)p)
        used--;
    unlock(&s->lock);
    *(long *)arg += used;
    return true;
}

/* With all goroutines but the caller gone: the last one gives back what it holds after whoever waited for it goes on. */
static __attribute__((unused)) void take_books(struct books *b, uint64_t goroutines)
{
    struct oak_stats s;
    memset(b, 0, sizeof *b);
    do {
        expect(oak_sleep(50 * OAK_MICROSECOND) == 0);
        expect(oak_stats_read(&s) == 0);
    } while (goroutines && s.created - s.ended > goroutines);
    b->goroutines = s.created - s.ended;
    b->threads = s.threads;
    b->blocks = load_relaxed(&live_blocks);
    b->descriptors = descriptors_open();
    oak__slabs_each(count_objects, &b->objects);
}

static bool more_in(const struct books *now, const struct books *before)
{
    return now->blocks > before->blocks || now->objects > before->objects ||
           now->descriptors > before->descriptors || now->goroutines > before->goroutines;
}

/* ---- the drill ---- */

typedef int scenario_fn(void);

struct scenario {
    const char *name;
    scenario_fn *run;
    int also[4]; /* errors that it may give besides those of what was refused; negative */
};

static __attribute__((unused)) bool allowed(const struct scenario *s, int kind, int rc)
{
    if (rc == 0 || rc == -ENOMEM || rc == -kinds[kind].err)
        return true;
    for (int i = 0; i < 4; i++)
        if (rc && rc == s->also[i])
            return true;
    return false;
}

static __attribute__((unused)) void drill_fails(const struct scenario *s, int kind, int at, const char *what,
                                                int rc)
{
    dprintf(STDERR_FILENO, "%s, %s number %d refused: %s (%d: %s)\n", s->name, kinds[kind].name, at + 1, what,
            rc, rc < 0 ? strerror(-rc) : "");
    _exit(CHILD_FAILED);
}

/* One refusal, and the run after it. True: it was refused indeed. */
static __attribute__((unused)) bool refuse_one(const struct scenario *s, int kind, int at, int times)
{
    refuse(kind, at, times);
    int rc = s->run();
    relent();
    const bool hit = refusing.hit;
    if (!allowed(s, kind, rc))
        drill_fails(s, kind, at, "an error that is not documented", rc);
    rc = s->run();
    if (rc)
        drill_fails(s, kind, at, "does not work afterwards", rc);
    return hit && rc == 0;
}

/* Something that grows with each repetition of the same refusal is lost by it; a thread that was made, a buffer that grew, are not. */
static __attribute__((unused)) bool refuse_and_compare(const struct scenario *s, int kind, int at, int times)
{
    enum { REPEAT = 4 };
    struct books before, after;
    take_books(&after, 1);
    for (int i = 0; i < REPEAT; i++) {
        before = after;
        if (!refuse_one(s, kind, at, times))
            return false;
        take_books(&after, 1);
        if (!more_in(&after, &before))
            return true;
    }
    dprintf(STDERR_FILENO,
            "blocks %ld -> %ld, objects %ld -> %ld, descriptors %ld -> %ld, goroutines %llu -> %llu\n",
            before.blocks, after.blocks, before.objects, after.objects, before.descriptors, after.descriptors,
            (unsigned long long)before.goroutines, (unsigned long long)after.goroutines);
    drill_fails(s, kind, at, "something is lost", 0);
    return false;
}

enum { MOST_REFUSED = 400 };

/* In the main goroutine, nothing else running: all that the scenario asks for of one kind. How many were refused. */
static __attribute__((unused)) int drill(const struct scenario *s, int kind)
{
    int n = 0;
    for (int warm = 0; warm < 2; warm++) {
        int rc = s->run();
        if (rc)
            drill_fails(s, kind, -1, "does not work at all", rc);
    }
    while (n < MOST_REFUSED && refuse_and_compare(s, kind, n, 1))
        n++;
    for (int i = 0; i < n; i += 1 + n / 16)
        (void)refuse_and_compare(s, kind, i, INT_MAX);
    return n;
}

static __attribute__((unused)) void drill_all(const struct scenario *s, size_t n, const int *which,
                                              size_t nkinds)
{
    for (size_t i = 0; i < n; i++) {
        dprintf(STDOUT_FILENO, "%s:", s[i].name);
        for (size_t k = 0; k < nkinds; k++)
            if (which[k] != LIBC_MALLOC || HAVE_ALLOCATOR)
                dprintf(STDOUT_FILENO, " %s %d", kinds[which[k]].name, drill(&s[i], which[k]));
        dprintf(STDOUT_FILENO, "\n");
    }
}

/* ---- from a cold start ---- */

struct cold {
    const struct scenario *s;
    int kind, at, times;
};

static const struct scenario *cold_scenario;
static int cold_result;

static __attribute__((unused)) int cold_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    cold_result = cold_scenario->run();
    return 0;
}

/* In a child: the scenario from the start of the runtime on, refused and not. 0: refused indeed; 1: there was nothing more to refuse. */
static __attribute__((unused)) int cold_child(void *arg)
{
    const struct cold *c = arg;
    cold_scenario = c->s;
    refuse(c->kind, c->at, c->times);
    int rc = oak_run(cold_app, 0, NULL);
    relent();
    const bool hit = refusing.hit;
    rc = rc ? rc : cold_result;
    if (!allowed(c->s, c->kind, rc))
        drill_fails(c->s, c->kind, c->at, "an error that is not documented", rc);
    rc = oak_run(cold_app, 0, NULL);
    rc = rc ? rc : cold_result;
    if (rc)
        drill_fails(c->s, c->kind, c->at, "does not work afterwards", rc);
    return hit ? 0 : 1;
}

/* All that it asks for from the start on; how many were refused. The process must not have started the runtime. */
static __attribute__((unused)) int drill_cold(const struct scenario *s, int kind, int times)
{
    static struct outcome o;
    for (int n = 0;; n++) {
        struct cold c = {s, kind, n, times};
        in_child(&o, cold_child, &c);
        if (exited_with(&o, 1) || n == MOST_REFUSED)
            return n;
        if (!exited_with(&o, 0)) {
            fputs(o.text, stderr);
            fail_msg("%s, %s number %d refused (%d times): wait status 0x%x%s", s->name, kinds[kind].name,
                     n + 1, times, (unsigned)o.status, killed_by(&o, SIGALRM) ? " (it hangs)" : "");
        }
    }
}

#endif
