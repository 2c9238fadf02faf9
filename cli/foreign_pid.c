/*
 * A live process: all its threads are stopped (PTRACE_SEIZE, PTRACE_INTERRUPT), the pages that it has written to are
 * copied, the threads go on. Nothing of it is changed; should this tool be killed meanwhile, the kernel lets the threads
 * go on as well.
 */
#include "foreign.h"
#include "command.h"

#include "base/os.h"
#include "leak/pagemap.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_XSTATE = 16384, ROUNDS = 100, PIECE = 16 << 20, MOST_SHARED = 64 << 20 };
#if defined(__x86_64__)
enum { RED_ZONE = 128 };
#else
enum { RED_ZONE = 0 };
#endif

struct stopping {
    struct foreign *f;
    pid_t pid;
    struct stopped {
        pid_t tid;
        int signal; /* it was just being delivered: it is delivered when the thread goes on; 0: none */
    } * threads;
    size_t n, room;
};

/* A process that is just ending may not be traced either. */
static bool ends_soon(pid_t pid)
{
    for (int i = 0; i < ROUNDS; i++) {
        char name[64], text[512] = "";
        snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
        FILE *in = fopen(name, "re");
        const char *end = in && fgets(text, sizeof text, in) ? strrchr(text, ')') : NULL;
        if (in)
            fclose(in);
        if (!end || strchr("ZXx", end[2]))
            return true;
        oak__os_sleep(OAK_MILLISECOND);
    }
    return false;
}

static int say(pid_t pid, int err)
{
    if ((err == EPERM || err == EACCES) && ends_soon(pid))
        err = ESRCH;
    switch (err) {
    case ESRCH:
    case ENOENT:
    case ECHILD:
        complain("leaks: there is no process %d, or it has just ended", (int)pid);
        return LEAKS_GONE;
    case EPERM:
    case EACCES:
        complain("leaks: process %d may not be looked at: it is another user's, another tool traces it, or "
                 "kernel.yama.ptrace_scope forbids it; as root it works",
                 (int)pid);
        return LEAKS_NO_PERMISSION;
    default:
        complain("leaks: process %d: %s", (int)pid, strerror(err));
        return EXIT_TROUBLE;
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

static int read_maps(struct foreign *f, pid_t pid)
{
    char name[64], *line = NULL;
    size_t room = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", (int)pid);
    FILE *in = fopen(name, "re");
    if (!in)
        return say(pid, errno);
    bool ok = true;
    while (ok && getline(&line, &room, in) > 0) {
        struct foreign_map m = {0};
        char *at = line, *perms, *path;
        m.lo = strtoul(at, &at, 16);
        m.hi = *at == '-' ? strtoul(at + 1, &at, 16) : 0;
        if (m.hi <= m.lo || *at != ' ')
            continue;
        perms = at + 1;
        if (strnlen(perms, 6) < 6)
            continue;
        m.offset = strtoul(perms + 5, &at, 16);
        path = strpbrk(at, "/[");
        path = path ? path : at + strlen(at);
        path[strcspn(path, "\n")] = 0;
        m.flags = flags_of(perms, path);
        m.executable = perms[2] == 'x';
        m.path = path[0] == '/' ? strdup(path) : NULL;
        ok = foreign_add_map(f, &m);
    }
    free(line);
    fclose(in);
    if (ok && f->nmaps == 0)
        return say(pid, ESRCH);
    return ok ? 0 : EXIT_TROUBLE;
}

/* ---- threads ---- */

static bool is_stopped(const struct stopping *s, pid_t tid)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->threads[i].tid == tid)
            return true;
    return false;
}

/* 0, ESRCH (it has ended), or another errno. */
static int stop_one(struct stopping *s, pid_t tid)
{
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct stopped *more = realloc(s->threads, room * sizeof *more);
        if (!more)
            return ENOMEM;
        s->threads = more;
        s->room = room;
    }
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
        return errno;
    s->threads[s->n++] = (struct stopped){.tid = tid};
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
        return errno;
    int status;
    while (waitpid(tid, &status, __WALL) < 0)
        if (errno != EINTR)
            return errno;
    if (!WIFSTOPPED(status))
        return ESRCH;
    if (status >> 16 == 0) /* no event: the thread stopped since a signal was on its way to it */
        s->threads[s->n - 1].signal = WSTOPSIG(status);
    return 0;
}

/* One look at the list of threads; *found: some were new. */
static int stop_new(struct stopping *s, bool *found)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/task", (int)s->pid);
    DIR *dir = opendir(name);
    if (!dir)
        return errno;
    int err = 0;
    *found = false;
    for (struct dirent *d; !err && (d = readdir(dir));) {
        pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);
        if (tid <= 0 || is_stopped(s, tid))
            continue;
        *found = true;
        err = stop_one(s, tid);
        if (err == ESRCH && tid != s->pid) /* a thread may end */
            err = 0;
    }
    closedir(dir);
    return err;
}

static int stop_all(struct stopping *s)
{
    bool found = true;
    int err = 0;
    for (int i = 0; i < ROUNDS && found && !err; i++)
        err = stop_new(s, &found);
    return err;
}

static void let_go(struct stopping *s)
{
    for (size_t i = 0; i < s->n; i++)
        ptrace(PTRACE_DETACH, s->threads[i].tid, NULL, (void *)(uintptr_t)s->threads[i].signal);
    free(s->threads);
}

static bool read_registers(struct foreign *f, pid_t tid)
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
    if (!foreign_add_thread(f, tid, sp - RED_ZONE) || !foreign_add_registers(f, &regs, io.iov_len))
        return false;
    io = (struct iovec){extended, sizeof extended};
    return ptrace(PTRACE_GETREGSET, tid, more, &io) || foreign_add_registers(f, extended, io.iov_len);
}

/* ---- memory ---- */

/* How a process's memory is read. */
struct reader {
    struct foreign *f;
    pid_t pid;
    int pagemap, mem;
};

/* A piece from at on, no longer than want: its length, 0: it cannot be read, negative errno. */
static ssize_t copy_piece(const struct reader *r, char *to, uintptr_t at, size_t want)
{
    struct iovec local = {to, want}, remote = {(void *)at, want};
    ssize_t n = process_vm_readv(r->pid, &local, 1, &remote, 1, 0);
    if (n > 0 || (n < 0 && errno != EFAULT))
        return n < 0 ? -errno : n;
    /* Without access for the process itself; a tracer may. */
    n = pread(r->mem, to, oak__os_page_size(), (off_t)at);
    return n < 0 ? 0 : n;
}

/* [lo, hi) of the process to its copy. */
static int copy_range(const struct reader *r, struct foreign_map *m, uintptr_t lo, uintptr_t hi)
{
    if (!m->local) {
        void *p = mmap(NULL, m->hi - m->lo, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            return ENOMEM;
        m->local = p;
    }
    for (uintptr_t at = lo; at < hi;) {
        ssize_t n =
            copy_piece(r, (char *)(uintptr_t)m->local + (at - m->lo), at, hi - at < PIECE ? hi - at : PIECE);
        if (n < 0)
            return (int)-n;
        if (n && !foreign_add_present(r->f, at, at + (size_t)n))
            return ENOMEM;
        if (!n) { /* something was written there, and nobody can say what */
            n = (ssize_t)oak__os_page_size();
            if (!foreign_add_refused(r->f, at, at + (size_t)n))
                return ENOMEM;
        }
        at += (size_t)n;
    }
    return 0;
}

/* Before Linux 6.7. */
static int copy_by_words(const struct reader *r, struct foreign_map *m)
{
    static uint64_t word[65536];
    const size_t page = oak__os_page_size();
    for (uintptr_t at = m->lo; at < m->hi;) {
        size_t want = (m->hi - at) / page < countof(word) ? (m->hi - at) / page : countof(word);
        ssize_t n = pread(r->pagemap, word, want * 8, (off_t)(at / page * 8));
        if (n < 8)
            return n < 0 ? errno : ESRCH;
        for (ssize_t i = 0; i < n / 8; i++) {
            int err = word[i] & (PM_PRESENT | PM_SWAPPED) && !(word[i] & PM_FILE)
                          ? copy_range(r, m, at + (size_t)i * page, at + (size_t)(i + 1) * page)
                          : 0;
            if (err)
                return err;
        }
        at += (size_t)(n / 8) * page;
    }
    return 0;
}

static int copy_written(const struct reader *r, struct foreign_map *m)
{
    struct pagemap_region vec[256];
    for (uint64_t at = m->lo, end = 0; at < m->hi; at = end) {
        long n = pagemap_written(r->pagemap, at, m->hi, vec, countof(vec), &end);
        if (n < 0 || end <= at)
            return at == m->lo ? copy_by_words(r, m) : EIO;
        for (long i = 0; i < n; i++) {
            int err = copy_range(r, m, vec[i].start, vec[i].end);
            if (err)
                return err;
        }
    }
    return 0;
}

/* What others may have written to shared memory is not in this process's page tables: it is read whole, or lacks. */
static int copy_map(const struct reader *r, struct foreign_map *m)
{
    if (m->flags & OAK__MAP_KERNEL)
        return 0;
    if (!(m->flags & OAK__MAP_SHARED))
        return copy_written(r, m);
    if (!(m->flags & OAK__MAP_READ) || (m->flags & OAK__MAP_FILE && !(m->flags & OAK__MAP_WRITE)))
        return 0;
    if (m->hi - m->lo <= MOST_SHARED)
        return copy_range(r, m, m->lo, m->hi);
    r->f->lacks = true;
    return 0;
}

static int open_of(pid_t pid, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/%s", (int)pid, what);
    return open(name, O_RDONLY | O_CLOEXEC);
}

static int copy_memory(struct foreign *f, pid_t pid)
{
    struct reader r = {.f = f, .pid = pid, .pagemap = open_of(pid, "pagemap"), .mem = open_of(pid, "mem")};
    int err = r.pagemap < 0 ? errno : 0;
    for (size_t i = 0; i < f->nmaps && !err; i++)
        err = copy_map(&r, &f->maps[i]);
    if (r.pagemap >= 0)
        close(r.pagemap);
    if (r.mem >= 0)
        close(r.mem);
    return err;
}

static int copy_stopped(struct stopping *s)
{
    int err = stop_all(s);
    for (size_t i = 0; i < s->n && !err; i++)
        err = read_registers(s->f, s->threads[i].tid) ? 0 : ENOMEM;
    if (!err && read_maps(s->f, s->pid))
        return -1;
    return err ? err : copy_memory(s->f, s->pid);
}

int foreign_from_pid(struct foreign *f, pid_t pid)
{
    struct stopping s = {.f = f, .pid = pid};
    f->first = pid;
    if (kill(pid, 0) && errno != EPERM)
        return say(pid, errno);
    int64_t begin = oak__os_now();
    int err = copy_stopped(&s);
    let_go(&s);
    f->pause = oak__os_now() - begin;
    return err < 0 ? EXIT_TROUBLE : err ? say(pid, err) : 0;
}
