/*
 * The timing wheel.
 *
 * A tick's number is read in groups of six bits, one a level. A timer hangs at the level of the highest group
 * in which its tick differs from the wheel's present tick, in the slot that this group of its tick names:
 *
 *      wheel at tick  ...  7 12 40          timer at ...  7 12 45  ->  level 0, slot 45: the exact tick
 *                                           timer at ...  7 15  3  ->  level 1, slot 15: spread when the
 * wheel is at 7 15 0
 *
 * From this follows what the code stands on: every occupied slot of a level lies after the wheel's own place
 * in that level, and all slots of a level begin before those of the next. So the next slot is the first bit
 * of the lowest level that has one. The wheel may lag behind the clock (nobody turns it while nothing is
 * due): that costs a timer a few more moves, never its time.
 *
 * A slot of a high level can hold a million timers (idle connections with one time limit each). Spreading
 * them at one go would stall the P for a tenth of a second; so they wait in moving[level] and each run moves
 * a bounded number.
 */
#include "time/wheel.h"

enum {
    BITS = 6,
    BATCH = 32,          /* calls copied aside at a time */
    MOVES_PER_RUN = 2048 /* about 0.1 ms when each is a cache miss */
};

/* The tick at which a deadline has surely passed. */
static uint64_t tick_of(int64_t when)
{
    uint64_t t = when > 0 ? (uint64_t)when : 0;
    return (t >> OAK__WHEEL_SHIFT) + ((t & ((1u << OAK__WHEEL_SHIFT) - 1)) != 0);
}

static int64_t time_of(uint64_t tick)
{
    uint64_t t = tick << OAK__WHEEL_SHIFT;
    return t < (uint64_t)OAK_FOREVER ? (int64_t)t : OAK_FOREVER - 1;
}

/* ---- lists: linked both ways, so that a timer leaves one without knowing which it is in ---- */

static void push(struct oak__timer **head, struct oak__timer *t)
{
    t->next = *head;
    t->pprev = head;
    if (t->next)
        t->next->pprev = &t->next;
    *head = t;
}

static void unlink_timer(struct oak__timer *t)
{
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
}

static struct oak__timer *pop(struct oak__timer **head)
{
    struct oak__timer *t = *head;
    if (t) {
        __builtin_prefetch(t->ahead, 1); /* or each would be a cache miss on the way to the next */
        unlink_timer(t);
    }
    return t;
}

static void move_list(struct oak__timer **to, struct oak__timer **from)
{
    *to = *from;
    *from = NULL;
    if (*to)
        (*to)->pprev = to;
}

/* ---- slots. The wheel's lock is held ---- */

/* Hangs t where it belongs; the tick it was given. */
static uint64_t hang(struct oak__wheel *w, struct oak__timer *t)
{
    uint64_t at = tick_of(t->when);
    if (at <= w->tick)
        at = w->tick + 1;
    int level = (63 - __builtin_clzll(at ^ w->tick)) / BITS;
    unsigned i = at >> level * BITS & (OAK__WHEEL_SLOTS - 1);
    uint64_t bit = (uint64_t)1 << i;
    if (!(w->occupied[level] & bit) || at < w->soonest[level][i])
        w->soonest[level][i] = at;
    w->occupied[level] |= bit;
    const void **hung = &w->hung[w->nhung++ % OAK__WHEEL_AHEAD];
    t->ahead = *hung;
    *hung = t;
    push(&w->slot[level][i], t);
    return at;
}

struct place {
    int level; /* -1: the wheel is empty */
    unsigned slot;
    uint64_t start; /* the slot's first tick */
};

static struct place next_place(const struct oak__wheel *w)
{
    for (int level = 0; level < OAK__WHEEL_LEVELS; level++)
        if (w->occupied[level]) {
            unsigned i = (unsigned)__builtin_ctzll(w->occupied[level]);
            int shift = level * BITS;
            uint64_t start = (w->tick >> (shift + BITS) << BITS | i) << shift;
            return (struct place){level, i, start};
        }
    return (struct place){.level = -1};
}

static bool moving(const struct oak__wheel *w)
{
    for (int level = 1; level < OAK__WHEEL_LEVELS; level++)
        if (w->moving[level])
            return true;
    return false;
}

static void set_next_due(struct oak__wheel *w)
{
    struct place p = next_place(w);
    int64_t t = OAK_FOREVER;
    if (w->due || moving(w))
        t = time_of(w->tick);
    else if (p.level >= 0)
        t = time_of(w->soonest[p.level][p.slot]);
    store_relaxed(&w->next_due, t);
}

/* Spreads up to *budget timers of moving[level]. */
static void spread(struct oak__wheel *w, int level, int *budget)
{
    struct oak__timer *t;
    while (*budget > 0 && (t = pop(&w->moving[level]))) {
        --*budget;
        if (tick_of(t->when) <= w->tick)
            push(&w->due, t);
        else
            hang(w, t);
    }
}

/* Goes to the next slot if its time has come by tick `until`: a slot of level 0 becomes due, a higher one is
 * spread. Nothing is due when it is called. */
static bool turn(struct oak__wheel *w, uint64_t until, int *budget)
{
    struct place p = next_place(w);
    if (p.level < 0 || p.start > until)
        return false;
    /* One slot a level can be on the move: what is left of the one before goes first, whatever it costs. */
    int all = INT32_MAX;
    spread(w, p.level, &all);
    w->tick = p.start;
    w->occupied[p.level] &= ~((uint64_t)1 << p.slot);
    move_list(p.level == 0 ? &w->due : &w->moving[p.level], &w->slot[p.level][p.slot]);
    if (p.level > 0)
        spread(w, p.level, budget);
    return true;
}

/* ---- calling ---- */

/* Takes up to BATCH due timers out, no more than `most`, and calls them without the lock. How many. */
static int fire(struct oak__wheel *w, int most)
{
    struct {
        oak__timer_fn fn;
        struct oak__timer *t;
        uint64_t arg;
    } batch[BATCH];
    int n = 0;
    struct oak__timer *t;
    while (n < BATCH && n < most && (t = pop(&w->due))) {
        batch[n].fn = t->fn;
        batch[n].t = t;
        batch[n++].arg = t->arg;
        store_release(&t->wheel,
                      NULL); /* the owner may arm it in another wheel, under another lock, at once */
    }
    w->count -= (uint64_t)n;
    unlock(&w->lock);
    /* Goroutines first of all: where the claim of their wait will look. All misses at a time, not one after the other. */
    for (int i = 0; i < n; i++)
        __builtin_prefetch((const char *)batch[i].t - oak__timer_in_g, 1);
    for (int i = 0; i < n; i++)
        batch[i].fn(batch[i].t, batch[i].arg);
    lock(&w->lock);
    return n;
}

int oak__timers_run(struct oak__wheel *w, int64_t now)
{
    return oak__timers_run_some(w, now, INT32_MAX);
}

int oak__timers_run_some(struct oak__wheel *w, int64_t now, int most)
{
    if (likely(now < load_relaxed(&w->next_due)))
        return 0;
    uint64_t until = (uint64_t)now >> OAK__WHEEL_SHIFT;
    int budget = MOVES_PER_RUN;
    int fired = 0;
    lock(&w->lock);
    for (int level = 1; level < OAK__WHEEL_LEVELS; level++)
        spread(w, level, &budget);
    do
        while (w->due && fired < most)
            fired += fire(w, most - fired);
    while (fired < most && turn(w, until, &budget));
    if (fired < most && until > w->tick) /* else there may be slots before */
        w->tick = until;
    set_next_due(w);
    unlock(&w->lock);
    return fired;
}

/* ---- the owner's side ---- */

void oak__wheel_init(struct oak__wheel *w, int64_t now)
{
    *w = (struct oak__wheel){.tick = (uint64_t)now >> OAK__WHEEL_SHIFT, .next_due = OAK_FOREVER};
}

bool oak__timer_arm(struct oak__wheel *w, struct oak__timer *t, int64_t when, oak__timer_fn fn, uint64_t arg)
{
    if (when == OAK_FOREVER)
        return false;
    lock(&w->lock);
    oak__check(!load_acquire(&t->wheel), "a timer is armed once at a time");
    t->when = when;
    t->fn = fn;
    t->arg = arg;
    store_relaxed(&t->wheel, w);
    w->count++;
    int64_t due = time_of(hang(w, t));
    bool sooner = due < load_relaxed(&w->next_due);
    if (sooner)
        store_relaxed(&w->next_due, due);
    unlock(&w->lock);
    return sooner;
}

/* Takes t from its list, and its slot's bit with the last of a slot. */
static void take_out(struct oak__wheel *w, struct oak__timer *t)
{
    struct oak__timer **head = t->pprev;
    unlink_timer(t);
    uintptr_t offset = (uintptr_t)head - (uintptr_t)w->slot;
    if (*head || offset >= sizeof w->slot)
        return;
    size_t i = (size_t)(head - &w->slot[0][0]);
    size_t level = i / OAK__WHEEL_SLOTS;
    size_t slot = i % OAK__WHEEL_SLOTS;
    w->occupied[level] &= ~((uint64_t)1 << slot);
    if (time_of(w->soonest[level][slot]) == load_relaxed(&w->next_due))
        set_next_due(w);
}

bool oak__timer_cancel(struct oak__timer *t)
{
    struct oak__wheel *w;
    while ((w = load_acquire(&t->wheel))) {
        lock(&w->lock);
        bool hangs = load_relaxed(&t->wheel) == w;
        if (hangs) {
            take_out(w, t);
            store_release(&t->wheel, NULL);
            w->count--;
        }
        unlock(&w->lock);
        if (hangs)
            return true;
    }
    return false;
}
