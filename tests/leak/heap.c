/* The walk over glibc's chunks, on this process itself: nothing else runs while it is looked at. */
#include "leak/arenas.h"
#include "leak/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct {
    struct oak__scratch scratch;
    struct oak__own own;
    struct oak__arenas arenas;
    struct oak__heap heap;
} f;

static void look(void)
{
    assert_int_equal(oak__scratch_init(&f.scratch, oak__scratch_for(0)), 0);
    assert_int_equal(oak__own_open(&f.own, &f.scratch, false), 0);
    oak__arenas_find(&f.own.img, &f.arenas);
    assert_true(f.arenas.bins != 0);
    assert_int_equal(oak__arenas_busy(&f.own.img, &f.arenas), 0);
    assert_int_equal(oak__heap_walk(&f.own.img, &f.arenas, &f.scratch, &f.heap), 0);
}

static void done(void)
{
    oak__own_close(&f.own);
    oak__scratch_free(&f.scratch);
}

static void assert_block(const void *p, bool expected)
{
    struct oak__block b;
    bool found = oak__heap_block(&f.heap, (uintptr_t)p, &b);
    bool exact = found && b.lo == (uintptr_t)p && !block_marked(&b);
    assert_int_equal(exact, expected);
    if (expected)
        assert_int_equal(b.hi - b.lo, malloc_usable_size((void *)(uintptr_t)p));
}

static void finds_every_block_with_its_bounds(void **state)
{
    (void)state;
    enum { N = 2000 };
    static void *p[N];
    for (size_t i = 0; i < N; i++)
        p[i] = malloc(1 + i * 37 % 5000);
    for (size_t i = 0; i < N; i += 3) {
        free(p[i]);
        p[i] = NULL;
    }
    look();
    assert_int_equal(f.heap.refused, 0);
    for (size_t i = 0; i < N; i++)
        if (p[i])
            assert_block(p[i], true);
    done();
    for (size_t i = 0; i < N; i++)
        free(p[i]);
}

static void points_into_the_middle_and_just_past_the_end_count(void **state)
{
    (void)state;
    char *p = malloc(104), *big = malloc(60000), *next = malloc(24);
    look();
    struct oak__block b;
    size_t inside[] = {0, 1, 50, 103, 104};
    for (size_t i = 0; i < countof(inside); i++) {
        assert_true(oak__heap_block(&f.heap, (uintptr_t)p + inside[i], &b));
        assert_int_equal(b.lo, p);
    }
    for (size_t at = 0; at <= 60000; at += 999) {
        assert_true(oak__heap_block(&f.heap, (uintptr_t)big + at, &b));
        assert_int_equal(b.lo, big);
    }
    assert_true(oak__heap_block(&f.heap, (uintptr_t)next, &b));
    assert_int_equal(b.lo, next);
    done();
    free(p);
    free(big);
    free(next);
}

static void free_blocks_are_none(void **state)
{
    (void)state;
    /* Freed into a thread's cache, a fastbin, and a list of larger ones; each with a used block behind it. */
    void *small[20], *large[20];
    for (int i = 0; i < 20; i++) {
        small[i] = malloc(40);
        large[i] = malloc(3000);
    }
    void *fence = malloc(16);
    for (int i = 0; i < 20; i++)
        free(small[i]);
    for (int i = 0; i < 20; i += 2)
        free(large[i]);
    look();
    oak__heap_find_free(&f.own.img, &f.arenas, &f.heap);
    assert_true(f.heap.cached >= 20);
    for (int i = 0; i < 20; i++) {
        assert_block(small[i], false);
        assert_block(large[i], i % 2);
    }
    done();
    for (int i = 1; i < 20; i += 2)
        free(large[i]);
    free(fence);
}

static void large_blocks_are_found_by_what_malloc_counts(void **state)
{
    (void)state;
    char *p = malloc(1 << 20), *q = calloc(3, 1 << 20), *aligned = aligned_alloc(1 << 16, 1 << 20);
    look();
    struct oak__block found;
    assert_true(f.heap.large_known);
    assert_block(p, true);
    assert_block(q, true);
    assert_true(oak__heap_block(&f.heap, (uintptr_t)aligned + (1 << 20), &found));
    assert_true(found.lo <= (uintptr_t)aligned);
    done();
    free(p);
    free(q);
    free(aligned);
}

/* What looks like a mapped chunk and is none makes the sum wrong: then none is believed. (volatile: or the
 * compiler leaves the unused block out.) */
static void a_mapping_that_looks_like_a_large_block_is_not_taken_for_one(void **state)
{
    (void)state;
    uint64_t *fake = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fake[1] = (1 << 16) | 2;
    void *volatile p = malloc(1 << 20);
    look();
    assert_false(f.heap.large_known);
    struct oak__block b;
    assert_false(oak__heap_block(&f.heap, (uintptr_t)(fake + 2), &b));
    done();
    free(p);
    munmap(fake, 1 << 16);
}

static pthread_barrier_t barrier;

static void *allocate(void *arg)
{
    void **p = arg;
    for (int i = 0; i < 1000; i++)
        p[i] = malloc(100 + (size_t)i);
    for (int i = 0; i < 1000; i += 2)
        free(p[i]);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void other_threads_arenas_are_walked(void **state)
{
    (void)state;
    static void *p[3][1000];
    pthread_t t[3];
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, allocate, p[i]);
    pthread_barrier_wait(&barrier);
    look();
    assert_int_equal(f.heap.refused, 0);
    oak__heap_find_free(&f.own.img, &f.arenas, &f.heap);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 1000; k++)
            assert_block(p[i][k], k % 2);
    done();
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

static void *fill_heaps(void *arg)
{
    char **p = arg;
    for (int i = 0; i < 1500; i++)
        p[i] = malloc(100000);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* 150 MB in one thread's arena: more than one of its 64 MB heaps. */
static void an_arena_of_several_heaps_is_walked(void **state)
{
    (void)state;
    static char *p[1500];
    pthread_t t;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, fill_heaps, p);
    pthread_barrier_wait(&barrier);
    look();
    assert_int_equal(f.heap.refused, 0);
    for (int i = 0; i < 1500; i++)
        assert_block(p[i], true);
    done();
    pthread_barrier_wait(&barrier);
    pthread_join(t, NULL);
}

/* Blocks until the arena's heap of 64 MB has exactly rest bytes left, a header of 8 bytes included, and one for which a new heap is
 * made. */
static void *fill_up_to(void *arg)
{
    const uintptr_t heap = (uintptr_t)64 << 20, rest = *(const uintptr_t *)arg;
    void *volatile p; /* or the compiler leaves the allocation out */
    uintptr_t left;
    do {
        p = malloc(24);
        left = heap - ((uintptr_t)p + 16) % heap; /* behind a chunk of 32 bytes */
        if (left > rest + 200000)
            p = malloc(100000);
        else if (left > rest + 32 && left % 32 != rest % 32)
            p = malloc(40); /* 48 */
    } while (p && left != rest);
    p = malloc(100000);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* What is too small to be a free chunk is closed by headers of their own kinds. */
static void a_heap_that_was_outgrown_may_end_anyhow(void **state)
{
    (void)state;
    static uintptr_t rest[] = {32, 48, 64, 80, 1024};
    pthread_t t[countof(rest)];
    pthread_barrier_init(&barrier, NULL, countof(rest) + 1);
    for (size_t i = 0; i < countof(rest); i++)
        pthread_create(&t[i], NULL, fill_up_to, &rest[i]);
    pthread_barrier_wait(&barrier);
    look();
    assert_int_equal(f.heap.refused, 0);
    done();
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < countof(rest); i++)
        pthread_join(t[i], NULL);
}

/* A used chunk's header overwritten: the walk says so instead of making sense of it. */
static void a_broken_heap_is_refused(void **state)
{
    (void)state;
    char *p = malloc(100);
    volatile uint64_t *head = (uint64_t *)((uintptr_t)p - 8);
    uint64_t saved = *head;
    *head = 0x71 + 8;
    look();
    *head = saved;
    assert_int_equal(f.heap.refused, 1);
    struct oak__block b;
    assert_false(oak__heap_block(&f.heap, (uintptr_t)p, &b));
    done();
    free(p);
}

int main(void)
{
    if (OAK_ASAN || OAK_TSAN) {
        fprintf(stderr, "the heap is a sanitizer's, not glibc's\n");
        return 77;
    }
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_block_with_its_bounds),
        cmocka_unit_test(points_into_the_middle_and_just_past_the_end_count),
        cmocka_unit_test(free_blocks_are_none),
        cmocka_unit_test(large_blocks_are_found_by_what_malloc_counts),
        cmocka_unit_test(a_mapping_that_looks_like_a_large_block_is_not_taken_for_one),
        cmocka_unit_test(other_threads_arenas_are_walked),
        cmocka_unit_test(an_arena_of_several_heaps_is_walked),
        cmocka_unit_test(a_heap_that_was_outgrown_may_end_anyhow),
        cmocka_unit_test(a_broken_heap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
