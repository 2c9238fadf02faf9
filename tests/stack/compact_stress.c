/*
 * Stacks are put away as fast as can be while their goroutines are woken, and while others read and write what lies on them: the values
 * must always be those that were written last. OAK_STRESS_SEED, OAK_STRESS_SECONDS: see stress.h.
 */
#include "../stress/stress.h"

#include "stack/away.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { PARKED = 40, WRITERS = 3, SKIPPED = 77, OWN = 16 };

typedef oak_chan(int) ints;

/* One parked goroutine: its stack holds `slots`, which the writers own one each, and a pattern of its own. */
struct parked {
    ints wake;
    volatile uint64_t *_Atomic slots;
    _Atomic uint64_t rounds;
    uint64_t seed;
};

static struct parked all[PARKED];
static _Atomic bool over;
static oak_waitgroup gone, written;

static void park_again_and_again(void *arg)
{
    struct parked *p = arg;
    volatile uint64_t slots[WRITERS] = {0};
    volatile uint64_t own[OWN];
    uint64_t n = p->seed;
    p->slots = slots;
    for (int v = 0; v >= 0;) {
        for (int i = 0; i < OWN; i++)
            own[i] = n + (uint64_t)i;
        require(oak_recv(p->wake, &v) == 0);
        for (int i = 0; i < OWN; i++)
            require(own[i] == n + (uint64_t)i);
        n += 1000;
        p->rounds++;
    }
    oak_waitgroup_done(&gone);
}

struct writer {
    int index;
    uint64_t random;
};

/* Counts up its slot on each stack: what it reads is what it wrote. */
static void write_on_stacks(void *arg)
{
    struct writer *w = arg;
    uint64_t wrote[PARKED] = {0};
    while (!over) {
        int i = (int)(next_random(&w->random) % PARKED);
        volatile uint64_t *slot = &all[i].slots[w->index];
        require(*slot == wrote[i]);
        *slot = ++wrote[i];
        require(*slot == wrote[i]);
        if (next_random(&w->random) % 4 == 0)
            (void)oak_sleep((int64_t)(next_random(&w->random) % 300) * OAK_MICROSECOND);
        else
            oak_yield();
    }
    for (int i = 0; i < PARKED; i++)
        require(all[i].slots[w->index] == wrote[i]);
    oak_waitgroup_done(&written);
}

static void begin(struct writer *w, uint64_t *random)
{
    over = false;
    oak_waitgroup_add(&gone, PARKED);
    oak_waitgroup_add(&written, WRITERS);
    for (int i = 0; i < PARKED; i++) {
        all[i] = (struct parked){.wake = oak_make(int, 0), .seed = next_random(random)};
        require(all[i].wake && oak_spawn(park_again_and_again, &all[i]) == 0);
    }
    for (int i = 0; i < PARKED; i++)
        while (!all[i].slots)
            oak_yield();
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){i, next_random(random)};
        require(oak_spawn(write_on_stacks, &w[i]) == 0);
    }
}

/* Writers end first: they look at the stacks. */
static void end(void)
{
    over = true;
    require(oak_waitgroup_wait(&written) == 0);
    for (int i = 0; i < PARKED; i++)
        require(oak_send(all[i].wake, -1) == 0);
    require(oak_waitgroup_wait(&gone) == 0);
    for (int i = 0; i < PARKED; i++)
        oak_chan_free(all[i].wake);
}

static int one_round(struct stress *s, uint64_t *random)
{
    struct writer w[WRITERS];
    (void)s;
    require(oak_compact(0) == 0);
    begin(w, random);
    while (!oak__away_count())
        (void)oak_sleep(OAK_MILLISECOND);
    for (int i = 0; i < 2000; i++) {
        require(oak_send(all[next_random(random) % PARKED].wake, i) == 0);
        if (i % 8 == 0)
            (void)oak_sleep((int64_t)(next_random(random) % 500) * OAK_MICROSECOND);
    }
    end();
    return 0;
}

static int try_it(void *unused)
{
    (void)unused;
    return oak_compact(0) == -ENOTSUP ? SKIPPED : 0;
}

static void values_on_stacks_survive(void **state)
{
    static struct outcome o;
    (void)state;
    in_child(&o, try_it, NULL);
    if (exited_with(&o, SKIPPED)) {
        fprintf(stderr, "no compact mode here\n");
        skip();
    }
    assert_true(stress(1, one_round));
    assert_true(stress(2, one_round));
    assert_true(stress(4, one_round));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_on_stacks_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
