/*
 * The kernel's own limits, each in a process of its own: address space, threads, descriptors, mappings, stacks, room for files.
 * What cannot be had is an error, nothing hangs, and once the limit is lifted all works.
 */
#include "refuse.h"

#include <grp.h>
#include <pthread.h>
#include <sys/mman.h>

#include "stack/stack.h"

static rlim_t limit_to(int what, rlim_t n)
{
    struct rlimit r;
    require(getrlimit(what, &r) == 0);
    rlim_t before = r.rlim_cur;
    r.rlim_cur = n < r.rlim_max ? n : r.rlim_max;
    require(setrlimit(what, &r) == 0);
    return before;
}

/* ---- a piece of work that takes goroutines, channels and time ---- */

OAK_TASK(answer, oak_chan(int), ch, int, n)
{
    expect(oak_sleep(OAK_MICROSECOND) == 0);
    (void)!oak_send(ch, n);
}

/* Up to n goroutines that exist at the same time; how many could be started. */
static int work(int n)
{
    int started = 0, sum = 0;
    oak_chan(int) ch = oak_make(int, 0);
    if (!ch)
        return 0;
    while (started < n) {
        int rc = oak_go_detached(answer, ch, 1);
        expect(rc == 0 || rc == -ENOMEM);
        if (rc)
            break;
        started++;
    }
    for (int i = 0; i < started; i++) {
        int v;
        expect(oak_recv(ch, &v) == 0);
        sum += v;
    }
    expect(sum == started);
    expect(oak_chan_free(ch) == 0);
    return started;
}

static int wanted, done;

static int work_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    done = work(wanted);
    return 0;
}

/* Works in full, also when the runtime was refused to start before. */
static void works(void)
{
    wanted = 1000;
    require(oak_run(work_app, 0, NULL) == 0);
    require(done == wanted);
}

static bool scarce(int rc)
{
    return rc == -ENOMEM || rc == -EAGAIN || rc == -EMFILE;
}

/* ---- address space ---- */

static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    require(f && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int within_address_space(void *more)
{
    rlim_t before = limit_to(RLIMIT_AS, address_space() + *(rlim_t *)more);
    wanted = 3000;
    done = 0;
    int rc = oak_run(work_app, 0, NULL);
    require(rc == 0 || scarce(rc));
    printf("%llu KiB more: %d, %d goroutines\n", (unsigned long long)*(rlim_t *)more >> 10, rc, done);
    limit_to(RLIMIT_AS, before);
    wanted = 500; /* the room for stacks that was reserved under the limit stays as large as it was */
    require(oak_run(work_app, 0, NULL) == 0 && done == wanted);
    return 0;
}

static void little_address_space(void **state)
{
    (void)state;
    if (UNDER_ASAN || UNDER_TSAN) {
        print_message("skipped: a sanitizer takes more address space than can be limited\n");
        return;
    }
    for (rlim_t more = 64 << 10; more <= (rlim_t)1 << 30; more *= 2)
        assert_true(child_succeeds(within_address_space, &more, false));
}

/* ---- threads ---- */

/* RLIMIT_NPROC binds nobody who may exceed limits: an ordinary user then. False, and why, where that cannot be. */
static bool can_limit_threads(void)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))) {
        printf("skipped: cannot become an ordinary user: %s\n", strerror(errno));
        return false;
    }
    return true;
}

static void *nothing(void *arg)
{
    return arg;
}

/* No thread and no process any more; the limit before. 0: it does not bind. */
static rlim_t no_more_threads(void)
{
    pthread_t t;
    rlim_t before = limit_to(RLIMIT_NPROC, 0);
    if (pthread_create(&t, NULL, nothing, NULL) == EAGAIN)
        return before;
    pthread_join(t, NULL);
    printf("skipped: RLIMIT_NPROC does not bind this user\n");
    limit_to(RLIMIT_NPROC, before);
    return 0;
}

static int no_thread_at_the_start(void *arg)
{
    (void)arg;
    rlim_t before = can_limit_threads() ? no_more_threads() : 0;
    if (!before)
        return 0;
    for (int i = 0; i < 3; i++)
        require(oak_run(work_app, 0, NULL) == -EAGAIN);
    require(oak_sleep(1) == 0 || oak_sleep(1) == -EAGAIN);
    limit_to(RLIMIT_NPROC, before);
    works();
    return 0;
}

static struct {
    int pipe[2];
    rlim_t before;
    _Atomic bool blocked;
} late;

static void block_in_read(void *arg)
{
    char c;
    store_release(&late.blocked, true);
    expect(read(late.pipe[0], &c, 1) == 1);
    oak_waitgroup_done((oak_waitgroup *)arg);
}

static void write_it(void *arg)
{
    wait_until(load_acquire(&late.blocked));
    expect(write(late.pipe[1], "x", 1) == 1);
    oak_waitgroup_done((oak_waitgroup *)arg);
}

static void *lift_later(void *arg)
{
    while (!load_acquire(&late.blocked))
        usleep(1000);
    usleep(50000);
    limit_to(RLIMIT_NPROC, late.before);
    return arg;
}

/*
 * The runtime has all its threads but those for which it finds need now. A goroutine blocks its thread until another one runs:
 * which must not be forgotten in the queue of the P for which there is no thread.
 */
static int late_app(int argc, char **argv)
{
    oak_waitgroup wg = {0};
    pthread_t t;
    (void)argc, (void)argv;
    expect(pipe(late.pipe) == 0);
    expect(pthread_create(&t, NULL, lift_later, NULL) == 0);
    late.before = no_more_threads();
    if (late.before) {
        expect(work(1000) == 1000);
        expect(oak_leak_watch_start(NULL) == -EAGAIN);
        oak_leak_report *r;
        int rc = oak_leak_check(NULL, &r);
        expect(rc == -EAGAIN && !r);
        oak_waitgroup_add(&wg, 2);
        expect(oak_spawn(block_in_read, &wg) == 0);
        expect(oak_spawn(write_it, &wg) == 0);
        expect(oak_waitgroup_wait(&wg) == 0);
    }
    store_release(&late.blocked, true);
    pthread_join(t, NULL);
    expect(oak_leak_watch_start(NULL) == 0);
    expect(oak_leak_watch_stop() == 0);
    return 0;
}

static int no_thread_later(void *procs)
{
    set_procs(*(int *)procs);
    if (can_limit_threads())
        require(oak_run(late_app, 0, NULL) == 0);
    works();
    return 0;
}

static void no_threads(void **state)
{
    (void)state;
    assert_true(child_succeeds(no_thread_at_the_start, NULL, true));
    for (int procs = 1; procs <= 4; procs *= 2)
        assert_true(child_succeeds(no_thread_later, &procs, true));
}

/* ---- descriptors ---- */

static int no_descriptor(void *arg)
{
    (void)arg;
    rlim_t before = limit_to(RLIMIT_NOFILE, 3);
    require(oak_run(work_app, 0, NULL) == -EMFILE);
    limit_to(RLIMIT_NOFILE, 4); /* one, but it takes two */
    require(oak_run(work_app, 0, NULL) == -EMFILE);
    limit_to(RLIMIT_NOFILE, before);
    works();
    /* What the kernel can do was found out without descriptors. */
    require(oak__os_guard_light_works() != 1 || oak__stack_capacity() > 30000 || UNDER_ASAN || UNDER_TSAN);
    limit_to(RLIMIT_NOFILE, 3);
    works();
    oak_leak_report *r;
    int rc = oak_leak_check(NULL, &r);
    require(rc == 0 || rc == -EMFILE || rc == -EIO);
    oak_leak_report_free(r);
    limit_to(RLIMIT_NOFILE, before);
    require(oak_leak_check(NULL, &r) == 0);
    oak_leak_report_free(r);
    return 0;
}

static void no_descriptors(void **state)
{
    (void)state;
    assert_true(child_succeeds(no_descriptor, NULL, false));
}

/* ---- mappings ---- */

/* As many mappings as the kernel allows a process; where they are. */
static char *use_up_mappings(size_t pages)
{
    const size_t page = oak__os_page_size();
    char *p = mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(p != MAP_FAILED);
    size_t i = 0;
    while (i < pages && mprotect(p + i * page, page, PROT_READ) == 0)
        i += 2;
    if (i < pages)
        return p;
    munmap(p, pages * page);
    return NULL;
}

static int no_mapping(void *arg)
{
    enum { PAGES = 300000 };
    (void)arg;
    char *all = use_up_mappings(PAGES);
    if (!all) {
        printf("skipped: the kernel allows more than %d mappings\n", PAGES);
        return 0;
    }
    int rc = oak_run(work_app, 0, NULL);
    require(scarce(rc));
    munmap(all, PAGES * oak__os_page_size());
    works();
    all = use_up_mappings(PAGES);
    require(all);
    wanted = 100;
    rc = oak_run(work_app, 0, NULL); /* stacks that exist suffice; malloc may want a mapping */
    require(rc == 0 || scarce(rc));
    munmap(all, PAGES * oak__os_page_size());
    works();
    return 0;
}

static void no_mappings(void **state)
{
    (void)state;
    if (UNDER_ASAN || UNDER_TSAN) {
        print_message("skipped: a sanitizer needs mappings, and ends the process without\n");
        return;
    }
    assert_true(child_succeeds(no_mapping, NULL, false));
}

/* ---- stacks ---- */

enum { WITHOUT_STACK = 100 };

static void park_on(void *ch)
{
    int v;
    (void)!oak_recv((oak_chan(int))(uintptr_t)ch, &v);
}

/*
 * Goroutines that were granted when there was still room, and whose stacks' guards are refused: they wait, others go on, new ones
 * are refused; and all of them run when there is room again.
 */
static int stack_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct oak_stats s;
    oak_chan(int) ch = oak_make(int, 0);
    void *raw = (void *)(uintptr_t)ch;
    expect(work(10) == 10);
    refuse(OAK__FAULT_MMAP, 0, INT_MAX);
    int started = 0;
    while (started < WITHOUT_STACK && oak_spawn(park_on, raw) == 0)
        started++;
    expect(started > 0);
    for (int i = 0; i < 20; i++)
        expect(oak_sleep(OAK_MILLISECOND) == 0);
    int more = 0, rc;
    while ((rc = oak_spawn(park_on, raw)) == 0 && more < WITHOUT_STACK)
        more++;
    expect(rc == -ENOMEM);
    relent();
    int want = started + more + 1;
    expect(oak_spawn(park_on, raw) == 0);
    do {
        expect(oak_sleep(OAK_MILLISECOND) == 0);
        expect(oak_stats_read(&s) == 0);
    } while (s.waiting < (uint64_t)want);
    expect(oak_chan_close(ch) == 0);
    do {
        expect(oak_sleep(OAK_MILLISECOND) == 0);
        expect(oak_stats_read(&s) == 0);
    } while (s.created - s.ended > 1);
    expect(oak_chan_free(ch) == 0);
    expect(work(1000) == 1000);
    return 0;
}

static int no_stack(void *procs)
{
    set_procs(*(int *)procs);
    return oak_run(stack_app, 0, NULL);
}

static void no_stacks(void **state)
{
    (void)state;
    for (int procs = 1; procs <= 4; procs *= 2)
        assert_true(child_succeeds(no_stack, &procs, false));
}

/* RLIMIT_STACK counts for a program from its start: this one runs itself again. */
static const char small_stack[] = "small-stack";

static int run_with_small_stack(void)
{
    works();
    oak_leak_report *r;
    char found[1][46];
    require(oak_leak_check(NULL, &r) == 0);
    oak_leak_report_free(r);
    int n = oak_lookup_host("localhost", found, 1);
    require(n == 1 || n == -ENOENT || n == -EAGAIN || n == -EIO);
    return 0;
}

static int exec_with_small_stack(void *arg)
{
    (void)arg;
    limit_to(RLIMIT_STACK, 128 << 10);
    execl("/proc/self/exe", "limits", small_stack, (char *)NULL);
    return 1;
}

static void small_stacks(void **state)
{
    (void)state;
    if (UNDER_ASAN || UNDER_TSAN || getenv("OAK_TEST_EMULATED")) {
        print_message("skipped: sanitizers need larger stacks, an emulator cannot start the program anew\n");
        return;
    }
    assert_true(child_succeeds(exec_with_small_stack, NULL, false));
}

/* ---- room for files ---- */

static int full_app(int argc, char **argv)
{
    static char much[64 << 10];
    char path[] = "/tmp/oakum-full-XXXXXX";
    (void)argc, (void)argv;
    int full = oak_file_open("/dev/full", O_WRONLY, 0);
    expect(full >= 0);
    expect(oak_file_write(full, much, sizeof much, -1) == -ENOSPC);
    expect(oak_file_close(full) == 0);

    int fd = mkstemp(path);
    expect(fd >= 0 && unlink(path) == 0);
    signal(SIGXFSZ, SIG_IGN);
    rlim_t before = limit_to(RLIMIT_FSIZE, sizeof much / 2);
    expect(oak_file_write(fd, much, sizeof much, 0) == (ssize_t)sizeof much / 2); /* what fits */
    expect(oak_file_write(fd, much, sizeof much, sizeof much / 2) == -EFBIG);
    limit_to(RLIMIT_FSIZE, before);
    expect(oak_file_write(fd, much, sizeof much, sizeof much / 2) == (ssize_t)sizeof much);
    expect(oak_file_close(fd) == 0);

    FILE *f = fopen("/dev/full", "w");
    oak_leak_report *r;
    expect(f && setvbuf(f, NULL, _IONBF, 0) == 0);
    expect(oak_report(f, OAK_REPORT_FULL) == -ENOSPC);
    expect(oak_leak_check(NULL, &r) == 0);
    expect(oak_leak_print(r, f) == -ENOSPC);
    oak_leak_report_free(r);
    fclose(f);
    return 0;
}

static int no_room(void *arg)
{
    (void)arg;
    return oak_run(full_app, 0, NULL);
}

static void no_room_for_files(void **state)
{
    (void)state;
    assert_true(child_succeeds(no_room, NULL, false));
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], small_stack) == 0)
        return run_with_small_stack();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_address_space),
        cmocka_unit_test(no_threads),
        cmocka_unit_test(no_descriptors),
        cmocka_unit_test(no_mappings),
        cmocka_unit_test(no_stacks),
        cmocka_unit_test(small_stacks),
        cmocka_unit_test(no_room_for_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
