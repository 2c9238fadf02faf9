/*
 * Hazard 1: compilers keep the address of a thread-local variable across a call in which the goroutine moves to another
 * thread. errno must still be the present thread's. With glibc's own errno (declared const) the same code reads the wrong
 * thread's: the last test shows it, so that this program is known to be able to fail.
 */
#include "../support/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

static _Atomic bool moved;

/* Keeps the one P busy, so that whoever lost it has to come back on this thread. */
static void keep_busy(void *unused)
{
    (void)unused;
    while (!atomic_load(&moved))
        oak_yield();
}

/* Blocks this thread until its P has been given to another, and goes on there. */
static __attribute__((noinline)) void move_to_another_thread(void)
{
    pid_t before = gettid();
    while (gettid() == before) {
        usleep(2000);
        oak_yield();
    }
    atomic_store(&moved, true);
}

static __attribute__((noinline)) int errno_after_a_move(void)
{
    errno = 0;
    move_to_another_thread();
    (void)close(-1);
    return errno;
}

static __attribute__((noinline)) int errno_kept_over_a_call(void)
{
    move_to_another_thread();
    errno = ELIBBAD;
    return errno;
}

#undef errno
#define errno (*__errno_location())
static __attribute__((noinline)) int plain_errno_after_a_move(void)
{
    errno = 0;
    move_to_another_thread();
    (void)close(-1);
    return errno;
}
#undef errno
#define errno (*oak_errno_location())

static int run_with(int (*fn)(void), int *seen)
{
    *seen = -1;
    atomic_store(&moved, false);
    int err = oak_spawn(keep_busy, NULL);
    if (!err)
        *seen = fn();
    return err;
}

static int own_errno(int argc, char **argv)
{
    (void)argc, (void)argv;
    int seen;
    require(run_with(errno_after_a_move, &seen) == 0);
    require(seen == EBADF);
    require(run_with(errno_kept_over_a_call, &seen) == 0);
    require(seen == ELIBBAD);
    return 0;
}

static int plain_errno(int argc, char **argv)
{
    (void)argc, (void)argv;
    int seen;
    require(run_with(plain_errno_after_a_move, &seen) == 0);
    return seen == EBADF ? 0 : 1;
}

static int on_one_p(void *app)
{
    set_procs(1);
    return oak_run(*(int (**)(int, char **))app, 0, NULL);
}

static void errno_is_the_present_threads_after_a_migration(void **state)
{
    (void)state;
    int (*app)(int, char **) = own_errno;
    assert_true(child_succeeds(on_one_p, &app, false));
}

static void errno_of_libc_would_not_be(void **state)
{
    (void)state;
#if defined(__OPTIMIZE__) && !UNDER_ASAN && !UNDER_TSAN
    static struct outcome o;
    int (*app)(int, char **) = plain_errno;
    in_child(&o, on_one_p, &app);
    assert_true(exited_with(&o, 1));
#else
    (void)plain_errno;
    skip(); /* without optimisation no address is kept */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errno_is_the_present_threads_after_a_migration),
        cmocka_unit_test(errno_of_libc_would_not_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
