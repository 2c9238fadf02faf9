#include "stack/stack.h"
#include "base/lock.h"
#include "base/os.h"
#include "base/slab.h"
#include "stack/away.h"

enum { DUMP_STEP = 64 << 20 };
enum { LEAST_GUARD = 4096 };
enum { COLOURS = 16, COLOUR_STEP = 128, FIRST_LINES = 8 };
/* Without light guards each stack costs two mappings of vm.max_map_count (65530 by default). */
enum { HEAVY_GUARD_LIMIT = 30000 };
/* Under an emulator a gigabyte of reserved address space costs tens of milliseconds, and at each look at the mappings some more. The
 * second is for stacks of other sizes than most have. */
enum { EMULATED_REGION = 1 << 30, EMULATED_OTHER = 1 << 28 };
/* A region stays as it is: one with less room than the Ps' caches and some goroutines had better be tried again later. */
enum { LEAST = 16, LEAST_DEFAULT = 1024 };

static struct class
{
    size_t slot;           /* bytes, guard included */
    uint64_t want;         /* bytes of region to try first */
    unsigned shift;        /* its logarithm */
    oak__lock lock;        /* covers what follows */
    char *base;            /* NULL: not reserved yet */
    uint32_t slots;        /* in the region */
    uint32_t dumped;       /* [0, dumped) go into a core file: see dump_more */
    bool light;            /* guards by MADV_GUARD_INSTALL */
    _Atomic uint32_t used; /* slots ever handed out: [0, used) have their guard */
    uint32_t *free;        /* pool: slot numbers; free[0 .. clean) have no pages */
    uint32_t nfree, clean;
    _Atomic uintptr_t *_Atomic away; /* a word a slot: see away.h; NULL: compact mode is off */
} classes[OAK__STACK_CLASSES] = {
#if OAK_ASAN || OAK_TSAN
    /* Instrumented frames are several times larger. */
    {.slot = 256 << 10, .want = 16ull << 30}, {.slot = 256 << 10, .want = 64ull << 30},
#else
    {.slot = 16 << 10, .want = 64ull << 30},  {.slot = 64 << 10, .want = 256ull << 30},
#endif
    {.slot = 256 << 10, .want = 64ull << 30}, {.slot = 1 << 20, .want = 64ull << 30},
    {.slot = 8 << 20, .want = 32ull << 30},
};

_Atomic bool oak__stacks_scarce;

static size_t guard_size(void)
{
    return oak__os_page_size();
}

/* With pages of 16 or 64 KiB, which aarch64 may have, a small slot would be all guard. Before main. */
__attribute__((constructor)) static void fit_to_pages(void)
{
    for (int i = 0; i < OAK__STACK_CLASSES; i++) {
        if (classes[i].slot < 2 * guard_size())
            classes[i].slot = 2 * guard_size();
        classes[i].shift = (unsigned)__builtin_ctzll(classes[i].slot);
    }
}

size_t oak__stack_usable(int class)
{
    return classes[class].slot - guard_size();
}

/* What is asked for may include a guard, but not one that takes half of it. */
int oak__stack_class(size_t want)
{
    if (want == 0)
        return OAK__STACK_DEFAULT;
    for (int i = 0; i < OAK__STACK_CLASSES; i++)
        if (want <= oak__stack_usable(i) + LEAST_GUARD)
            return i;
    return -1;
}

/* lo is just above its slot's guard; slots are aligned to their size, a power of two. */
static uint32_t slot_of(const struct class *c, const char *lo)
{
    return (uint32_t)((size_t)(lo - c->base) >> c->shift);
}

char *oak__stack_top(char *lo, int class)
{
    const struct class *c = &classes[class];
    return lo + oak__stack_usable(class) - slot_of(c, lo) % COLOURS * COLOUR_STEP;
}

/* In compact mode: what a reserved region needs for it. Under the lock. A region that gets it not is left in peace. */
static void make_compactable(struct class *c)
{
    if (!c->base || !c->light || !oak__away_on() || load_relaxed(&c->away))
        return;
    _Atomic uintptr_t *words = oak__runtime_alloc(c->slots * sizeof *words);
    if (words && oak__away_add(c->base, c->slots * c->slot) == 0)
        store_release(&c->away, words);
}

void oak__stack_compactable(void)
{
    for (int i = 0; i < OAK__STACK_CLASSES; i++) {
        lock(&classes[i].lock);
        make_compactable(&classes[i]);
        unlock(&classes[i].lock);
    }
}

bool oak__stack_find(const void *p, struct oak__stack_place *out)
{
    for (int i = 0; i < OAK__STACK_CLASSES; i++) {
        struct class *c = &classes[i];
        size_t used = load_acquire(&c->used);
        size_t off = used ? (size_t)((const char *)p - c->base) : 0;
        if (off >= used * c->slot)
            continue;
        size_t slot = off / c->slot;
        _Atomic uintptr_t *words = load_acquire(&c->away);
        *out = (struct oak__stack_place){.lo = c->base + slot * c->slot + guard_size(),
                                         .hi = c->base + (slot + 1) * c->slot,
                                         .away = words ? &words[slot] : NULL};
        out->top = oak__stack_top(out->lo, i);
        return true;
    }
    return false;
}

/*
 * A core file has the slots that were used. The kernel looks at each page of what it is to write: 340 GB of reserved
 * address space would take it a minute.
 */
static void dump_more(struct class *c, uint32_t fresh)
{
    if (fresh < c->dumped)
        return;
    uint32_t more = (uint32_t)(DUMP_STEP / c->slot), left = c->slots - c->dumped;
    more = more < left ? more : left;
    oak__os_core(c->base + c->slot * c->dumped, c->slot * more, true);
    c->dumped += more;
}

/* Reserves the class's region, half as large at each refusal (RLIMIT_AS, strict overcommit). Under the lock.
 */
static bool reserve(struct class *c)
{
    if (c->base)
        return true;
    int light = oak__os_guard_light_works();
    if (light < 0)
        return false;
    c->light = light;
    uint64_t want = c->want;
    /* No more than can get a guard. */
    if (!c->light && want > HEAVY_GUARD_LIMIT * c->slot)
        want = HEAVY_GUARD_LIMIT * c->slot;
    const bool usual = c == &classes[OAK__STACK_DEFAULT];
    if (!c->light && oak__os_advice_is_ignored())
        want = usual ? EMULATED_REGION : EMULATED_OTHER;
    const uint64_t least = c->slot * (usual ? LEAST_DEFAULT : LEAST);
    for (uint64_t size = want; size >= least; size /= 2) {
        size_t slots = size / c->slot;
        char *base = oak__os_reserve(slots * c->slot, c->slot);
        if (!base)
            continue;
        c->free = oak__runtime_alloc(slots * sizeof *c->free);
        if (!c->free) {
            oak__os_unreserve(base, slots * c->slot);
            continue;
        }
        c->slots = (uint32_t)slots;
        c->base = base;
        oak__os_core(base, slots * c->slot, false);
        make_compactable(c);
        return true;
    }
    return false;
}

/* Under the lock: a free slot's lo, or NULL. */
static char *take(struct class *c)
{
    if (!reserve(c))
        return NULL;
    if (c->nfree) {
        uint32_t slot = c->free[--c->nfree];
        if (c->clean > c->nfree)
            c->clean = c->nfree;
        return c->base + c->slot * slot + guard_size();
    }
    uint32_t fresh = load_relaxed(&c->used);
    if (fresh == c->slots)
        return NULL;
    char *slot = c->base + c->slot * fresh;
    dump_more(c, fresh);
    bool guarded = oak__os_guard(slot, guard_size(), c->light) == 0;
    if (c == &classes[OAK__STACK_DEFAULT] && unlikely(load_relaxed(&oak__stacks_scarce) == guarded))
        store_relaxed(&oak__stacks_scarce, !guarded);
    if (!guarded)
        return NULL;
    store_release(&c->used, fresh + 1);
    return slot + guard_size();
}

static void give(struct class *c, char *lo)
{
    c->free[c->nfree++] = slot_of(c, lo);
}

char *oak__stack_get_class(int class)
{
    struct class *c = &classes[class];
    lock(&c->lock);
    char *lo = take(c);
    unlock(&c->lock);
    return lo;
}

void oak__stack_put_class(int class, char *lo)
{
    struct class *c = &classes[class];
    lock(&c->lock);
    give(c, lo);
    unlock(&c->lock);
}

/* The first frames of a stack that has rested for long are in no cache, nor is its page in the processor's tables: they are on
 * their way while the goroutine that got the stack before is at work. */
SCHEDULER_STEP static inline void fetch_top(char *lo)
{
    const char *top = oak__stack_top(lo, OAK__STACK_DEFAULT);
    for (int line = 1; line <= FIRST_LINES; line++)
        __builtin_prefetch(top - line * 64, 1);
}

SCHEDULER_STEP static NOINLINE char *refill(struct oak__stack_cache *cache)
{
    struct class *c = &classes[OAK__STACK_DEFAULT];
    char *lo = NULL;
    lock(&c->lock);
    /* Only slots that exist already are worth taking in advance: fresh ones cost a system call each. */
    while (c->nfree > 1 && cache->n < OAK__STACK_CACHE / 2)
        cache->lo[cache->n++] = take(c);
    lo = take(c);
    unlock(&c->lock);
    return lo;
}

SCHEDULER_STEP char *oak__stack_get(struct oak__stack_cache *cache)
{
    if (unlikely(cache->n == 0))
        return refill(cache);
    if (cache->n > 1)
        fetch_top(cache->lo[cache->n - 2]);
    return cache->lo[--cache->n];
}

SCHEDULER_STEP static NOINLINE void spill(struct oak__stack_cache *cache)
{
    struct class *c = &classes[OAK__STACK_DEFAULT];
    uint32_t half = OAK__STACK_CACHE / 2;
    lock(&c->lock);
    for (uint32_t i = 0; i < half; i++)
        give(c, cache->lo[i]); /* the coldest */
    unlock(&c->lock);
    for (uint32_t i = half; i < OAK__STACK_CACHE; i++)
        cache->lo[i - half] = cache->lo[i];
    cache->n -= half;
}

SCHEDULER_STEP void oak__stack_put(struct oak__stack_cache *cache, char *lo)
{
    if (unlikely(cache->n == OAK__STACK_CACHE))
        spill(cache);
    cache->lo[cache->n++] = lo;
}

uint32_t oak__stack_capacity(void)
{
    struct class *c = &classes[OAK__STACK_DEFAULT];
    lock(&c->lock);
    uint32_t n = reserve(c) ? c->slots : 0;
    unlock(&c->lock);
    return n;
}

/* One resting stack at a time leaves the pool for the system call, so that the lock is not held across it. */
static bool trim_one(struct class *c)
{
    lock(&c->lock);
    bool found = c->clean < c->nfree;
    uint32_t slot = 0;
    if (found) {
        slot = c->free[c->clean];
        c->free[c->clean] = c->free[--c->nfree];
    }
    unlock(&c->lock);
    if (!found)
        return false;
    char *lo = c->base + c->slot * slot + guard_size();
    oak__os_discard(lo, c->slot - guard_size());
    lock(&c->lock);
    c->free[c->nfree++] = c->free[c->clean];
    c->free[c->clean++] = slot;
    unlock(&c->lock);
    return true;
}

int oak__stack_trim(int max)
{
    int n = 0;
    for (int i = 0; i < OAK__STACK_CLASSES; i++)
        while (n < max && trim_one(&classes[i]))
            n++;
    return n;
}

uint64_t oak__stack_bytes(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < OAK__STACK_CLASSES; i++)
        sum += (uint64_t)load_relaxed(&classes[i].used) * classes[i].slot;
    return sum;
}

uint64_t oak__stack_reserved(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < OAK__STACK_CLASSES; i++)
        sum += (uint64_t)classes[i].slots * classes[i].slot;
    return sum;
}

void oak__stack_regions(bool (*fn)(const struct oak__stack_region_info *r, void *arg), void *arg)
{
    for (int i = 0; i < OAK__STACK_CLASSES; i++) {
        const struct class *c = &classes[i];
        uint32_t used = load_acquire(&c->used);
        const struct oak__stack_region_info r = {
            c->base, c->base + c->slot * used, c->base + c->slot * c->slots, c->slot, load_acquire(&c->away)};
        if (used && !fn(&r, arg))
            return;
    }
}

void oak__stack_books(struct oak__stack_books *out)
{
    *out = (struct oak__stack_books){.classes = classes,
                                     .n = OAK__STACK_CLASSES,
                                     .size = sizeof classes[0],
                                     .base = offsetof(struct class, base),
                                     .slot = offsetof(struct class, slot),
                                     .used = offsetof(struct class, used),
                                     .slots = offsetof(struct class, slots),
                                     .away = offsetof(struct class, away)};
}
