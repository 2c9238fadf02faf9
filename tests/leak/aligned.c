/*
 * Large blocks that were asked for with an alignment have a mapping of their own whose first bytes are not the block's. They are
 * blocks all the same: what only a lost one knows is leaked.
 */
#include "leaktest.h"

#include <malloc.h>
#include <sys/mman.h>

typedef oak_chan(int) ints;
enum { LARGE = 40 << 20 }; /* more than malloc ever takes from its arenas */

static void wait_for(void *arg)
{
    int v;
    (void)!oak_recv((ints)(uintptr_t)arg, &v);
}

struct way {
    const char *name;
    size_t alignment, then; /* then: reallocated to that size */
    int blocks;
};

static const struct way *way;
static uintptr_t hidden[4]; /* the blocks' complements */

/*
 * A block that ends where another mapping begins is known by that one's address: so each ends at one that nobody knows. (New
 * mappings lie below the last one, but under an emulator.)
 */
static NOINLINE void map_something(void)
{
    if (mmap(NULL, LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
        abort();
}

static NOINLINE void allocate(int i)
{
    map_something();
    scrub_stack();
    void *p = way->alignment ? memalign(way->alignment, LARGE) : malloc(LARGE);
    if (p && way->then) {
        memset(p, 0, 4096);
        p = realloc(p, way->then);
    }
    if (!p)
        abort();
    hidden[i] = ~(uintptr_t)p;
    map_something();
}

static void *volatile *block(int i)
{
    return (void *volatile *)~hidden[i];
}

static NOINLINE void start(void)
{
    ints ch = oak_make(int, 0);
    go(way->name, wait_for, (void *)(uintptr_t)ch);
    settle(way->name, 1);
    block(way->blocks - 1)[17] = (void *)(uintptr_t)ch;
}

static void *volatile root;

static NOINLINE void keep(void)
{
    root = (char *)(uintptr_t)block(way->blocks - 1) + LARGE / 2;
}

static int kept;

static NOINLINE void end(void)
{
    for (int i = 0; i < way->blocks; i++) {
        block(i)[17] = NULL;
        free((void *)block(i));
    }
}

static void lose(struct scene *s)
{
    for (int i = 0; i < way->blocks; i++)
        allocate(i);
    start();
    keep();
    scrub_stack();
    check_now(s);
    kept = s->err ? -1 : proven(s, way->name);
    oak_leak_report_free(s->report);
    root = NULL;
    check_now(s);
    end();
}

static void what_a_lost_one_knows_is_leaked(void **state)
{
    way = *state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    kept = -1;
    struct scene *s = play(lose);
    if (!oak_leak_exact_heap(s->report) || proven(s, way->name) != 1)
        fprintf(stderr, "%s", s->text);
    assert_true(oak_leak_exact_heap(s->report));
    assert_int_equal(kept, 0);
    assert_int_equal(proven(s, way->name), 1);
    done(s);
}

int main(void)
{
    static const struct way ways[] = {
        {"not aligned", 0, 0, 1},
        {"to 32 bytes", 32, 0, 1},
        {"to a page", 4096, 0, 1},
        {"to 64 KiB", 1 << 16, 0, 1},
        {"to 2 MiB", 2 << 20, 0, 1},
        {"to 2 MiB, several", 2 << 20, 0, 3},
        {"to 32 bytes, made longer", 32, LARGE + (8 << 20), 1},
        {"to 64 KiB, made longer", 1 << 16, LARGE + (8 << 20), 1},
        {"to 64 KiB, made longer, several", 1 << 16, LARGE + (8 << 20), 3},
        {"to 64 KiB, made shorter", 1 << 16, LARGE - (4 << 20), 2},
    };
    struct CMUnitTest tests[countof(ways)];
    for (size_t i = 0; i < countof(ways); i++)
        tests[i] = (struct CMUnitTest){ways[i].name, what_a_lost_one_knows_is_leaked, NULL, NULL,
                                       (void *)(uintptr_t)&ways[i]};
    return _cmocka_run_group_tests("ways", tests, countof(ways), NULL, NULL);
}
