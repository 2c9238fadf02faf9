/* What is declared to hold no pointers keeps nothing alive, and only that. */
#include "leaktest.h"

#include "base/slab.h"

#include <sys/mman.h>
#include <unistd.h>

typedef oak_chan(int) ints;
enum { WORDS = 512, MANY = 10000 };

/* Where the only address of a channel is: word i of a block. */
static uintptr_t *kept;
static size_t at;
static int declared; /* bytes from the block's first on; 0: none */
static size_t from;  /* word */

static void serve(void *arg)
{
    int err = oak_recv((ints)(uintptr_t)arg, &(int){0});
    if (err && err != -ECANCELED)
        abort();
}

static NOINLINE void build_now(void)
{
    ints c = oak_make(int, 0);
    memcpy(&kept[at], &c, sizeof c);
    go("server", serve, (void *)(uintptr_t)c);
    settle("server", 1);
}

static void build(void *unused)
{
    (void)unused;
    build_now();
}

static void check(struct scene *s)
{
    if (declared && oak_leak_no_pointers(&kept[from], (size_t)declared))
        abort();
    go("builder", build, NULL);
    settle("builder", 0);
    check_now(s);
    if (oak_leak_reclaim(s->report, NULL, NULL) == 0) {
        ints c;
        memcpy(&c, &kept[at], sizeof c);
        if (oak_send(c, 1))
            abort();
    }
    settle("server", 0);
    kept[at] = 0;
    if (declared && oak_leak_may_have_pointers(&kept[from]))
        abort();
}

static void leaks(int n, size_t word, size_t first, size_t bytes)
{
    at = word;
    from = first;
    declared = (int)bytes;
    assert_proven(check, "server", n);
}

static void *alloc(size_t words)
{
    return calloc(words, sizeof(uintptr_t));
}

static void in_a_block(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = alloc(WORDS);
    leaks(0, 5, 0, 0);
    leaks(1, 5, 0, WORDS * 8);
    leaks(0, 5, 0, 0); /* taken back */
    leaks(1, WORDS - 1, WORDS - 1, 8);
}

static void in_a_part_of_a_block(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = alloc(WORDS);
    leaks(1, 5, 5, 8);
    leaks(1, 15, 10, 100);
    leaks(0, 4, 5, 8);
    leaks(0, 6, 5, 8);
    leaks(0, WORDS - 1, 0, (WORDS - 1) * 8);
}

/* Such a range cannot have been meant. */
static void not_across_the_end_of_a_block(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = alloc(WORDS);
    void *behind = alloc(WORDS);
    leaks(0, 5, 0, WORDS * 8 + 64);
    free(behind);
}

static void in_static_memory(void **state)
{
    (void)state;
    static uintptr_t words[WORDS];
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = words;
    leaks(0, 5, 0, 0);
    leaks(1, 5, 0, WORDS * 8);
    leaks(0, 5, 6, 100);
}

static void in_mapped_memory(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    leaks(0, 5, 0, 0);
    leaks(1, 5, 5, 8);
}

static void several_that_overlap(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = alloc(WORDS);
    assert_int_equal(oak_leak_no_pointers(kept, 80), 0);
    assert_int_equal(oak_leak_no_pointers(kept + 2, 16), 0);
    assert_int_equal(oak_leak_no_pointers(kept + 20, 16), 0);
    leaks(1, 5, 30, 8);
    leaks(0, 15, 30, 8);
    leaks(1, 21, 30, 8);
    assert_int_equal(oak_leak_no_pointers(kept, 16), 0); /* less now */
    leaks(0, 5, 30, 8);
    leaks(1, 2, 30, 8);
    assert_int_equal(oak_leak_may_have_pointers(kept), 0);
    assert_int_equal(oak_leak_may_have_pointers(kept + 2), 0);
    assert_int_equal(oak_leak_may_have_pointers(kept + 20), 0);
    leaks(0, 2, 30, 8);
}

static void many(void **state)
{
    (void)state;
    char *p = alloc(2 * MANY);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            assert_int_equal(oak_leak_no_pointers(p + 16 * i, 16), 0);
        for (int i = 0; i < MANY; i++)
            assert_int_equal(oak_leak_may_have_pointers(p + 16 * i), 0);
        assert_int_equal(oak_leak_may_have_pointers(p), -EINVAL);
    }
    free(p);
}

static size_t mapped_by_runtime;

static bool add_up(const void *lo, const void *hi, void *arg)
{
    (void)arg;
    mapped_by_runtime += (size_t)((const char *)hi - (const char *)lo);
    return true;
}

/* A buffer after the other, each at another address, for as long as the program runs. */
static void one_after_the_other_takes_no_memory(void **state)
{
    (void)state;
    static char words[1 << 20];
    for (int i = 0; i < 60000; i++) {
        if (i == 20000)
            oak__runtime_regions(add_up, NULL);
        assert_int_equal(oak_leak_no_pointers(words + 16 * i, 16), 0);
        assert_int_equal(oak_leak_may_have_pointers(words + 16 * i), 0);
    }
    const size_t before = mapped_by_runtime;
    mapped_by_runtime = 0;
    oak__runtime_regions(add_up, NULL);
    assert_int_equal(mapped_by_runtime, before);
}

static void errors(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p + page, page);
    assert_int_equal(oak_leak_no_pointers(NULL, 8), -EINVAL);
    assert_int_equal(oak_leak_no_pointers(p, 0), -EINVAL);
    assert_int_equal(oak_leak_no_pointers(p, SIZE_MAX), -EINVAL);
    assert_int_equal(oak_leak_no_pointers(p, page + 1), -EINVAL);
    assert_int_equal(oak_leak_no_pointers(p + page, 1), -EINVAL);
    assert_int_equal(oak_leak_may_have_pointers(p), -EINVAL);
    assert_int_equal(oak_leak_may_have_pointers(NULL), -EINVAL);
    assert_int_equal(oak_leak_no_pointers(p, page), 0);
    assert_int_equal(oak_leak_may_have_pointers(p + 8), -EINVAL);
    assert_int_equal(oak_leak_may_have_pointers(p), 0);
    munmap(p, page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_block),
        cmocka_unit_test(in_a_part_of_a_block),
        cmocka_unit_test(not_across_the_end_of_a_block),
        cmocka_unit_test(in_static_memory),
        cmocka_unit_test(in_mapped_memory),
        cmocka_unit_test(several_that_overlap),
        cmocka_unit_test(many),
        cmocka_unit_test(one_after_the_other_takes_no_memory),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
