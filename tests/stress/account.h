/* Every value sent has a number, and an entry that says what became of it. */
#ifndef OAK_TESTS_STRESS_ACCOUNT_H
#define OAK_TESTS_STRESS_ACCOUNT_H

#include "../support/part.h"

#include <stdatomic.h>

enum { VALUES = 1 << 17 };

enum fate { OFFERED = 1, SENT = 2, REFUSED = 4, RECEIVED = 8 };

struct account {
    _Atomic uint64_t next;
    _Atomic uint8_t fate[VALUES];
};

static inline bool account_full(struct account *a)
{
    return atomic_load_explicit(&a->next, memory_order_relaxed) > VALUES - 1024;
}

/* A new value, offered. */
static inline uint64_t account_value(struct account *a)
{
    uint64_t v = atomic_fetch_add_explicit(&a->next, 1, memory_order_relaxed);
    require(v < VALUES);
    atomic_store_explicit(&a->fate[v], OFFERED, memory_order_relaxed);
    return v;
}

/* Adds what became of v; it must be the first time that this is said. */
static inline void account_add(struct account *a, uint64_t v, enum fate f)
{
    require(v < atomic_load_explicit(&a->next, memory_order_relaxed));
    uint8_t before = atomic_fetch_or_explicit(&a->fate[v], (uint8_t)f, memory_order_relaxed);
    require(before & OFFERED);
    require(!(before & f));
}

/* When all is quiet and the buffers are drained: what was sent was received once, what was refused never. Starts anew. */
static inline void account_settle(struct account *a, uint64_t sum[4])
{
    uint64_t n = atomic_load(&a->next);
    for (uint64_t v = 0; v < n; v++) {
        uint8_t f = atomic_load_explicit(&a->fate[v], memory_order_relaxed);
        if (f != (OFFERED | SENT | RECEIVED) && f != (OFFERED | REFUSED)) {
            dprintf(STDERR_FILENO, "value %llu: offered%s%s%s\n", (unsigned long long)v,
                    f & SENT ? ", sent" : "", f & REFUSED ? ", refused" : "",
                    f & RECEIVED ? ", received" : "");
            _exit(CHILD_FAILED);
        }
        sum[f & SENT ? 0 : 1]++;
    }
    atomic_store(&a->next, 0);
}

#endif
