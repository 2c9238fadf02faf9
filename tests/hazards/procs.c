/* How many Ps there are: the processors that the process may use (affinity, cgroup quota), or OAK_PROCS. */
#include "../support/part.h"

#include "base/os.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int procs_seen(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("procs=%d\n", oak_procs());
    return 0;
}

static int run_it(void *value)
{
    if (value)
        setenv("OAK_PROCS", value, 1);
    else
        unsetenv("OAK_PROCS");
    return oak_run(procs_seen, 0, NULL);
}

static int run_on_one_cpu(void *unused)
{
    cpu_set_t set, one;
    require(sched_getaffinity(0, sizeof set, &set) == 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set)) {
            CPU_SET(i, &one);
            break;
        }
    require(sched_setaffinity(0, sizeof one, &one) == 0);
    return run_it(unused);
}

static bool has_procs(int (*fn)(void *), const char *env, int n)
{
    static struct outcome o;
    char line[32], value[32];
    snprintf(value, sizeof value, "%s", env ? env : "");
    snprintf(line, sizeof line, "procs=%d\n", n);
    in_child(&o, fn, env ? value : NULL);
    if (!exited_with(&o, 0) || !said(&o, line))
        fprintf(stderr, "OAK_PROCS=%s wanted %d: %s", env ? env : "(unset)", n, o.text);
    return exited_with(&o, 0) && said(&o, line);
}

static void default_is_what_the_process_may_use(void **state)
{
    (void)state;
    assert_true(has_procs(run_it, NULL, oak__os_cpus()));
    assert_true(has_procs(run_on_one_cpu, NULL, 1));
}

static void oak_procs_decides(void **state)
{
    (void)state;
    assert_true(has_procs(run_it, "1", 1));
    assert_true(has_procs(run_it, "3", 3));
    assert_true(has_procs(run_on_one_cpu, "7", 7));
}

static void a_senseless_oak_procs_is_ignored(void **state)
{
    (void)state;
    assert_true(has_procs(run_it, "", oak__os_cpus()));
    assert_true(has_procs(run_it, "0", oak__os_cpus()));
    assert_true(has_procs(run_it, "-4", oak__os_cpus()));
    assert_true(has_procs(run_it, "many", oak__os_cpus()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_is_what_the_process_may_use),
        cmocka_unit_test(oak_procs_decides),
        cmocka_unit_test(a_senseless_oak_procs_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
