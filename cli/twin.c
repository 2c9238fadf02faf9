#include "twin.h"

#include "proc.h"

#include "base/os.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (5 * OAK_SECOND)

bool twin_guard(void)
{
    int status;
    const pid_t parent = getpid();
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0); /* who kills the tool's group does not mean this one */
        signal(SIGTTOU, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            raise(SIGTERM);
        return true;
    }
    if (child < 0)
        return false;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

#if defined(__x86_64__)

/* The system call instruction in the kernel's own page. */
static uintptr_t find_call(const struct foreign *f, pid_t pid)
{
    static unsigned char code[65536];
    for (size_t i = 0; i < f->nmaps; i++) {
        const struct foreign_map *m = &f->maps[i];
        const size_t size = m->hi - m->lo;
        if (!(m->flags & OAK__MAP_KERNEL) || !(m->flags & OAK__MAP_READ) || !m->executable ||
            size > sizeof code)
            continue;
        struct iovec to = {code, size}, from = {(void *)m->lo, size};
        if (process_vm_readv(pid, &to, 1, &from, 1, 0) != (ssize_t)size)
            continue;
        for (size_t k = 0; k + 1 < size; k++)
            if (code[k] == 0x0f && code[k + 1] == 0x05)
                return m->lo + k;
    }
    return 0;
}

/* The next stop of a thread; its status, -1 when it has ended. */
static int next_stop(pid_t tid)
{
    int status;
    while (waitpid(tid, &status, __WALL) < 0)
        if (errno != EINTR)
            return -1;
    return WIFSTOPPED(status) ? status : -1;
}

enum { ENTRY_OR_EXIT = SIGTRAP | 0x80 }; /* with PTRACE_O_TRACESYSGOOD */

static bool get_registers(pid_t tid, struct user_regs_struct *r)
{
    struct iovec io = {r, sizeof *r};
    return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &io) == 0 && io.iov_len == sizeof *r;
}

static bool set_registers(pid_t tid, struct user_regs_struct *r)
{
    struct iovec io = {r, sizeof *r};
    return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &io) == 0;
}

/* Whether a thread has stopped since a signal was on its way to it. */
static bool is_by_signal(int status)
{
    return status >> 16 == 0 && WSTOPSIG(status) != ENTRY_OR_EXIT;
}

/*
 * Runs on to the next entry or exit of a system call; what is cloned on the way goes to *child. *stopped: SIGSTOP, which nobody can
 * block, came on the way and was held back.
 */
static bool to_call(pid_t tid, pid_t *child, bool *stopped)
{
    for (int i = 0; i < 100; i++) {
        unsigned long message = 0;
        if (ptrace(PTRACE_SYSCALL, tid, NULL, NULL))
            return false;
        const int status = next_stop(tid);
        if (status < 0)
            return false;
        if (WSTOPSIG(status) == ENTRY_OR_EXIT)
            return true;
        if (status >> 16 == PTRACE_EVENT_CLONE && ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) == 0)
            *child = (pid_t)message;
        *stopped = *stopped || is_by_signal(status);
    }
    return false;
}

/*
 * One system call by a stopped thread of the process, which is stopped afterwards as before: on its way out of the system call that it was in,
 * if in any, so that the kernel begins that anew. All its signals are blocked meanwhile; one that comes all the same, or right
 * afterwards, is its own again when it is let go. *child: what it has cloned.
 */
static long call(struct stopped *t, uintptr_t at, const long (*what)[5], pid_t *child)
{
    const pid_t tid = t->tid;
    bool stopped = false;
    struct user_regs_struct before, r;
    uint64_t mask, all = ~(uint64_t)0;
    long result = -EPERM;
    if (!get_registers(tid, &before) || ptrace(PTRACE_GETSIGMASK, tid, sizeof mask, &mask) ||
        ptrace(PTRACE_SETOPTIONS, tid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE))
        return -errno;
    r = before;
    r.rip = at;
    r.rax = (unsigned long)(*what)[0];
    r.rdi = (unsigned long)(*what)[1];
    r.rsi = (unsigned long)(*what)[2];
    r.rdx = (unsigned long)(*what)[3];
    r.r10 = (unsigned long)(*what)[4];
    r.r8 = 0;
    r.orig_rax = (unsigned long)-1; /* no system call to begin anew */
    if (ptrace(PTRACE_SETSIGMASK, tid, sizeof all, &all))
        return -errno;
    if (set_registers(tid, &r) && to_call(tid, child, &stopped) && to_call(tid, child, &stopped) &&
        get_registers(tid, &r))
        result = (long)r.rax;
    set_registers(tid, &before);
    ptrace(PTRACE_SETSIGMASK, tid, sizeof mask, &mask);
    /* From the end of the call to where signals are looked for, without an instruction of its own. */
    int status = -1;
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) || ptrace(PTRACE_CONT, tid, NULL, NULL) ||
        (status = next_stop(tid)) < 0)
        return -ESRCH;
    if (is_by_signal(status))
        t->signal = WSTOPSIG(status);
    if (stopped)
        syscall(SYS_tkill, tid, SIGSTOP);
    ptrace(PTRACE_SETOPTIONS, tid, NULL, 0);
    return result;
}

/* A filter of system calls may end who makes an unexpected one. */
static bool is_filtered(pid_t tid)
{
    struct proc_status st;
    return !proc_status(tid, &st) || st.filtered;
}

/* A thread that was stopped by nothing but this tool, or by a signal that has stopped the process (and will have afterwards). */
static struct stopped *borrowed(struct stopping *s, bool even_stopped)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->threads[i].ended && !s->threads[i].signal && (even_stopped || !s->threads[i].group) &&
            !is_filtered(s->threads[i].tid))
            return &s->threads[i];
    return NULL;
}

static void block_signals(bool block)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &all, NULL);
}

int twin_make(struct twin *t, const struct foreign *f, struct stopping *s)
{
    static const long clone[5] = {SYS_clone, CLONE_FILES};
    struct stopped *lent = borrowed(s, false);
    *t = (struct twin){.call = lent ? find_call(f, lent->tid) : 0};
    if (!t->call)
        return ENOTSUP;
    block_signals(true); /* until twin_end: nobody else waits for the clone */
    long inner = call(lent, t->call, &clone, &t->pid);
    if (t->pid) {
        t->inner = (pid_t)inner;
        if (next_stop(t->pid) < 0)
            t->pid = 0;
        else
            ptrace(PTRACE_SETOPTIONS, t->pid, NULL, PTRACE_O_EXITKILL);
    }
    if (!t->pid)
        block_signals(false);
    return t->pid ? 0 : inner < 0 ? (int)-inner : ECHILD;
}

/* By some thread of the parent, which is stopped for that alone. False: none could be had. */
static bool reap_by_any(const struct twin *t, pid_t parent)
{
    const long wait[5] = {SYS_wait4, t->inner, 0, __WALL | WNOHANG, 0};
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/task", (int)parent);
    DIR *dir = opendir(name);
    bool done = !dir;
    for (struct dirent *d; dir && !done && (d = readdir(dir));) {
        struct stopping s = {.pid = parent};
        pid_t tid = (pid_t)strtol(d->d_name, NULL, 10), none = 0;
        struct stopped *lent = tid > 0 && stopping_one(&s, tid) == 0 ? borrowed(&s, true) : NULL;
        if (lent) {
            long got = call(lent, t->call, &wait, &none);
            done = got == t->inner || got == -ECHILD; /* the process has waited for it itself */
        }
        stopping_let_go(&s);
    }
    if (dir)
        closedir(dir);
    return done;
}

/* Another tool may be looking at it just now. */
static void reap(const struct twin *t, pid_t parent)
{
    const int64_t until = oak__os_now() + PATIENCE;
    while (!reap_by_any(t, parent) && oak__os_now() < until)
        oak__os_sleep(5 * OAK_MILLISECOND);
}

void twin_end(struct twin *t, pid_t parent)
{
    int status;
    if (!t->pid)
        return;
    kill(t->pid, SIGKILL);
    while (waitpid(t->pid, &status, __WALL) == t->pid && WIFSTOPPED(status))
        ;
    reap(t, parent);
    block_signals(false);
    t->pid = 0;
}

bool twin_lacks(const struct twin *t, const struct foreign *f)
{
    char line[512];
    size_t i = 0;
    bool lacks = false;
    FILE *in = proc_stream(t->pid, "smaps");
    uintptr_t lo = 0, hi = 0;
    while (in && fgets(line, sizeof line, in)) {
        char *at;
        uintptr_t a = strtoul(line, &at, 16);
        if (at > line && *at == '-') {
            lo = a;
            hi = strtoul(at + 1, NULL, 16);
            /* What lies before it, and is not there. */
            for (; i < f->nmaps && f->maps[i].hi <= lo; i++)
                lacks = lacks || !(f->maps[i].flags & (OAK__MAP_KERNEL | OAK__MAP_SHARED));
            if (i < f->nmaps && f->maps[i].lo >= lo && f->maps[i].hi <= hi)
                i++;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            /* Pages that the kernel may drop at any time (its random numbers) hold nothing. */
            lacks = lacks || (strstr(line, " wf") && !strstr(line, " dp"));
        }
    }
    lacks = lacks || !in || i < f->nmaps;
    if (in)
        fclose(in);
    return lacks;
}

#else

int twin_make(struct twin *t, const struct foreign *f, struct stopping *s)
{
    (void)f, (void)s;
    *t = (struct twin){0};
    return ENOTSUP; /* a system call that was interrupted cannot be begun anew as it was */
}

bool twin_lacks(const struct twin *t, const struct foreign *f)
{
    (void)t, (void)f;
    return true;
}

void twin_end(struct twin *t, pid_t parent)
{
    (void)t, (void)parent;
}

#endif
