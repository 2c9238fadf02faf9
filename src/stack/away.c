/* Putting stacks away and bringing them back: see away.h. */
#include "stack/away.h"
#include "base/os.h"
#include "base/slab.h"
#include "stack/stack.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

enum { STAGING = 64, SPINS = 100, TRIES = 1000, NO_MEMORY_TRIES = 1000 };

static struct {
    _Atomic bool on;
    int fd; /* userfaultfd */
    pid_t pid;
    char *staging;              /* pages to be filled before they are put in place */
    _Atomic uint64_t free_page; /* a bit each */
    _Atomic uint64_t count;
    _Atomic uint32_t coming;
} away;

bool oak__away_on(void)
{
    return load_acquire(&away.on);
}

uint64_t oak__away_count(void)
{
    return load_relaxed(&away.count);
}

bool oak__away_at_rest(void)
{
    return load_seq(&away.coming) == 0;
}

/* ---- turning it on ---- */

/* The kernel puts a page over a guard (it may refuse to some day), and it can be written to. 0, -ENOTSUP, -ENOMEM. */
static int fills_guards(int fd)
{
    const size_t page = oak__os_page_size();
    char *p = oak__os_reserve(page, page);
    if (!p)
        return -ENOMEM;
    memset(away.staging, 'x', page);
    bool works = oak__os_userfault_add(fd, p, page) == 0 && oak__os_guard(p, page, true) == 0 &&
                 oak__os_userfault_fill(fd, p, away.staging) == 0 && memcmp(p, away.staging, page) == 0 &&
                 oak__os_userfault_protect(fd, p, page, true) == 0 && oak__os_guard(p, page, true) == 0 &&
                 oak__os_userfault_fill(fd, p, away.staging) == 0;
    if (works)
        *p = 'y'; /* the protection has gone with the old page, or this would be a fault */
    oak__os_unreserve(p, page);
    return works ? 0 : -ENOTSUP;
}

int oak__away_begin(void)
{
    if (oak__away_on())
        return 0;
    int light = OAK_ASAN || OAK_TSAN ? 0 : oak__os_guard_light_works();
    if (light <= 0)
        return light ? light : -ENOTSUP;
    if (!away.staging)
        away.staging = oak__runtime_alloc(STAGING * oak__os_page_size());
    if (!away.staging)
        return -ENOMEM;
    int fd = oak__os_userfault_open();
    if (fd < 0)
        return fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM ? fd : -ENOTSUP;
    int err = fills_guards(fd);
    if (err) {
        (void)oak__os_close(fd);
        return err;
    }
    away.fd = fd;
    away.pid = getpid();
    store_relaxed(&away.free_page, ~(uint64_t)0);
    store_release(&away.on, true);
    return 0;
}

int oak__away_add(void *base, size_t size)
{
    return oak__os_userfault_add(away.fd, base, size);
}

/* ---- bringing back ---- */

static char *take_page(void)
{
    for (;;) {
        uint64_t bits = load_relaxed(&away.free_page);
        if (!bits)
            sched_yield();
        else if (cas_acquire(&away.free_page, &bits, bits & (bits - 1)))
            return away.staging + (size_t)__builtin_ctzll(bits) * oak__os_page_size();
    }
}

static void give_page(const char *p)
{
    uint64_t bit = (uint64_t)1 << ((size_t)(p - away.staging) / oak__os_page_size());
    uint64_t bits = load_relaxed(&away.free_page);
    while (!cas_release(&away.free_page, &bits, bits | bit))
        ;
}

/* The page with its contents, in one step. The stack above and below holds nothing. */
static int fill(const struct oak__stack_place *at, const struct oak__kept *k)
{
    const size_t size = oak__os_page_size();
    char *page = take_page();
    size_t off = (size_t)(k->sp - (at->hi - size));
    memset(page, 0, off);
    memcpy(page + off, k->bytes, k->size);
    memset(page + off + k->size, 0, size - off - k->size);
    int err = oak__os_userfault_fill(away.fd, at->hi - size, page);
    for (int i = 0; err == -ENOMEM && i < NO_MEMORY_TRIES; i++) {
        oak__os_sleep(OAK_MILLISECOND);
        err = oak__os_userfault_fill(away.fd, at->hi - size, page);
    }
    give_page(page);
    return err;
}

/* In a child of fork, and where the program has closed our descriptor: nobody else, it is to be hoped, looks just now. */
static void fill_plainly(const struct oak__stack_place *at, const struct oak__kept *k)
{
    const size_t size = oak__os_page_size();
    (void)oak__os_reach(at->hi - size, size, true);
    (void)oak__os_unguard(at->hi - size, size);
    memcpy(k->sp, k->bytes, k->size);
}

static void bring_back(const struct oak__stack_place *at, uintptr_t word, bool child)
{
    const struct oak__kept *k = (const void *)OAK__AWAY_KEPT(word);
    fetch_add_seq(&away.coming, 1);
    if (child || fill(at, k))
        fill_plainly(at, k);
    store_release(at->away, OAK__AWAY_KEPT(word) | OAK__STACK_BACK);
    fetch_sub_seq(&away.coming, 1);
    fetch_sub_seq(&away.count, 1);
}

/* Waits for who is at it; brings the stack back if it is away. The word, then IN or BACK; LEAVING in a child, where the page is
 * whole and nobody is left who would go on with it. */
static uintptr_t settle(const struct oak__stack_place *at)
{
    for (int i = 0;; i++) {
        uintptr_t w = load_acquire(at->away);
        enum oak__away_state state = OAK__AWAY_STATE(w);
        if (state == OAK__STACK_IN || state == OAK__STACK_BACK)
            return w;
        bool child = getpid() != away.pid;
        if (child && state == OAK__STACK_LEAVING)
            return w;
        if (state == OAK__STACK_AWAY || child) {
            if (cas_acquire(at->away, &w, OAK__AWAY_KEPT(w) | OAK__STACK_COMING))
                bring_back(at, w, child);
        } else if (i < SPINS) {
            cpu_relax();
        } else {
            sched_yield();
        }
    }
}

void *oak__away_resume(char *lo)
{
    struct oak__stack_place at;
    if (!oak__stack_find(lo, &at) || !at.away || load_relaxed(at.away) == OAK__STACK_IN)
        return NULL;
    struct oak__kept *k = (void *)OAK__AWAY_KEPT(settle(&at));
    void *sp = k->sp;
    store_release(at.away, OAK__STACK_IN);
    oak__kept_free(k);
    return sp;
}

/*
 * A fault where nothing is wrong any more is an old one, or one that has nothing to do with this: the same again and again. The
 * address is kept as its complement: to the leak proof it would be a reference to that stack.
 */
static bool try_again(const void *address)
{
    static __thread struct {
        uintptr_t complement;
        int times;
    } last __attribute__((tls_model("initial-exec")));
    const uintptr_t complement = ~(uintptr_t)address;
    last.times = last.complement == complement ? last.times + 1 : 0;
    last.complement = complement;
    return last.times < TRIES;
}

bool oak__away_fault(const void *address)
{
    struct oak__stack_place at;
    if (!oak__away_on() || !oak__stack_find(address, &at) || !at.away || (const char *)address < at.lo)
        return false;
    settle(&at);
    return try_again(address);
}

bool oak__away_fetch(const void *p)
{
    struct oak__stack_place at;
    return oak__away_on() && oak__stack_find(p, &at) && at.away && (const char *)p >= at.lo &&
           settle(&at) != OAK__STACK_IN;
}

/* ---- putting away ---- */

/* The page, already copied, becomes a guard. The kernel first drops it and then puts the guard there: in between the page must be
 * out of everybody's reach. */
static bool guard_page(char *page, size_t size)
{
    if (oak__os_reach(page, size, false))
        return false;
    bool done = oak__os_guard(page, size, true) == 0;
    while (oak__os_reach(page, size, true)) /* no memory for the kernel's own books, hardly for long */
        oak__os_sleep(OAK_MILLISECOND);
    return done;
}

static bool drop_page(const struct oak__stack_place *at, struct oak__kept *k)
{
    const size_t size = oak__os_page_size();
    char *page = at->hi - size;
    if (oak__os_userfault_protect(away.fd, page, size, true))
        return false;
    memcpy(k->bytes, k->sp, k->size);
    store_release(at->away, (uintptr_t)k | OAK__STACK_COPIED);
    if (guard_page(page, size))
        return true;
    (void)oak__os_userfault_protect(away.fd, page, size, false);
    return false;
}

/* The record for what is live: a new one, or that of a stack that came back in the same wait. */
static struct oak__kept *record_for(const struct oak__stack_place *at, uintptr_t word, char *sp)
{
    if (OAK__AWAY_STATE(word) == OAK__STACK_BACK)
        return (void *)OAK__AWAY_KEPT(word);
    if (OAK__AWAY_STATE(word) != OAK__STACK_IN || sp < at->hi - oak__os_page_size() || sp >= at->top)
        return NULL;
    struct oak__kept *k = oak__kept_alloc((size_t)(at->top - sp));
    if (k)
        k->sp = sp;
    return k;
}

bool oak__away_put(char *lo, char *sp)
{
    struct oak__stack_place at;
    if (!oak__stack_find(lo, &at) || !at.away)
        return false;
    const uintptr_t before = load_acquire(at.away);
    struct oak__kept *k = record_for(&at, before, sp);
    if (!k)
        return false;
    store_release(at.away, (uintptr_t)k | OAK__STACK_LEAVING);
    if (!drop_page(&at, k)) {
        store_release(at.away, before);
        if (before == OAK__STACK_IN)
            oak__kept_free(k);
        return false;
    }
    char *page = at.hi - oak__os_page_size();
    if (at.lo < page)
        oak__os_discard(at.lo, (size_t)(page - at.lo));
    fetch_add_seq(&away.count, 1);
    store_release(at.away, (uintptr_t)k | OAK__STACK_AWAY);
    return true;
}

const struct oak__kept *oak__away_kept(const char *lo)
{
    struct oak__stack_place at;
    if (!oak__away_on() || !lo || !oak__stack_find(lo, &at) || !at.away)
        return NULL;
    uintptr_t w = load_acquire(at.away);
    return OAK__AWAY_STATE(w) > OAK__STACK_LEAVING ? (const void *)OAK__AWAY_KEPT(w) : NULL;
}

bool oak__away_is_back(const char *lo)
{
    struct oak__stack_place at;
    return lo && oak__stack_find(lo, &at) && at.away &&
           OAK__AWAY_STATE(load_relaxed(at.away)) == OAK__STACK_BACK;
}
