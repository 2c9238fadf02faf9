/* The processor quota, read from made-up /proc and /sys/fs/cgroup trees. */
#include "base/os.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char root[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int new_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/oakum-cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int old_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes text to path below the root, making its folders. */
static void put(const char *path, const char *text)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *p = name + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(name, 0755);
        *p = '/';
    }
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

#define V2_MOUNT "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT                                                                                             \
    "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"                                                                  \
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"                            \
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"

static void no_proc_means_no_limit(void **state)
{
    (void)state;
    assert_int_equal(oak__os_cgroup_cpus(root), 0);
}

static void v2_quota_is_rounded_up(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/job\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    static const struct {
        const char *max;
        int cpus;
    } rows[] = {{"max 100000\n", 0},    {"100000 100000\n", 1}, {"100001 100000\n", 2},
                {"50000 100000\n", 1},  {"1000 100000\n", 1},   {"350000 100000\n", 4},
                {"400000 200000\n", 2}, {"garbage\n", 0},       {"", 0},
                {"100000 0\n", 0}};
    for (size_t i = 0; i < countof(rows); i++) {
        put("/sys/fs/cgroup/job/cpu.max", rows[i].max);
        assert_int_equal(oak__os_cgroup_cpus(root), rows[i].cpus);
    }
}

static void ancestors_quota_binds(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 3);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 2);
}

static void container_that_mounts_its_own_group(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/docker/abc/sub\n");
    put("/proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/sub/cpu.max", "500000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 5);
    put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 2);
}

static void group_outside_what_is_mounted(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/../other\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 1);
    put("/proc/self/cgroup", "0::/docker/abcdef\n");
    put("/proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 1);
}

static void v1_quota(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "9:name=systemd:/cpu\n4:cpu,cpuacct:/job\n3:cpuset:/other\n");
    put("/proc/self/mountinfo", V1_MOUNT);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "50000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "120000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 3);
}

static void both_versions_mounted_the_least_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:cpu,cpuacct:/job\n0::/job\n");
    put("/proc/self/mountinfo", V1_MOUNT "40 1 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n");
    put("/sys/fs/cgroup/unified/job/cpu.max", "700000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 4);
    put("/sys/fs/cgroup/unified/job/cpu.max", "100000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 1);
}

static void mount_point_with_a_space(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/job\n");
    put("/proc/self/mountinfo", "31 23 0:28 / /my\\040groups rw - cgroup2 cgroup2 rw\n");
    put("/my groups/job/cpu.max", "600000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 6);
}

static void malformed_lines_are_passed_over(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "\n:\nx\n0:\n::\n0::/job\n");
    put("/proc/self/mountinfo", "\n - \n - cgroup2\n1 - cgroup2 a b\n1 2 3 - cgroup2 a b\n" V2_MOUNT);
    put("/sys/fs/cgroup/job/cpu.max", "200000 100000\n");
    assert_int_equal(oak__os_cgroup_cpus(root), 2);
}

static void this_machine_has_a_processor(void **state)
{
    (void)state;
    int n = oak__os_cpus();
    assert_true(n >= 1 && n <= sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
#define IN_ROOT(f) cmocka_unit_test_setup_teardown(f, new_root, old_root)
    const struct CMUnitTest tests[] = {
        IN_ROOT(no_proc_means_no_limit),
        IN_ROOT(v2_quota_is_rounded_up),
        IN_ROOT(ancestors_quota_binds),
        IN_ROOT(container_that_mounts_its_own_group),
        IN_ROOT(group_outside_what_is_mounted),
        IN_ROOT(v1_quota),
        IN_ROOT(both_versions_mounted_the_least_counts),
        IN_ROOT(mount_point_with_a_space),
        IN_ROOT(malformed_lines_are_passed_over),
        cmocka_unit_test(this_machine_has_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
