/*
 * More memory waits to be looked at than the marker has places for: what it cannot note it must come back to, blocks and
 * stacks alike. One block refers to many others, which fill the places, and then to stacks, on which the only references to
 * channels lie that others wait for.
 */
#include "leaktest.h"

#include "leak/mark.h"

enum { LEAVES = 100, STACKS = 200, PLACES = 32 };

struct block {
    void *leaf[LEAVES], *stack[STACKS];
};

struct block *overflow_block; /* the root */
static void *on_stack[STACKS];

typedef oak_chan(int) ints;

/* Leaked itself; but who has a pointer to its stack has the channel. */
static void keep(void *arg)
{
    void *volatile channel = (void *)(uintptr_t)oak_make(int, 0);
    on_stack[(uintptr_t)arg] = (void *)&channel;
    if (oak_recv((ints)NULL, &(int){0}) == 0)
        abort();
}

static void wait_for(void *ch)
{
    if (oak_recv((ints)(uintptr_t)ch, &(int){0}) == 0)
        abort();
}

static void *must_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static void build(void)
{
    overflow_block = must_alloc(sizeof *overflow_block);
    for (int i = 0; i < LEAVES; i++)
        overflow_block->leaf[i] = must_alloc(16);
    memcpy(overflow_block->stack, on_stack, sizeof on_stack);
    memset(on_stack, 0, sizeof on_stack);
}

static void overflow(struct scene *s)
{
    for (uintptr_t i = 0; i < STACKS; i++)
        go("keeper", keep, (void *)i);
    settle("keeper", STACKS);
    for (int i = 0; i < STACKS; i++)
        go("waiter", wait_for, *(void **)on_stack[i]);
    settle("waiter", STACKS);
    build();
    oak__mark_most_pieces = PLACES;
    check_now(s);
}

static void what_was_dropped_is_looked_at_again(void **state)
{
    (void)state;
    struct scene *s = play(overflow);
    assert_int_equal(proven(s, "waiter"), 0);
    assert_int_equal(proven(s, "keeper"), STACKS);
    done(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_dropped_is_looked_at_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
