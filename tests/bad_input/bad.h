/*
 * For tests of bad input: each public function with NULL, with handles of another kind or given back, with values out of
 * range. What happens is what the header says: an error, or a panic that names the caller; never a crash.
 *
 * tests/bad_input/covers looks whether each function of include/oakum/NAME.h is in tests/bad_input/NAME.c.
 */
#ifndef OAK_TESTS_BAD_INPUT_H
#define OAK_TESTS_BAD_INPUT_H

#include "support/goroutine.h"

#include "base/common.h"

#include <string.h>

/* A sanitizer says itself that heap memory is used after it was freed. */
#define SANITIZER_TELLS (OAK_ASAN || OAK_TSAN)

/* BOTH(name) { body } defines a cmocka test whose body runs in a goroutine and then on a plain thread. */
#define BOTH(name)                                                                                           \
    TEST_BODY(name)                                                                                          \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        assert_int_equal(oak_run(name##_app, 0, NULL), 0);                                                   \
        name##_body();                                                                                       \
    }                                                                                                        \
    static void name##_body(void)

/* CALL(name, call) defines what expect_panic(name, text) calls: the call must panic, the message have the text in it, and
 * the place be in that very function. Not the last thing in it: a jump there would leave no place to name. */
#define CALL(name, ...)                                                                                      \
    static NOINLINE void name(void *arg)                                                                     \
    {                                                                                                        \
        (void)arg;                                                                                           \
        __VA_ARGS__;                                                                                         \
        __asm__ volatile("" ::: "memory");                                                                   \
    }
#define expect_panic(name, arg, text) expect(panics_here(name, arg, #name, text))

static __attribute__((unused)) bool panics_here(void (*fn)(void *), void *arg, const char *name,
                                                const char *text)
{
    struct oak_panic_info info;
    char place[256];
    if (oak_recover(fn, arg, &info) != -ENOTRECOVERABLE) {
        dprintf(STDERR_FILENO, "%s did not panic\n", name);
        return false;
    }
    oak_symbolize(info.site, place, sizeof place);
    if (strncmp(place, name, strlen(name)) == 0 && strstr(info.message, text))
        return true;
    dprintf(STDERR_FILENO, "%s: panic \"%s\" at %s\n", name, info.message, place);
    return false;
}

/* Objects of every kind, to be given for one of another. */
enum stranger { ZEROS, ONES, CHANNEL, CONTEXT, AFTER, MUTEX, GROUP, CONN, LISTENER, STRANGERS };

struct strangers {
    void *at[STRANGERS];
    oak_ctx *ctx;
};

static __attribute__((unused)) void never_called(void *arg)
{
    (void)arg;
    expect(!"called");
}

static __attribute__((unused)) void strangers_begin(struct strangers *s)
{
    static char zeros[1024] __attribute__((aligned(64))), ones[1024] __attribute__((aligned(64)));
    static union {
        oak_mutex mu;
        char room[1024];
    } mutex;
    oak_listener *l;
    oak_conn *c;
    char address[64];
    memset(ones, 0xff, sizeof ones);
    expect(oak_mutex_lock(&mutex.mu) == 0);
    expect(oak_listen("tcp", "127.0.0.1:0", &l) == 0);
    expect(oak_listener_addr(l, address, sizeof address) > 0 && oak_dial("tcp", address, &c) == 0);
    s->ctx = oak_ctx_new(NULL);
    *s = (struct strangers){.ctx = s->ctx,
                            .at = {[ZEROS] = zeros,
                                   [ONES] = ones,
                                   [CHANNEL] = (void *)(uintptr_t)oak_make(struct strangers, 2),
                                   [CONTEXT] = s->ctx,
                                   [AFTER] = oak_ctx_after(s->ctx, never_called, NULL),
                                   [MUTEX] = &mutex,
                                   [GROUP] = oak_errgroup_new(0),
                                   [CONN] = c,
                                   [LISTENER] = l}};
    for (int i = 0; i < STRANGERS; i++)
        expect(s->at[i] != NULL);
}

/* Whatever was done with them as something else, they are what they were. */
static __attribute__((unused)) void strangers_end(struct strangers *s)
{
    expect(oak_chan_free((oak_chan(struct strangers))(uintptr_t)s->at[CHANNEL]) == 0);
    expect(oak_ctx_after_stop(s->at[AFTER]));
    expect(oak_ctx_err(s->ctx) == 0);
    oak_ctx_unref(s->ctx);
    oak_mutex_unlock(s->at[MUTEX]);
    expect(oak_errgroup_wait(s->at[GROUP]) == 0);
    expect(oak_conn_close(s->at[CONN]) == 0 && oak_listener_close(s->at[LISTENER]) == 0);
}

#define each_stranger_but(s, kind, i)                                                                        \
    for (int i = 0; i < STRANGERS; i++)                                                                      \
        if (i != (kind))

static bool count_waiting(const struct oak_goroutine_info *g, void *arg)
{
    int *n = arg;
    n[1] += g->state == OAK_STATE_WAITING && g->reason == (enum oak_wait_reason)n[0];
    return true;
}

/* How many goroutines wait for this reason. */
static __attribute__((unused)) int how_many_wait(enum oak_wait_reason reason)
{
    int n[2] = {(int)reason, 0};
    expect(oak_goroutines(count_waiting, n) >= 0);
    return n[1];
}

/* Durations that make no sense, but for OAK_FOREVER; all of them are in the past, or as good as for ever. */
static const int64_t absurd_past[] = {0, -1, -OAK_HOUR, INT64_MIN, INT64_MIN + 1};

#endif
