/*
 * A live process: its mappings, all its threads' registers, and a copy of what it has written to, taken while it stands still.
 * Nothing of it is changed.
 */
#include "foreign.h"
#include "command.h"
#include "proc.h"
#include "stopping.h"
#include "twin.h"

#include "base/os.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#define KERNEL_WORDS ((size_t)1 << 25)
enum { MOST_XSTATE = 16384, ROUNDS = 100 };
#if defined(__x86_64__)
enum { RED_ZONE = 128 };
#else
enum { RED_ZONE = 0 };
#endif

/* A process that is just ending may not be looked at either, until it has. */
static bool ends_soon(pid_t pid)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (proc_has_ended(pid))
            return true;
        oak__os_sleep(OAK_MILLISECOND);
    }
    return false;
}

static int gone(const struct foreign *f)
{
    return leaks_fail(LEAKS_GONE, "there is no such process", f->name,
                      "it may just have ended; ps lists those that run");
}

static int is_traced(const struct foreign *f, pid_t tracer)
{
    char where[256], name[64] = "";
    FILE *in = proc_stream(tracer, "comm");
    if (in && fgets(name, sizeof name, in))
        name[strcspn(name, "\n")] = 0;
    if (in)
        fclose(in);
    snprintf(where, sizeof where, "%s (by process %d, %s)", f->name, (int)tracer, name);
    return leaks_fail(LEAKS_NO_PERMISSION, "another tool traces it already", where,
                      "end that one (a debugger, strace) or detach it, or write a core file with it");
}

static int say(const struct foreign *f, int err, const struct stopping *s)
{
    char where[256];
    if ((err == EPERM || err == EACCES) && ends_soon(f->pid))
        err = ESRCH;
    switch (err) {
    case ESRCH:
    case ENOENT:
    case ECHILD:
        return gone(f);
    case EPERM:
    case EACCES:
        return leaks_fail(
            LEAKS_NO_PERMISSION, "it may not be looked at", f->name,
            "look as its user or as root (CAP_SYS_PTRACE); kernel.yama.ptrace_scope may forbid it too");
    case EBUSY:
        return is_traced(f, s->tracer);
    case ETIMEDOUT:
        snprintf(where, sizeof where, "%s, thread %d", f->name, (int)s->stuck);
        return leaks_fail(EXIT_TROUBLE, "a thread does not stop", where,
                          "it is in a system call that cannot be interrupted; try again later");
    case ENOMEM:
        return foreign_no_memory(f);
    default:
        return leaks_fail(EXIT_TROUBLE, strerror(err), f->name, "it cannot be read; a core file may do");
    }
}

/* ---- mappings ---- */

static bool starts_with(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static uint32_t flags_of(const char *perms, const char *path)
{
    uint32_t f = (perms[0] == 'r' ? OAK__MAP_READ : 0) | (perms[1] == 'w' ? OAK__MAP_WRITE : 0) |
                 (perms[3] == 's' ? OAK__MAP_SHARED : 0);
    if (strcmp(path, "[heap]") == 0)
        return f | OAK__MAP_BRK;
    if (strcmp(path, "[stack]") == 0)
        return f | OAK__MAP_STACK;
    if (path[0] == '[')
        return f | (starts_with(path, "[anon") ? 0 : OAK__MAP_KERNEL);
    if (starts_with(path, "/dev/") && !starts_with(path, "/dev/shm/") && !starts_with(path, "/dev/zero"))
        return f | OAK__MAP_KERNEL;
    return path[0] ? f | OAK__MAP_FILE : f;
}

/* "lo-hi perms offset device inode   path" */
static bool read_line(char *line, struct foreign_map *m)
{
    char *at = line, *perms, *path;
    *m = (struct foreign_map){0};
    m->lo = strtoul(at, &at, 16);
    m->hi = *at == '-' ? strtoul(at + 1, &at, 16) : 0;
    if (m->hi <= m->lo || *at != ' ')
        return false;
    perms = at + 1;
    if (strnlen(perms, 6) < 6)
        return false;
    m->offset = strtoul(perms + 5, &at, 16);
    if (*at == ' ' && (at = strchr(at + 1, ' ')))
        m->inode = strtoul(at, &at, 10);
    path = at ? strpbrk(at, "/[") : NULL;
    if (path)
        path[strcspn(path, "\n")] = 0;
    m->flags = flags_of(perms, path ? path : "");
    m->executable = perms[2] == 'x';
    m->path = path && path[0] == '/' ? strdup(path) : NULL;
    return true;
}

/* 0 or an errno. */
static int read_maps(struct foreign *f, pid_t via)
{
    char *line = NULL;
    size_t room = 0;
    struct foreign_map m;
    FILE *in = proc_stream(via, "maps");
    if (!in)
        return errno;
    bool ok = true;
    while (ok && getline(&line, &room, in) > 0)
        if (read_line(line, &m)) {
            f->kernel.hidden =
                f->kernel.hidden || strstr(line, "anon_inode:[io_uring]") || strstr(line, " /[aio]");
            ok = foreign_add_map(f, &m);
        }
    free(line);
    fclose(in);
    return !ok ? ENOMEM : f->nmaps == 0 ? ESRCH : 0;
}

static void forget_maps(struct foreign *f)
{
    for (size_t i = 0; i < f->nmaps; i++)
        free(f->maps[i].path);
    f->nmaps = 0;
}

/* ---- registers ---- */

/* Whether the runtime knows its threads by other numbers: the process lives in a container. Asked before it is stopped. */
static bool numbers_differ(pid_t pid)
{
    char name[64], ours[64] = "", its[64] = "?";
    snprintf(name, sizeof name, "/proc/%d/ns/pid", (int)pid);
    return readlink("/proc/self/ns/pid", ours, sizeof ours - 1) <= 0 ||
           readlink(name, its, sizeof its - 1) <= 0 || strcmp(ours, its) != 0;
}

static pid_t inner_number(pid_t tid)
{
    struct proc_status st;
    return proc_status(tid, &st) ? st.inner : tid;
}

static bool read_registers(struct foreign *f, pid_t tid, pid_t number)
{
    struct user_regs_struct regs;
    static char extended[MOST_XSTATE] __attribute__((aligned(16)));
    struct iovec io = {&regs, sizeof regs};
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &io))
        return true; /* it has ended */
#if defined(__x86_64__)
    uintptr_t sp = regs.rsp;
    int more = NT_X86_XSTATE;
#else
    uintptr_t sp = regs.sp;
    int more = NT_PRFPREG;
#endif
    if (!foreign_add_thread(f, number, sp - RED_ZONE) || !foreign_add_registers(f, &regs, io.iov_len))
        return false;
    io = (struct iovec){extended, sizeof extended};
    return ptrace(PTRACE_GETREGSET, tid, more, &io) || foreign_add_registers(f, extended, io.iov_len);
}

/* ---- all of it ---- */

struct look {
    struct foreign *f;
    struct stopping s;
    struct twin twin;
    bool inner;    /* threads have other numbers within */
    bool by_clone; /* if it can be done */
    int no_clone;  /* why it could not: an errno */
};

/* What others may write to meanwhile is copied at once. */
static int clone_stopped(struct look *l)
{
    int err = foreign_copy(l->f, l->f->via, FOREIGN_SHARED);
    if (err)
        return err;
    l->no_clone = twin_make(&l->twin, l->f, &l->s);
    return l->no_clone ? foreign_copy(l->f, l->f->via, FOREIGN_PRIVATE) : 0;
}

static int copy_stopped(struct look *l)
{
    struct foreign *f = l->f;
    int err = stopping_all(&l->s);
    for (size_t i = 0; i < l->s.n && !err; i++) {
        const pid_t tid = l->s.threads[i].tid;
        if (!l->s.threads[i].ended)
            err = read_registers(f, tid, l->inner ? inner_number(tid) : tid) ? 0 : ENOMEM;
    }
    f->via = stopping_alive(&l->s);
    if (!err)
        err = oak__kernel_find(&f->kernel, &f->words, f->via) ? ENOMEM : read_maps(f, f->via);
    if (err)
        return err;
    oak__kernel_read(&f->kernel);
    return l->by_clone ? clone_stopped(l) : foreign_copy(f, f->via, FOREIGN_SHARED | FOREIGN_PRIVATE);
}

/* The process runs again. */
static int copy_clone(struct look *l)
{
    if (!l->twin.pid) {
        leaks_note("it could not be cloned", l->f->name,
                   l->no_clone == ENOTSUP
                       ? "here, as it is now, or under a filter of system calls; it was copied "
                         "while it stood still"
                       : strerror(l->no_clone));
        return 0;
    }
    l->f->lacks = l->f->lacks || twin_lacks(&l->twin, l->f);
    int err = foreign_copy(l->f, l->twin.pid, FOREIGN_PRIVATE);
    twin_end(&l->twin, l->f->pid);
    foreign_sort_present(l->f);
    return err;
}

/* What this tool can never look at, and who is meant. 0 or an exit status. */
static int check_process(struct foreign *f)
{
    struct proc_status st;
    unsigned char head[5] = "";
    char where[200];
    if (!proc_status(f->pid, &st))
        return kill(f->pid, 0) && errno == ESRCH ? gone(f)
                                                 : leaks_fail(EXIT_TROUBLE, "/proc says nothing of it",
                                                              f->name, "mount /proc, without hidepid");
    if (st.of_kernel)
        return leaks_fail(LEAKS_NOT_OAKUM, "this is a thread of the kernel", f->name,
                          "name a program's process");
    if (st.process != f->pid) {
        snprintf(where, sizeof where, "%s, of process %d", f->name, (int)st.process);
        leaks_note("this is one of several threads", where, "the whole process is looked at");
        f->pid = st.process;
        snprintf(f->name, sizeof f->name, "process %d", (int)f->pid);
    }
    int fd = proc_open(f->pid, "exe");
    ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    if (n == sizeof head && memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_CLASS] != ELFCLASS64)
        return leaks_fail(LEAKS_NOT_OAKUM, "it is a 32-bit program", f->name,
                          "Oakum runs in 64-bit programs only");
    return 0;
}

int foreign_from_pid(struct foreign *f, pid_t pid, bool by_clone)
{
    struct look l = {.f = f, .by_clone = by_clone};
    f->pid = f->via = pid;
    snprintf(f->name, sizeof f->name, "process %d", (int)pid);
    int err = check_process(f);
    if (err)
        return err;
    if (by_clone && !twin_guard())
        return foreign_no_memory(f);
    l.s.pid = f->first = f->pid;
    l.inner = numbers_differ(f->pid);
    if (!by_clone && read_maps(f, f->pid) == 0)
        foreign_copy_prepare(f, f->pid);
    forget_maps(f);
    if (oak__scratch_init(&f->words, KERNEL_WORDS))
        return foreign_no_memory(f);
    const int64_t begin = oak__os_now();
    err = copy_stopped(&l);
    stopping_let_go(&l.s);
    f->pause = oak__os_now() - begin;
    if (!err && by_clone)
        err = copy_clone(&l);
    return err ? say(f, err, &l.s) : 0;
}
