#include "stopping.h"

#include "proc.h"

#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { ROUNDS = 100, YIELDS = 200 };
/* For a thread in a system call that nothing interrupts (a parent in vfork, a hanging disk). */
#define PATIENCE (2 * OAK_SECOND)

static bool is_known(const struct stopping *s, pid_t tid)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->threads[i].tid == tid)
            return true;
    return false;
}

/*
 * Why the kernel says "not permitted". A thread that has ended may not be traced by anyone, and that is no matter of rights; its
 * number is there until somebody waits for it, a process's first thread's until the last one has ended.
 */
static int why_refused(struct stopping *s, pid_t tid)
{
    struct proc_status st;
    if (!proc_status(tid, &st) || strchr("ZXx", st.state))
        return ESRCH;
    s->tracer = st.tracer;
    return st.tracer ? EBUSY : EPERM;
}

static int seize(struct stopping *s, pid_t tid)
{
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct stopped *more = realloc(s->threads, room * sizeof *more);
        if (!more)
            return ENOMEM;
        s->threads = more;
        s->room = room;
    }
    int err = ptrace(PTRACE_SEIZE, tid, NULL, NULL) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ? errno : 0;
    if (err == EPERM || err == EACCES)
        err = why_refused(s, tid);
    if (err && err != ESRCH)
        return err;
    s->threads[s->n++] = (struct stopped){.tid = tid, .ended = err == ESRCH};
    return 0;
}

/*
 * One that ends instead: the kernel says so of every thread but the first, which it keeps as a zombie, without a word, for as long
 * as there are others. So nobody waits here without looking.
 */
static int wait_stopped(struct stopping *s, struct stopped *t)
{
    const int64_t until = oak__os_now() + PATIENCE;
    int status;
    for (int i = 0;; i++) {
        pid_t got = waitpid(t->tid, &status, __WALL | WNOHANG);
        if (got == t->tid)
            break;
        if (got < 0 && errno != EINTR) {
            t->ended = true;
            return 0;
        }
        if (i < YIELDS) {
            sched_yield();
            continue;
        }
        if (proc_has_ended(t->tid)) {
            t->ended = true;
            return 0;
        }
        if (oak__os_now() > until) {
            s->stuck = t->tid;
            return ETIMEDOUT;
        }
        oak__os_sleep(OAK_MILLISECOND);
    }
    t->ended = !WIFSTOPPED(status);
    if (!t->ended && status >> 16 == 0) /* no event: it stopped since a signal was on its way to it */
        t->signal = WSTOPSIG(status);
    t->group = !t->ended && status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
    return 0;
}

/* One look at the list of threads; *found: some were new. All are told to stop before any is waited for. */
static int stop_new(struct stopping *s, bool *found)
{
    char name[64];
    const size_t before = s->n;
    snprintf(name, sizeof name, "/proc/%d/task", (int)s->pid);
    DIR *dir = opendir(name);
    if (!dir)
        return errno == ENOENT ? ESRCH : errno;
    int err = 0;
    for (struct dirent *d; !err && (d = readdir(dir));) {
        pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);
        if (tid > 0 && !is_known(s, tid))
            err = seize(s, tid);
    }
    closedir(dir);
    for (size_t i = before; i < s->n && !err; i++)
        if (!s->threads[i].ended)
            err = wait_stopped(s, &s->threads[i]);
    *found = s->n > before;
    return err;
}

int stopping_all(struct stopping *s)
{
    bool found = true;
    int err = 0;
    for (int i = 0; i < ROUNDS && found && !err; i++)
        err = stop_new(s, &found);
    return err ? err : stopping_alive(s) ? 0 : ESRCH;
}

int stopping_one(struct stopping *s, pid_t tid)
{
    int err = seize(s, tid);
    if (!err && !s->threads[0].ended)
        err = wait_stopped(s, &s->threads[0]);
    return err;
}

pid_t stopping_alive(const struct stopping *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->threads[i].ended)
            return s->threads[i].tid;
    return 0;
}

void stopping_let_go(struct stopping *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->threads[i].ended)
            ptrace(PTRACE_DETACH, s->threads[i].tid, NULL, (void *)(uintptr_t)s->threads[i].signal);
    free(s->threads);
    s->threads = NULL;
    s->n = s->room = 0;
}
