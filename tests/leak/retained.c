/*
 * What leaked goroutines retain: blocks of known sizes, counted once, with the one that reaches them first.
 *
 * All blocks are in arenas. One with a mapping of its own ends where another mapping begins, and who has that one's address
 * (libc has it of a thread's stack) refers to the block.
 */
#include "leaktest.h"

#include <malloc.h>

typedef oak_chan(int) ints;
enum { MIB = 1 << 20, CHANNEL_MOST = 256, BLOCK_MOST = 16 };

static void *must_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p)
        abort();
    return p;
}

static ints make(void)
{
    ints ch = oak_make(int, 0);
    if (!ch)
        abort();
    return ch;
}

/* Keeps a block while it waits for a channel that nobody else knows. */
OAK_TASK(keeps, const char *, name, void *, block, ints, ch)
{
    int v;
    oak_set_name(name);
    (void)!oak_recv(ch, &v);
    free(block);
}

static NOINLINE void leak(const char *name, void *block)
{
    if (oak_go_detached(keeps, name, block, make()))
        abort();
    settle(name, 1);
}

static uint64_t retained(const struct scene *s, const char *name)
{
    const struct oak_leak *l = first_proven(s, name);
    return l ? l->retained : 0;
}

static void assert_about(uint64_t got, uint64_t blocks, uint64_t rounding)
{
    assert_true(got >= blocks);
    assert_true(got <= blocks + rounding + CHANNEL_MOST);
}

static void play_one(struct scene *s)
{
    leak("a MiB", must_alloc(MIB));
    scrub_stack();
    check_now(s);
}

static void a_block_of_a_mebibyte(void **state)
{
    (void)state;
    struct scene *s = play(play_one);
    assert_about(retained(s, "a MiB"), MIB, BLOCK_MOST);
    assert_non_null(strstr(s->text, ", retaining 1.0 MiB"));
    done(s);
}

static NOINLINE void *list_of(int n, size_t size)
{
    void **head = NULL;
    for (int i = 0; i < n; i++) {
        void **b = must_alloc(size);
        *b = head;
        head = b;
    }
    return head;
}

static void play_list(struct scene *s)
{
    leak("a list", list_of(1000, 1000));
    scrub_stack();
    check_now(s);
}

static void all_of_a_list(void **state)
{
    (void)state;
    struct scene *s = play(play_list);
    assert_about(retained(s, "a list"), 1000 * 1000, 1000 * 16);
    done(s);
}

void *volatile also_known; /* a variable of the program */

static NOINLINE void leak_two_of_one(void)
{
    void *shared = must_alloc(MIB / 2);
    leak("first of two", shared);
    leak("second of two", shared);
    also_known = must_alloc(MIB / 4);
    leak("with a known block", also_known);
}

static void play_shared(struct scene *s)
{
    leak_two_of_one();
    scrub_stack();
    check_now(s);
}

static void what_two_reach_counts_once_and_what_others_reach_never(void **state)
{
    (void)state;
    struct scene *s = play(play_shared);
    /* With whichever of the two is looked at first: that is as their descriptors lie. */
    assert_about(retained(s, "first of two") + retained(s, "second of two"), MIB / 2,
                 BLOCK_MOST + CHANNEL_MOST);
    assert_about(retained(s, "with a known block"), 0, 0);
    done(s);
}

int main(void)
{
    if (OAK_ASAN || OAK_TSAN) {
        fprintf(stderr, "the heap is a sanitizer's: nothing is counted\n");
        return 77;
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_of_a_mebibyte),
        cmocka_unit_test(all_of_a_list),
        cmocka_unit_test(what_two_reach_counts_once_and_what_others_reach_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
