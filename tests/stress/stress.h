/*
 * What the stress programs share: a seed (OAK_STRESS_SEED, else from the clock; always printed), a duration
 * (OAK_STRESS_SECONDS, default 3 for each number of Ps), and a child process for 1, 2 and 4 Ps.
 */
#ifndef OAK_TESTS_STRESS_STRESS_H
#define OAK_TESTS_STRESS_STRESS_H

#include "../support/part.h"

struct stress {
    uint64_t seed;
    int64_t until; /* oak_now() clock */
    int procs;
    int (*body)(struct stress *s, uint64_t *random); /* one round */
};

static int64_t stress_seconds(void)
{
    const char *text = getenv("OAK_STRESS_SECONDS");
    int64_t n = text ? atoll(text) : 3;
    return n < 1 ? 1 : n > CHILD_SECONDS - 10 ? CHILD_SECONDS - 10 : n;
}

static uint64_t stress_seed(void)
{
    const char *text = getenv("OAK_STRESS_SEED");
    return text ? strtoull(text, NULL, 0) : (uint64_t)oak_now();
}

static struct stress *running_stress;

static int stress_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct stress *s = running_stress;
    uint64_t random = s->seed;
    int rounds = 0;
    do {
        int err = s->body(s, &random);
        if (err)
            return err;
        rounds++;
    } while (oak_now() < s->until);
    printf("OAK_STRESS_SEED=%llu, %d P: %d rounds\n", (unsigned long long)s->seed, s->procs, rounds);
    return 0;
}

static int stress_child(void *arg)
{
    struct stress *s = arg;
    set_procs(s->procs);
    printf("OAK_STRESS_SEED=%llu, %d P\n", (unsigned long long)s->seed, s->procs);
    fflush(stdout);
    s->until = oak_now() + stress_seconds() * OAK_SECOND;
    running_stress = s;
    return oak_run(stress_app, 0, NULL);
}

/* Repeats body on procs Ps until the time is over. */
static __attribute__((unused)) bool stress(int procs, int (*body)(struct stress *, uint64_t *))
{
    struct stress s = {.seed = stress_seed(), .procs = procs, .body = body};
    return child_succeeds(stress_child, &s, true);
}

#endif
