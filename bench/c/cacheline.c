/*
 * The metal's own price of a message to another core: two threads, each pinned to a core, change one word in
 * turn, so its cache line goes to and fro. An operation is one way. No runtime has any part in it.
 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

static _Alignas(128) atomic_long ball; /* even: the caller's turn */

static void *partner(void *count)
{
    long last = (long)(intptr_t)count;

    pin(1);
    for (long i = 1; i < last; i += 2) {
        while (atomic_load_explicit(&ball, memory_order_acquire) != i)
            ;
        atomic_store_explicit(&ball, i + 1, memory_order_release);
    }
    return NULL;
}

static void *caller(void *count)
{
    long last = (long)(intptr_t)count;

    pin(0);
    for (long i = 0; i < last; i += 2) {
        while (atomic_load_explicit(&ball, memory_order_acquire) != i)
            ;
        atomic_store_explicit(&ball, i + 1, memory_order_release);
    }
    return NULL;
}

/* Threads of its own, so that no thread of the runtime stays pinned. */
static void work(long count)
{
    pthread_t thread[2];
    void *even = (void *)(intptr_t)(count / 2 * 2);

    atomic_store(&ball, 0);
    MUST(-pthread_create(&thread[0], NULL, caller, even));
    MUST(-pthread_create(&thread[1], NULL, partner, even));
    MUST(-pthread_join(thread[0], NULL));
    MUST(-pthread_join(thread[1], NULL));
}

void job_cacheline(long count)
{
    timed("cacheline", work, count);
}
