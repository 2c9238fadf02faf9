#include "leak/freeze.h"

#include "base/atomic.h"
#include "base/os.h"
#include "leak/raw.h"
#include "leak/stop.h"
#include "leak/stop_signal.h"
#include "leak/tasks.h"
#include "stack/stack.h"

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { ATTEMPTS = 6, MOMENTS = 20, CRASHED = 70, MOST_NULLIFIED = 1 << 20 };
#define FIRST_PATIENCE (20 * OAK_MILLISECOND) /* doubled at each attempt to stop all threads */
#define BETWEEN        (200 * OAK_MICROSECOND)
#ifndef CLOSE_RANGE_UNSHARE
    #define CLOSE_RANGE_UNSHARE 2
#endif

static struct {
    uintptr_t sp; /* of the thread that makes the clone */
    int tid;
    stack_t alternate; /* its stack for signals, not in use */
    long pages;        /* of address space, just before */
    bool own_files;    /* the clone has a table of descriptors of its own */
    struct oak__image *guarded;
} freeze;

/* ---- in the clone ---- */

static long pages_mapped(void)
{
    char buf[64];
    int fd = raw_open_own("statm", O_RDONLY);
    if (fd < 0)
        return 0;
    long n = raw_read(fd, buf, sizeof buf);
    raw_close(fd);
    long pages = 0;
    for (long i = 0; i < n && buf[i] >= '0' && buf[i] <= '9'; i++)
        pages = pages * 10 + (buf[i] - '0');
    return pages;
}

static bool close_one(int fd, void *dir)
{
    if (fd != *(int *)dir)
        raw_close(fd);
    return true;
}

/*
 * The clone must not hold the program's descriptors: a connection that the program closes meanwhile would stay open.
 * It begins with the program's own table (which need not be copied then) and leaves it at once for an empty one.
 */
static bool drop_files(void)
{
    if (raw(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE) == 0)
        return true;
    /* Before Linux 5.9. Closing without a table of our own would close the program's. */
    if (!freeze.own_files && raw(SYS_unshare, CLONE_FILES) < 0)
        return false;
    int dir = raw_open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    bool ok = dir >= 0 && oak__tasks_each(dir, close_one, &dir) == 0;
    if (dir >= 0)
        raw_close(dir);
    return ok;
}

OAK_NORETURN static void in_clone(const struct oak__freeze *f)
{
    raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int status = drop_files() ? f->fn(f->arg) : CRASHED;
    for (;;)
        raw(SYS_exit_group, status);
}

/* A page that the program's mappings have but that cannot be read (a guard, a file that was cut): zeros take its
 * place. Anything else is a fault of ours. */
static void unreadable(int sig, siginfo_t *si, void *ucontext)
{
    (void)sig, (void)ucontext;
    struct oak__image *img = freeze.guarded;
    uintptr_t page = (uintptr_t)si->si_addr & ~(uintptr_t)(oak__os_page_size() - 1);
    if (!oak__image_mapping(img, page) || img->nullified++ > MOST_NULLIFIED ||
        raw(SYS_mmap, page, oak__os_page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) <
            0)
        for (;;)
            raw(SYS_exit_group, CRASHED);
}

void oak__freeze_guard_reads(struct oak__image *img)
{
    struct raw_sigaction a = {unreadable, SA_SIGINFO | SA_NODEFER, NULL, 0};
    uint64_t mask = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1);
    freeze.guarded = img;
    oak__raw_sigaction(SIGSEGV, &a, NULL);
    oak__raw_sigaction(SIGBUS, &a, NULL);
    raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof mask);
}

size_t oak__freeze_mapped(void)
{
    size_t mapped = (size_t)freeze.pages * oak__os_page_size(), stacks = oak__stack_reserved();
    return mapped > stacks ? mapped - stacks : 0;
}

bool oak__freeze_lost_memory(void)
{
    return freeze.pages && pages_mapped() != freeze.pages;
}

int oak__freeze_threads(struct oak__image *img, struct oak__scratch *s)
{
    size_t n = oak__stop_count();
    img->threads = oak__scratch_alloc(s, n + 1, sizeof *img->threads);
    if (!img->threads)
        return -ENOMEM;
    img->nthreads = 0;
    for (size_t i = 0; i < n; i++) {
        struct oak__thread t;
        oak__stop_thread(i, &t);
        if (t.tid)
            img->threads[img->nthreads++] = t;
    }
    struct oak__thread *self = &img->threads[img->nthreads++];
    *self = (struct oak__thread){.tid = freeze.tid, .sp = freeze.sp};
    uintptr_t lo = (uintptr_t)freeze.alternate.ss_sp;
    if (!(freeze.alternate.ss_flags & (SS_DISABLE | SS_ONSTACK)))
        self->dead = (struct oak__span){lo, lo + freeze.alternate.ss_size};
    return 0;
}

/* ---- in the process ---- */

/* 0 in the clone, else its pid or a negative errno. */
static long clone_process(int *pidfd)
{
    *pidfd = -1;
    freeze.own_files = false;
    /* No signal at its end: the program's SIGCHLD handler and its wait() never see it. */
    long pid = raw(SYS_clone, CLONE_FILES | CLONE_PIDFD, NULL, pidfd, NULL, NULL);
    if (pid != -EINVAL)
        return pid;
    /* An emulator knows fork only. */
    freeze.own_files = true;
    return raw(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int stop_patiently(void)
{
    int err = -EAGAIN;
    for (int i = 0; i < ATTEMPTS && err == -EAGAIN; i++) {
        if (i)
            oak__os_sleep(BETWEEN << i);
        err = oak__stop_all(FIRST_PATIENCE << i);
    }
    return err;
}

/* Below the frame of its caller, in which the registers lie by then. */
NOINLINE static long clone_stopped(struct oak__freeze *f, int *pidfd)
{
    int64_t begin = 0;
    for (int i = 0; i < MOMENTS; i++) {
        begin = oak__os_now();
        int err = stop_patiently();
        if (err)
            return err;
        if (!f->good_moment || i == MOMENTS - 1 || f->good_moment(f->arg))
            break;
        oak__stop_release();
        oak__os_sleep(BETWEEN);
    }
    if (f->last_thing)
        f->last_thing(f->arg);
    freeze.sp = (uintptr_t)__builtin_frame_address(0);
    freeze.tid = oak__os_gettid();
    freeze.alternate.ss_flags = SS_DISABLE;
    raw(SYS_sigaltstack, NULL, &freeze.alternate);
    freeze.pages = pages_mapped();
    long pid = clone_process(pidfd);
    if (pid == 0)
        in_clone(f);
    oak__stop_release();
    f->pause = oak__os_now() - begin;
    return pid;
}

/* True when the clone has ended in time; its status is left for wait4. */
static bool ends_in_time(long pid, int pidfd, int64_t limit)
{
    const int64_t until = oak__os_now() + limit;
    for (;;) {
        int64_t left = until - oak__os_now();
        if (left <= 0)
            return false;
        if (pidfd >= 0) {
            struct pollfd p = {.fd = pidfd, .events = POLLIN};
            if (poll(&p, 1, (int)(left / OAK_MILLISECOND) + 1) > 0)
                return true;
        } else {
            siginfo_t si = {.si_pid = 0};
            if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) || si.si_pid)
                return true;
            oak__os_sleep(OAK_MILLISECOND);
        }
    }
}

static int wait_for_clone(struct oak__freeze *f, long pid, int pidfd)
{
    bool ended = ends_in_time(pid, pidfd, f->limit);
    if (!ended)
        raw(SYS_kill, pid, SIGKILL);
    if (pidfd >= 0)
        raw_close(pidfd);
    int status = 0;
    long rc;
    do
        rc = raw(SYS_wait4, pid, &status, __WALL, NULL);
    while (rc == -EINTR);
    if (!ended || (rc > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) == CRASHED)))
        return -EIO;
    /* Somebody else has waited for it (a program that waits for all its children with __WALL): the results tell. */
    f->status = rc > 0 ? WEXITSTATUS(status) : 0;
    return 0;
}

int oak__freeze_run(struct oak__freeze *f)
{
    int pidfd = -1;
    uint64_t all = ~(uint64_t)0, before = 0;
    const int64_t begin = oak__os_now();
    int err = oak__fault_hit(OAK__FAULT_FORK);
    if (err)
        return err;
    oak__os_page_size(); /* asked now, so that the clone need not */
    /* No handler of the program may run in the clone. */
    raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    __builtin_unwind_init();
    long pid = clone_stopped(f, &pidfd);
    raw(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    if (pid < 0)
        return pid == -ENOMEM ? -ENOMEM : -EAGAIN;
    err = wait_for_clone(f, pid, pidfd);
    f->duration = oak__os_now() - begin;
    return err;
}
