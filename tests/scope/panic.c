/* Panics, defers, recover: Go's rules. */
#include "../support/goroutine.h"

#include "sched/sched.h"

#include <pthread.h>
#include <string.h>

static char log_text[256];

static void note(void *text)
{
    strcat(log_text, text);
}

static void panic_with(void *text)
{
    oak_panic("%s", (const char *)text);
}

static void fresh(void)
{
    log_text[0] = 0;
    expect(oak__self()->defers == NULL);
}

/* ---- defers ---- */

static int leave(int way)
{
    for (int i = 0; i < 1; i++) {
        oak_defer(note, (void *)"a");
        oak_defer(note, (void *)"b");
        {
            oak_defer(note, (void *)"c");
            if (way == 1)
                continue;
            if (way == 2)
                return 2;
            if (way == 3)
                goto out;
        }
        note((void *)"-");
    }
    return 0;
out:
    return 3;
}

TEST(defers_run_last_first_on_every_way_out)
{
    fresh();
    expect(leave(0) == 0 && strcmp(log_text, "c-ba") == 0);
    fresh();
    expect(leave(1) == 0 && strcmp(log_text, "cba") == 0);
    fresh();
    expect(leave(2) == 2 && strcmp(log_text, "cba") == 0);
    fresh();
    expect(leave(3) == 3 && strcmp(log_text, "cba") == 0);
    oak_defer(NULL, NULL);
}

/* ---- recover ---- */

static void with_defers(void *text)
{
    oak_defer(note, (void *)"1");
    oak_defer(note, (void *)"2");
    panic_with(text);
}

TEST(recover_runs_the_defers_and_says_what_happened)
{
    struct oak_panic_info p;
    fresh();
    expect(oak_recover(with_defers, (void *)"oops", &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "oops") == 0 && strcmp(log_text, "21") == 0);
    expect(p.goroutine == oak_self() && p.signal == 0 && p.site != NULL);
    expect(oak_recover(with_defers, (void *)"again", NULL) == -ENOTRECOVERABLE);
    fresh();
    expect(oak_recover(note, (void *)"fine", &p) == 0 && strcmp(log_text, "fine") == 0);
    expect(oak_recover(NULL, NULL, &p) == -EINVAL);
}

/* Registers that the ABI preserves are what they were; so are the locals that do not change. */
__attribute__((noinline)) static long many_locals(long a, long b, long c, long d, long e, long f)
{
    long g = a * 3, h = b * 5, i = c * 7, j = d * 11, k = e * 13, l = f * 17;
    int err = oak_recover(panic_with, (void *)"x", NULL);
    return (a + b + c + d + e + f) - (g / 3 + h / 5 + i / 7 + j / 11 + k / 13 + l / 17) + err;
}

TEST(registers_survive_the_jump)
{
    for (long i = 0; i < 100; i++)
        expect(many_locals(i, i + 1, i * i, -i, i << 20, ~i) == -ENOTRECOVERABLE);
}

static void recover_inside(void *arg)
{
    struct oak_panic_info p;
    (void)arg;
    oak_defer(note, (void *)"o");
    expect(oak_recover(with_defers, (void *)"inner", &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "inner") == 0 && strcmp(log_text, "21") == 0);
    oak_panic("outer");
}

TEST(nearest_recover_catches)
{
    struct oak_panic_info p;
    fresh();
    expect(oak_recover(recover_inside, NULL, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "outer") == 0 && strcmp(log_text, "21o") == 0);
}

/* ---- panics in defers ---- */

static void panics_in_a_defer(void *arg)
{
    (void)arg;
    oak_defer(note, (void *)"z");
    oak_defer(panic_with, (void *)"second");
    oak_defer(note, (void *)"y");
    oak_panic("first");
}

TEST(panic_in_a_defer_replaces_the_one_on_its_way)
{
    struct oak_panic_info p;
    fresh();
    expect(oak_recover(panics_in_a_defer, NULL, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "second") == 0 && strcmp(log_text, "yz") == 0);
}

static void recovers_in_a_defer(void *arg)
{
    (void)arg;
    expect(oak_recover(with_defers, (void *)"small", NULL) == -ENOTRECOVERABLE);
}

static void defer_that_recovers_its_own(void *arg)
{
    (void)arg;
    oak_defer(recovers_in_a_defer, NULL);
    oak_panic("large");
}

TEST(defer_may_recover_a_panic_of_its_own)
{
    struct oak_panic_info p;
    fresh();
    expect(oak_recover(defer_that_recovers_its_own, NULL, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "large") == 0 && strcmp(log_text, "21") == 0);
}

static void normal_block_whose_defer_panics(void *arg)
{
    (void)arg;
    oak_defer(note, (void *)"w");
    oak_defer(panic_with, (void *)"late");
    note((void *)"v");
}

TEST(panic_in_a_defer_of_a_block_left_normally)
{
    struct oak_panic_info p;
    fresh();
    expect(oak_recover(normal_block_whose_defer_panics, NULL, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "late") == 0 && strcmp(log_text, "vw") == 0);
}

/* ---- text ---- */

static void panic_long(void *arg)
{
    oak_panic("%0300d", *(int *)arg);
}

static void panic_null(void *arg)
{
    void (*silent)(const char *, ...) = oak_panic;
    silent(arg);
}

TEST(text_is_formatted_and_cut)
{
    struct oak_panic_info p;
    int n = 5;
    expect(oak_recover(panic_long, &n, &p) == -ENOTRECOVERABLE);
    expect(strlen(p.message) == 255 && p.message[254] == '0');
    expect(oak_recover(panic_null, NULL, &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "(no message)") == 0);
}

/* ---- across blocking calls: the goroutine may go on on another thread ---- */

static void panic_after_parking(void *ch)
{
    int v;
    oak_defer(note, (void *)"p");
    expect(oak_recv((oak_chan(int))(uintptr_t)ch, &v) == 0);
    (void)oak_sleep(50 * OAK_MICROSECOND);
    oak_panic("%d", v);
}

OAK_TASK(feed, oak_chan(int), ch)
{
    for (int i = 0; i < 200; i++)
        expect(oak_send(ch, i) == 0);
}

TEST(recover_works_after_a_park)
{
    oak_chan(int) ch = oak_make(int, 0);
    oak_scope (s) {
        expect(oak_go(s, feed, ch) == 0);
        for (int i = 0; i < 200; i++) {
            struct oak_panic_info p;
            char text[16];
            log_text[0] = 0;
            snprintf(text, sizeof text, "%d", i);
            expect(oak_recover(panic_after_parking, (void *)(uintptr_t)ch, &p) == -ENOTRECOVERABLE);
            expect(strcmp(p.message, text) == 0 && strcmp(log_text, "p") == 0);
        }
    }
    oak_chan_free(ch);
}

/* ---- recover acts only in the goroutine that panics; in a scope's child the scope has it ---- */

OAK_TASK(child_panics, int, unused)
{
    (void)unused;
    oak_panic("child");
}

static void start_a_child_that_panics(void *err)
{
    oak_scope (s, .err = err)
        expect(oak_go(s, child_panics, 0) == 0);
}

TEST(recover_does_not_catch_a_childs_panic)
{
    int err = 0;
    expect(oak_recover(start_a_child_that_panics, &err, NULL) == 0);
    expect(err == -ENOTRECOVERABLE);
}

/* ---- plain threads ---- */

static void *in_thread(void *arg)
{
    struct oak_panic_info p;
    (void)arg;
    log_text[0] = 0;
    expect(oak_recover(with_defers, (void *)"thread", &p) == -ENOTRECOVERABLE);
    expect(strcmp(p.message, "thread") == 0 && strcmp(log_text, "21") == 0);
    expect(p.goroutine == oak_self() && !oak_in_goroutine());
    return NULL;
}

static void threads_panic_and_recover(void **state)
{
    (void)state;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, in_thread, NULL), 0);
    pthread_join(t, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_panic_and_recover),
        cmocka_unit_test(defers_run_last_first_on_every_way_out),
        cmocka_unit_test(recover_runs_the_defers_and_says_what_happened),
        cmocka_unit_test(registers_survive_the_jump),
        cmocka_unit_test(nearest_recover_catches),
        cmocka_unit_test(panic_in_a_defer_replaces_the_one_on_its_way),
        cmocka_unit_test(defer_may_recover_a_panic_of_its_own),
        cmocka_unit_test(panic_in_a_defer_of_a_block_left_normally),
        cmocka_unit_test(text_is_formatted_and_cut),
        cmocka_unit_test(recover_works_after_a_park),
        cmocka_unit_test(recover_does_not_catch_a_childs_panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
