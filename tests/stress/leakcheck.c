/*
 * Checks every 100 ms while a program of random parts runs: healthy goroutines of all kinds that wait for a while, and planted
 * ones that nobody can wake. Nothing healthy may be proven, ever; most of what is planted must be. What is proven is
 * given back, so that it can go on for hours. The last line of each run counts.
 */
#include "stress.h"

#include <oakum/leak.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdatomic.h>

enum { HEALTHY = 300, PLANTED = 5, CHECKS = 3, KINDS = 6 };
#define BETWEEN (100 * OAK_MILLISECOND)

typedef oak_chan(int) ints;

static struct counts {
    atomic_ulong planted, proven, not_healthy, checks, given_up;
} counts;

/* ---- healthy: the round knows their channels, and closes them in the end ---- */

struct part {
    ints a, b;
    char pad[100];
};

static struct round {
    struct part *parts[HEALTHY];
    oak_waitgroup wg;
    oak_mutex mu;
    atomic_bool over;
} * round_now;

static void receive_until_closed(struct part *p)
{
    int v;
    while (oak_recv(p->a, &v) == 0)
        ;
}

static void select_until_closed(struct part *p)
{
    int v, w;
    bool open_a = true, open_b = true;
    while (open_a && open_b)
        require(oak_select(oak_on_recv_ok(p->a, &v, &open_a), oak_on_recv_ok(p->b, &w, &open_b)) >= 0);
}

/* Locks, sleeps with the lock, allocates. */
static void contend(struct part *p)
{
    (void)p;
    while (!atomic_load(&round_now->over)) {
        void *block = calloc(1, 400);
        if (oak_mutex_lock(&round_now->mu) == 0) {
            require(oak_sleep(OAK_MILLISECOND) == 0);
            oak_mutex_unlock(&round_now->mu);
        }
        free(block);
    }
}

static void answer(void *arg)
{
    ints ch = (ints)(uintptr_t)arg;
    int v = oak_recv(ch, &v) == 0 ? 0 : -1;
    require(v == 0);
    oak_chan_free(ch);
    oak_waitgroup_done(&round_now->wg);
}

/* Only this one's stack knows the channel, and it sleeps most of the time. */
static void ask_late(struct part *p)
{
    (void)p;
    while (!atomic_load(&round_now->over)) {
        ints ch = oak_make(int, 0);
        const struct oak_spawn_opts named = {.name = "healthy"};
        require(ch != NULL);
        oak_waitgroup_add(&round_now->wg, 1);
        require(oak_spawn_with(&named, answer, (void *)(uintptr_t)ch) == 0);
        require(oak_sleep(20 * OAK_MILLISECOND) == 0);
        require(oak_send(ch, 7) == 0);
    }
}

static void churn(struct part *p)
{
    (void)p;
    void *blocks[16] = {NULL};
    for (unsigned i = 0; !atomic_load(&round_now->over); i++) {
        free(blocks[i % 16]);
        blocks[i % 16] = calloc(1, 24u << i % 12);
        require(oak_sleep(OAK_MILLISECOND / 4) == 0);
    }
    for (int i = 0; i < 16; i++)
        free(blocks[i]);
}

static void receive_in_scope(struct part *p);

static void (*const kinds[KINDS])(struct part *p) = {
    receive_until_closed, select_until_closed, contend, ask_late, churn, receive_in_scope,
};

OAK_TASK(scoped, struct part *, p)
{
    receive_until_closed(p);
}

static void receive_in_scope(struct part *p)
{
    oak_scope (s)
        require(oak_go(s, scoped, p) == 0);
}

static void healthy(void *arg)
{
    const size_t i = (size_t)(uintptr_t)arg;
    kinds[i % KINDS](round_now->parts[i]);
    oak_waitgroup_done(&round_now->wg);
}

static void start_healthy(void)
{
    const struct oak_spawn_opts named = {.name = "healthy"};
    for (size_t i = 0; i < HEALTHY; i++) {
        struct part *p = round_now->parts[i] = calloc(1, sizeof *p);
        require(p && (p->a = oak_make(int, 0)) && (p->b = oak_make(int, 1)));
        oak_waitgroup_add(&round_now->wg, 1);
        require(oak_spawn_with(&named, healthy, (void *)(uintptr_t)i) == 0);
    }
}

static void end_healthy(void)
{
    atomic_store(&round_now->over, true);
    for (size_t i = 0; i < HEALTHY; i++) {
        oak_chan_close(round_now->parts[i]->a);
        oak_chan_close(round_now->parts[i]->b);
    }
    require(oak_waitgroup_wait(&round_now->wg) == 0);
    for (size_t i = 0; i < HEALTHY; i++) {
        oak_chan_free(round_now->parts[i]->a);
        oak_chan_free(round_now->parts[i]->b);
        free(round_now->parts[i]);
    }
}

/* ---- planted ---- */

static void wait_for_nobody(void *arg)
{
    int v;
    ints ch = (ints)(uintptr_t)arg;
    require(oak_recv(ch, &v) == -ECANCELED);
    oak_chan_free(ch);
}

static __attribute__((noinline)) void plant(uint64_t n)
{
    const struct oak_spawn_opts named = {.name = "planted"};
    for (uint64_t i = 0; i < n; i++) {
        ints ch = oak_make(int, 0);
        require(ch && oak_spawn_with(&named, wait_for_nobody, (void *)(uintptr_t)ch) == 0);
    }
    atomic_fetch_add(&counts.planted, n);
}

/* ---- the check ---- */

static void judge(const oak_leak_report *r)
{
    for (size_t i = 0; i < oak_leak_count(r, OAK_LEAKED); i++) {
        const struct oak_leak *l = oak_leak_at(r, i);
        require(l != NULL);
        if (l->g.name && !strcmp(l->g.name, "planted")) {
            atomic_fetch_add(&counts.proven, 1);
            continue;
        }
        atomic_fetch_add(&counts.not_healthy, 1);
        oak_leak_print(r, stderr);
    }
}

static void check(void)
{
    oak_leak_report *r;
    int err = oak_leak_check(NULL, &r);
    atomic_fetch_add(&counts.checks, 1);
    if (err) {
        require(err == -EAGAIN); /* on a machine that has too much to do */
        atomic_fetch_add(&counts.given_up, 1);
        return;
    }
    judge(r);
    require(oak_leak_reclaim(r, NULL, NULL) >= 0);
    oak_leak_report_free(r);
}

static int body(struct stress *s, uint64_t *random)
{
    struct round r = {.wg = {0}};
    round_now = &r;
    start_healthy();
    for (int i = 0; i < CHECKS; i++) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        plant((*random >> 33) % PLANTED);
        require(oak_sleep(BETWEEN) == 0);
        check();
    }
    end_healthy();
    require(waitpid(-1, NULL, __WALL | WNOHANG) == -1); /* no clone is left */
    require(counts.not_healthy == 0);
    if (oak_now() >= s->until)
        printf("leakcheck: checks %lu, given up %lu, planted %lu, proven %lu, false %lu\n", counts.checks,
               counts.given_up, counts.planted, counts.proven, counts.not_healthy);
    /* A stale word hides one now and then. Under a sanitizer less is proven. */
    if (!UNDER_ASAN && !UNDER_TSAN && oak_now() >= s->until && counts.planted > 20 && counts.given_up == 0)
        require(counts.proven >= counts.planted / 2);
    return 0;
}

static void nothing_healthy_is_proven_on_1_p(void **state)
{
    (void)state;
    assert_true(stress(1, body));
}

static void nothing_healthy_is_proven_on_4_ps(void **state)
{
    (void)state;
    assert_true(stress(4, body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_healthy_is_proven_on_1_p),
        cmocka_unit_test(nothing_healthy_is_proven_on_4_ps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
