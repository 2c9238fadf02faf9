/* Which blocks keep what a leaked goroutine retains: shapes that can be counted by hand, and random graphs, counted by
 * taking each block away. */
#include "leaktest.h"

#include <malloc.h>

typedef oak_chan(int) ints;
enum { MOST = 40, REFS = 4, GRAPHS = 25 };

/* Blocks that refer to each other; made by one goroutine, held by another. They are not freed: what comes to lie where one
 * was could be kept alive by an address of that left somewhere. */
static struct graph {
    size_t n;
    size_t size[MOST]; /* to ask malloc for */
    int ref[MOST][REFS];
    int root[REFS];     /* -1: none, in both */
    uintptr_t at[MOST]; /* hidden */
    size_t usable[MOST];
} graph;

static void *handed_over[REFS];

static uintptr_t hide(const void *p)
{
    return ~(uintptr_t)p;
}

static void **block(int i)
{
    return (void **)~graph.at[i];
}

static NOINLINE void hold(void)
{
    void *volatile mine[REFS];
    for (int i = 0; i < REFS; i++)
        mine[i] = handed_over[i];
    memset(handed_over, 0, sizeof handed_over);
    int err = oak_recv(oak_make(int, 0), &(int){0});
    if (err != -ECANCELED || (mine[0] && mine[0] == mine[1]))
        abort();
}

static void holder(void *unused)
{
    (void)unused;
    hold();
}

static void build(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < graph.n; i++) {
        void *p = calloc(1, graph.size[i]);
        graph.at[i] = hide(p);
        graph.usable[i] = malloc_usable_size(p);
    }
    for (int i = 0; i < (int)graph.n; i++)
        for (int k = 0; k < REFS; k++)
            if (graph.ref[i][k] >= 0)
                block(i)[k] = block(graph.ref[i][k]);
    for (int k = 0; k < REFS; k++)
        handed_over[k] = graph.root[k] >= 0 ? block(graph.root[k]) : NULL;
    go("holder", holder, NULL);
    settle("holder", 1);
}

static void check_graph(struct scene *s)
{
    go("builder", build, NULL);
    settle("builder", 0);
    check_now(s);
    if (oak_leak_reclaim(s->report, NULL, NULL) != 1)
        abort();
    settle("holder", 0);
}

static void clear(size_t n, size_t size)
{
    memset(&graph, -1, sizeof graph);
    graph.n = n;
    for (size_t i = 0; i < n; i++)
        graph.size[i] = size;
}

/* ---- counted by taking away ---- */

static bool reached[MOST];

static void reach(int i, int without)
{
    if (i < 0 || i == without || reached[i])
        return;
    reached[i] = true;
    for (int k = 0; k < REFS; k++)
        reach(graph.ref[i][k], without);
}

/* What is reached without that block; -1: with all. */
static void reach_all(int without)
{
    memset(reached, 0, sizeof reached);
    for (int k = 0; k < REFS; k++)
        reach(graph.root[k], without);
}

static uint64_t kept_by(int i)
{
    uint64_t sum = 0;
    bool with[MOST];
    reach_all(-1);
    memcpy(with, reached, sizeof with);
    reach_all(i);
    for (int k = 0; k < (int)graph.n; k++)
        sum += with[k] && !reached[k] ? graph.usable[k] : 0;
    return sum;
}

static bool has_dominator(int i)
{
    for (int k = 0; k < (int)graph.n; k++) {
        reach_all(k);
        if (k != i && !reached[i])
            return true;
    }
    return false;
}

/* The sizes that the largest should have, largest first; the rest 0. */
static void count(uint64_t top[OAK__TOPS])
{
    memset(top, 0, OAK__TOPS * sizeof top[0]);
    for (int i = 0; i < (int)graph.n; i++) {
        reach_all(-1);
        if (!reached[i] || has_dominator(i))
            continue;
        uint64_t kept = kept_by(i);
        for (int k = 0; k < OAK__TOPS; k++)
            if (kept > top[k]) {
                uint64_t t = top[k];
                top[k] = kept;
                kept = t;
            }
    }
}

static void assert_counted(void)
{
    uint64_t top[OAK__TOPS];
    struct scene *s = play(check_graph);
    count(top);
    for (size_t i = 0; i < OAK__TOPS && top[i]; i++) {
        const struct oak_leak_block *b = oak_leak_block_at(s->report, i);
        assert_non_null(b);
        assert_true(b->exact);
        assert_null(b->allocated_at);
        assert_int_equal(b->retained, top[i]);
    }
    done(s);
}

/* ---- shapes ---- */

#define REF(from, k, to) (graph.ref[from][k] = (to))

static void what_hangs_on_one_block(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    clear(3, 1000);
    graph.size[2] = 100000;
    graph.root[0] = 0;
    REF(0, 0, 1);
    REF(1, 2, 2);
    struct scene *s = play(check_graph);
    const struct oak_leak_block *b = oak_leak_block_at(s->report, 0);
    assert_int_equal(b->at, ~graph.at[0]);
    assert_int_equal(b->size, graph.usable[0]);
    assert_int_equal(b->retained, graph.usable[0] + graph.usable[1] + graph.usable[2]);
    assert_int_equal(b->goroutine, oak_leak_at(s->report, 0)->g.id);
    assert_non_null(strstr(s->text, "\n    block 0x"));
    assert_non_null(strstr(s->text, " (1000 bytes) alone keeps 99.6 KiB of goroutine "));
    assert_null(oak_leak_block_at(s->report, 100));
    assert_null(oak_leak_block_at(NULL, 0));
    done(s);
}

static void two_ways_to_one(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    clear(4, 200);
    graph.size[2] = 5000;
    graph.root[0] = 0;
    graph.root[1] = 1;
    REF(0, 0, 2);
    REF(1, 3, 2);
    REF(2, 0, 3);
    REF(3, 0, 0); /* back */
    assert_counted();
    assert_int_equal(kept_by(2), graph.usable[2] + graph.usable[3]);
}

static void a_ring_hangs_on_its_entry(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    clear(MOST, 64);
    graph.root[0] = 5;
    for (int i = 0; i < MOST; i++) {
        REF(i, 0, (i + 1) % MOST);
        REF(i, 1, (i + MOST - 1) % MOST);
    }
    assert_counted();
    uint64_t sum = 0;
    for (int i = 0; i < MOST; i++)
        sum += graph.usable[i];
    assert_int_equal(kept_by(5), sum);
}

static void random_graphs(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    srand(7);
    for (int g = 0; g < GRAPHS; g++) {
        clear((size_t)(5 + rand() % (MOST - 5)), 0);
        const int n = (int)graph.n;
        for (int i = 0; i < n; i++)
            graph.size[i] = 200 + 16 * (size_t)(rand() % 100); /* a channel is smaller */
        for (int i = 0; i < n + rand() % n; i++) {
            /* mostly forward, so that there are deep trees; some to anywhere */
            int from = rand() % n;
            REF(from, rand() % REFS, rand() % 3 ? from + rand() % (n - from) : rand() % n);
        }
        for (int k = 0; k < 1 + rand() % REFS; k++)
            graph.root[k] = k ? rand() % n : 0;
        if (graph.root[0] == graph.root[1])
            graph.root[1] = -1;
        assert_counted();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hangs_on_one_block),
        cmocka_unit_test(two_ways_to_one),
        cmocka_unit_test(a_ring_hangs_on_its_entry),
        cmocka_unit_test(random_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
