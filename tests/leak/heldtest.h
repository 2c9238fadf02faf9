/*
 * Places that may hold the only reference to a channel for which a goroutine waits. While one does, nothing is proven; once it
 * is overwritten the goroutine is.
 *
 * The channel is handed about as its complement, so that no frame and no register has it by the way. A word that is left behind
 * somewhere all the same shows as a proof that is missed.
 */
#ifndef OAK_TESTS_HELDTEST_H
#define OAK_TESTS_HELDTEST_H

#include "leaktest.h"

typedef oak_chan(int) ints;

struct place {
    const char *name;
    void (*put)(void);   /* keeps what reveal() gives */
    void (*clear)(void); /* forgets it */
    bool not_seen;       /* a documented limit: what is kept there is no reference */
};

static uintptr_t held_hidden; /* the channel's complement */
static struct {
    int held, cleared;
} held_proven;

static inline void *reveal(void)
{
    return (void *)~held_hidden;
}

/* In a frame of its own: what it computes with is gone when it returns. */
static NOINLINE __attribute__((unused)) void put_at(void *volatile *at)
{
    *at = reveal();
}

static void held_waits(void *arg)
{
    int v;
    (void)!oak_recv((ints)(uintptr_t)arg, &v);
}

static NOINLINE void held_start(const char *name)
{
    ints ch = oak_make(int, 0);
    if (!ch)
        abort();
    go(name, held_waits, (void *)(uintptr_t)ch);
    settle(name, 1);
    held_hidden = ~(uintptr_t)ch;
}

static const struct place *held_place;

static void held_play(struct scene *s)
{
    const struct place *p = held_place;
    held_proven.held = held_proven.cleared = -1;
    held_start(p->name);
    p->put();
    scrub_stack();
    check_now(s);
    if (s->err)
        return;
    held_proven.held = proven(s, p->name);
    oak_leak_report_free(s->report);
    p->clear();
    scrub_stack();
    check_now(s);
    held_proven.cleared = s->err ? -1 : proven(s, p->name);
}

/* A cmocka test; its state is the place. */
static void held_then_cleared(void **state)
{
    held_place = *state;
    struct scene *s = play(held_play);
    const bool exact = oak_leak_exact_heap(s->report);
    const int when_held = held_place->not_seen && exact;
    if (held_proven.held != when_held || (exact && held_proven.cleared != 1))
        fprintf(stderr, "%s: %d proven while it is held, %d afterwards\n%s", held_place->name,
                held_proven.held, held_proven.cleared, s->text);
    assert_int_equal(held_proven.held, when_held);
    if (exact) /* else, with a sanitizer's heap, less is proven */
        assert_int_equal(held_proven.cleared, 1);
    done(s);
}

#define HELD_MOST 64

static inline int run_places(const struct place *places, size_t n)
{
    struct CMUnitTest tests[HELD_MOST];
    if (n > HELD_MOST)
        abort();
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){places[i].name, held_then_cleared, NULL, NULL, (void *)&places[i]};
    return _cmocka_run_group_tests("places", tests, n, NULL, NULL);
}

#endif
