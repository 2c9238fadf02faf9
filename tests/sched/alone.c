/* Objects of a program with one P: without atomic operations until a plain thread comes along (sched/alone.h). */
#include "../support/part.h"
#include "sched/alone.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

enum { GOROUTINES = 4, THREADS = 3, EACH = UNDER_TSAN ? 2000 : 200000 };

static struct {
    oak_mutex lock;
    long total; /* under the lock */
    oak_waitgroup wg;
} s;

static void count_one(void)
{
    require(oak_mutex_lock(&s.lock) == 0);
    s.total++;
    oak_mutex_unlock(&s.lock);
    oak_waitgroup_add(&s.wg, 1);
    oak_waitgroup_done(&s.wg);
}

static void counter(void *unused)
{
    (void)unused;
    for (int i = 0; i < EACH; i++) {
        count_one();
        if (i % 64 == 0)
            oak_yield();
    }
    oak_waitgroup_done(&s.wg);
}

static void *plain(void *unused)
{
    (void)unused;
    for (int i = 0; i < EACH; i++)
        count_one();
    return NULL;
}

static int works_alone(void)
{
    return oak__inside_works() ? OAK__COMPANY_NONE : OAK__COMPANY_HERE;
}

static int company(int argc, char **argv)
{
    pthread_t t[THREADS];
    (void)argc, (void)argv;
    require(oak__company == works_alone());
    oak_waitgroup_add(&s.wg, GOROUTINES);
    for (int i = 0; i < GOROUTINES; i++)
        require(oak_spawn(counter, NULL) == 0);
    oak_yield(); /* they are at it */
    require(oak__company == works_alone());
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&t[i], NULL, plain, NULL) == 0);
    require(oak_waitgroup_wait(&s.wg) == 0);
    for (int i = 0; i < THREADS; i++)
        require(pthread_join(t[i], NULL) == 0);
    require(oak__company == OAK__COMPANY_HERE);
    require(s.total == (long)(GOROUTINES + THREADS) * EACH);
    return 0;
}

static int nothing(int argc, char **argv)
{
    (void)argc, (void)argv;
    require(oak__company == OAK__COMPANY_HERE);
    return 0;
}

static int on_one_p(void *app)
{
    set_procs(1);
    return oak_run(*(int (**)(int, char **))app, 0, NULL);
}

/* An object used before there is a runtime. */
static int after_a_thread(void *unused)
{
    (void)unused;
    set_procs(1);
    require(oak_mutex_lock(&s.lock) == 0);
    oak_mutex_unlock(&s.lock);
    return oak_run(nothing, 0, NULL);
}

static int on_two(void *unused)
{
    (void)unused;
    set_procs(2);
    return oak_run(nothing, 0, NULL);
}

static void plain_threads_come_and_nothing_is_lost(void **state)
{
    int (*app)(int, char **) = company;
    (void)state;
    assert_true(child_succeeds(on_one_p, &app, true));
}

static void nobody_is_alone_after_a_plain_thread_or_with_two_ps(void **state)
{
    (void)state;
    assert_true(child_succeeds(after_a_thread, NULL, true));
    assert_true(child_succeeds(on_two, NULL, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_threads_come_and_nothing_is_lost),
        cmocka_unit_test(nobody_is_alone_after_a_plain_thread_or_with_two_ps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
