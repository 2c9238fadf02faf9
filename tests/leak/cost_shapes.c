/*
 * The memory of a check is less than a tenth of the heap, whatever the heap looks like. Each shape in a process of its own: what it
 * leaks stays.
 */
#include "leaktest.h"
#include "support/child.h"

typedef oak_chan(int) ints;
enum { HEAP = 8 << 20, CHUNK = 32, MANY = 200 };

static void *must_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

/* Each node refers to a block of its own and behind that to the next node: what is found last is looked at first, so all blocks wait
 * until the list ends. */
static void *list_of_blocks(size_t bytes)
{
    struct {
        void *block, *next;
    } *first = NULL, *x;
    for (size_t i = 0; i < bytes / (2 * CHUNK); i++) {
        x = must_alloc(sizeof *x);
        x->next = first;
        x->block = must_alloc(16);
        first = x;
    }
    return first;
}

/* The same in an order of addresses that has nothing to do with that of the list. */
static void *scattered_list(size_t bytes)
{
    const size_t n = bytes / (2 * CHUNK), step = 7919; /* a prime that does not divide n */
    void **node = must_alloc(n * sizeof *node);
    for (size_t i = 0; i < n; i++) {
        void **x = node[i] = must_alloc(16);
        x[0] = must_alloc(16);
    }
    for (size_t i = 0; i + 1 < n; i++)
        ((void **)node[i * step % n])[1] = node[(i + 1) * step % n];
    void *first = node[0];
    free(node);
    return first;
}

static void *list(size_t bytes)
{
    void **first = NULL;
    for (size_t i = 0; i < bytes / 80; i++) {
        void **x = must_alloc(64);
        x[i % 8] = first;
        first = x;
    }
    return first;
}

static void *wide_tree(size_t bytes)
{
    void **x = must_alloc(64);
    for (size_t i = 0; i < 8 && bytes > 80 + i; i++)
        x[i] = wide_tree((bytes - 80) / 8);
    return x;
}

static void *array_of_pointers(size_t bytes)
{
    const size_t n = bytes / (CHUNK + sizeof(void *));
    void **a = must_alloc(n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        a[i] = must_alloc(16);
    return a;
}

/* Each block refers to the one before and to five anywhere. */
static void *tangle(size_t bytes)
{
    const size_t n = bytes / 64;
    void ***block = must_alloc(n * sizeof *block), **last = NULL;
    uint64_t r = 1;
    for (size_t i = 0; i < n; i++) {
        block[i] = must_alloc(48);
        block[i][0] = last;
        for (size_t k = 1; k < 6; k++, r = r * 6364136223846793005u + 1442695040888963407u)
            block[i][k] = block[(r >> 33) % (i + 1)];
        last = block[i];
    }
    free(block);
    return last;
}

static struct shape {
    void *(*make)(size_t bytes);
    int goroutines; /* that have equal parts of it */
    bool leaked;
} shape;
static ints gate;

static NOINLINE void hold(void)
{
    void *volatile mine = shape.make(HEAP / (size_t)shape.goroutines);
    if (oak_recv(shape.leaked ? oak_make(int, 0) : gate, &(int){0}) == 0 || !mine)
        abort();
}

static void holder(void *unused)
{
    (void)unused;
    hold();
}

static int check(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_leak_report *r;
    gate = oak_make(int, 0);
    for (int i = 0; i < shape.goroutines; i++)
        go("holder", holder, NULL);
    settle("holder", shape.goroutines);
    if (oak_leak_check(NULL, &r))
        return 1;
    const size_t heap = oak_leak_heap(r), memory = oak_leak_memory(r);
    fprintf(stderr, "%zu bytes for a heap of %zu bytes: %.1f%%\n", memory, heap,
            100 * (double)memory / (double)heap);
    if (oak_leak_count(r, OAK_LEAKED) != (shape.leaked ? (size_t)shape.goroutines : 0))
        return 2;
    return heap < HEAP / 4 * 3 ? 3 : memory >= heap / 10 ? 4 : 0;
}

static void assert_cheap(void *(*make)(size_t bytes), int goroutines)
{
    if (OAK_ASAN || OAK_TSAN) /* the heap is the sanitizer's */
        skip();
    for (int leaked = 0; leaked < 2; leaked++) {
        static struct child c;
        shape = (struct shape){make, goroutines, leaked};
        run_child(&c, check);
        if (c.status)
            fprintf(stderr, "%s", c.err);
        assert_int_equal(c.status, 0);
    }
}

#define SHAPE(what, make, goroutines)                                                                        \
    static void what##_costs_less_than_a_tenth(void **state)                                                 \
    {                                                                                                        \
        (void)state;                                                                                         \
        assert_cheap(make, goroutines);                                                                      \
    }

SHAPE(a_list, list, 1)
SHAPE(a_list_of_blocks, list_of_blocks, 1)
SHAPE(a_scattered_list, scattered_list, 1)
SHAPE(a_wide_tree, wide_tree, 1)
SHAPE(an_array_of_pointers, array_of_pointers, 1)
SHAPE(a_tangle, tangle, 1)
SHAPE(lists_of_many, list_of_blocks, MANY)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_costs_less_than_a_tenth),
        cmocka_unit_test(a_list_of_blocks_costs_less_than_a_tenth),
        cmocka_unit_test(a_scattered_list_costs_less_than_a_tenth),
        cmocka_unit_test(a_wide_tree_costs_less_than_a_tenth),
        cmocka_unit_test(an_array_of_pointers_costs_less_than_a_tenth),
        cmocka_unit_test(a_tangle_costs_less_than_a_tenth),
        cmocka_unit_test(lists_of_many_costs_less_than_a_tenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
