/*
 * More memory waits to be looked at than the marker has places for: what it cannot note it must come back to, blocks and
 * stacks alike. A long list is built whose nodes each have many leaves; the marker goes down the list first, and the
 * leaves pile up. Behind the place where it is full, the list's nodes refer to stacks, on which the only references to
 * channels lie that others wait for.
 */
#include "leaktest.h"

#include "leak/mark.h"

enum { SLOTS = 255, DEPTH = 100, STACKS_FROM = 90, STACKS = 200, PLACES = 4096 };

struct list_node {
    void *leaf[SLOTS - 1];
    struct list_node *next; /* looked at last, so gone down into first */
};

struct list_node *overflow_list; /* the root */
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

static void *leaf(void)
{
    void *p = calloc(1, 16);
    if (!p)
        abort();
    return p;
}

static void build(void)
{
    int stacks = 0;
    for (int i = 0; i < DEPTH; i++) {
        struct list_node *n = calloc(1, sizeof *n);
        if (!n)
            abort();
        /* The first node made is the last of the list. */
        for (int k = 0; k < SLOTS - 1; k++)
            n->leaf[k] = i >= DEPTH - STACKS_FROM ? leaf() : stacks < STACKS ? on_stack[stacks++] : NULL;
        n->next = overflow_list;
        overflow_list = n;
    }
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
