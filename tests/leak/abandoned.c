/* Checks that come to nothing leave nothing behind: no descriptor, no child, no mapping; and the next one works. */
#include "leaktest.h"

#include "base/os.h"
#include "leak/freeze.h"
#include "leak/raw.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 8 };

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int mappings(void)
{
    char line[600];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n++;
    fclose(f);
    return n;
}

static void assert_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* fn, which comes to nothing, leaves as many of each as there were after it had been called once. */
static void assert_leaves_nothing(void (*fn)(void))
{
    fn();
    const int fds = descriptors(), maps = mappings();
    for (int i = 0; i < TIMES; i++)
        fn();
    assert_no_child();
    assert_int_equal(descriptors(), fds);
    if (!OAK_ASAN && !OAK_TSAN) /* which map as they like; and so may malloc, a little */
        assert_true(mappings() <= maps + TIMES / 2);
}

/* ---- whole checks ---- */

static int check_once(void)
{
    oak_leak_report *r = NULL;
    int err = oak_leak_check(NULL, &r);
    if (!err != !!r)
        abort();
    oak_leak_report_free(r);
    return err;
}

static void no_process(void)
{
    oak__fault_set(OAK__FAULT_FORK, 0, 1, EAGAIN);
    assert_int_equal(check_once(), -EAGAIN);
}

static void no_memory_for_a_process(void)
{
    oak__fault_set(OAK__FAULT_FORK, 0, 1, ENOMEM);
    assert_int_equal(check_once(), -ENOMEM);
}

static void no_memory_at_all(void)
{
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    assert_int_equal(check_once(), -ENOMEM);
}

static void without_a_process(void **state)
{
    (void)state;
    assert_leaves_nothing(no_process);
    assert_leaves_nothing(no_memory_for_a_process);
    assert_leaves_nothing(no_memory_at_all);
    assert_int_equal(check_once(), 0);
}

/* ---- the clone ---- */

static int hang(void *arg)
{
    (void)arg;
    while (raw(SYS_sched_yield) == 0)
        ;
    return 0;
}

static int kill_itself(void *arg)
{
    (void)arg;
    raw(SYS_kill, raw(SYS_getpid), SIGKILL);
    return 0;
}

static void run_clone(int (*fn)(void *), int64_t limit)
{
    struct oak__freeze f = {.fn = fn, .limit = limit};
    assert_int_equal(oak__freeze_run(&f), -EIO);
}

static void clone_that_hangs(void)
{
    run_clone(hang, 10 * OAK_MILLISECOND);
}

static void clone_that_is_killed(void)
{
    run_clone(kill_itself, OAK_MINUTE);
}

static void with_a_clone_that_comes_to_nothing(void **state)
{
    (void)state;
    assert_leaves_nothing(clone_that_hangs);
    assert_leaves_nothing(clone_that_is_killed);
    assert_int_equal(check_once(), 0);
}

/* ---- limits of the process ---- */

static void no_descriptors(void)
{
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const int err = check_once();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(err <= 0);
}

static void without_descriptors(void **state)
{
    (void)state;
    assert_leaves_nothing(no_descriptors);
    assert_int_equal(check_once(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_process),
        cmocka_unit_test(with_a_clone_that_comes_to_nothing),
        cmocka_unit_test(without_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
