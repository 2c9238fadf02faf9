/* For tests of reclaim: goroutines that block for good and note what becomes of them. */
#ifndef OAK_TESTS_RECLAIMTEST_H
#define OAK_TESTS_RECLAIMTEST_H

#include "leaktest.h"

#include <oakum/verify.h>

/* What the goroutines of a scene report. Not their objects: those must not be reached. */
enum { MOST = 64 };
static struct outcome {
    _Atomic int first, second; /* what the blocking call and a later one returned */
    _Atomic bool ended, deferred;
} out[MOST];

static void note_deferred(void *arg)
{
    ((struct outcome *)arg)->deferred = true;
}

/* A later blocking call that would not have to wait for anything but time. */
static void call_again(struct outcome *o)
{
    o->second = oak_sleep(OAK_HOUR);
    o->ended = true;
}

static inline void assert_cancelled(int i)
{
    assert_int_equal(out[i].first, -ECANCELED);
    assert_int_equal(out[i].second, -ECANCELED);
    assert_true(out[i].deferred);
    assert_true(out[i].ended);
}

static void wait_for_ends(void)
{
    if (oak_leak_verify_none(&(struct oak_leak_verify_opts){.grace = OAK_MINUTE}))
        abort();
}

static int64_t reclaimed;

/* Checks, gives all back and waits until they have ended. */
static inline void check_and_reclaim(struct scene *s)
{
    check_now(s);
    if (s->err)
        return;
    reclaimed = oak_leak_reclaim(s->report, NULL, NULL);
    wait_for_ends();
}

static struct scene *play_reclaim(void (*fn)(struct scene *s))
{
    memset(out, 0, sizeof out);
    reclaimed = -1;
    return play(fn);
}

enum { SANITIZED = OAK_ASAN || OAK_TSAN };

static inline void on_nil(void *arg)
{
    struct outcome *o = arg;
    oak_defer(note_deferred, o);
    o->first = oak_recv((oak_chan(int))NULL, &(int){0});
    call_again(o);
}

static inline void on_nothing(void *arg)
{
    struct outcome *o = arg;
    oak_defer(note_deferred, o);
    o->first = oak_select_n(NULL, 0);
    call_again(o);
}

#endif
