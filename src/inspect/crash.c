/*
 * The report of a process that is about to end.
 *
 * Nothing here can be trusted any more: the heap may be broken, any lock may be held by a thread that will
 * never run again, the stack may be a signal's, and all the same the reader wants names and lines. So the
 * report is made by a clone of the process: it has a copy of all memory, a large stack of its own, and may
 * die or hang without harm. It writes into a memory file; only when it has ended well is that copied to the
 * real descriptor. Else this process makes a plainer report itself, from the symbol tables alone.
 */
#include "inspect/peek.h"
#include "inspect/print.h"
#include "inspect/report.h"
#include "inspect/snapshot.h"
#include "inspect/symbol.h"
#include "inspect/walk.h"
#include "sched/inside.h"
#include "sched/m.h"
#include "sched/sched.h"
#include "sched/stats.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLONE_STACK = 1 << 20, PLAIN_MAX = 100, PATIENCE_MS = 10000 };

struct crash {
    struct oak__out out;
    struct oak__style style;
    struct oak__g *self; /* NULL: a plain thread that the runtime has never seen */
    bool with_self;
    struct oak_goroutine_info info;
    struct oak__strings strings;
    struct oak__groups groups;
    uint64_t others;
};

/* ---- the caller's own stack ---- */

static struct oak__g *running_here(void)
{
    bool entered;
    return oak__self_if_any(&entered);
}

/* The interrupted instruction itself: one more makes it look like the return addresses after it. */
static int interrupted(const struct oak__sigframe *at, const void **frames)
{
    frames[0] = (const char *)at->pc + 1;
    frames[1] = oak__frameless_caller(at);
    return frames[1] ? 2 : 1;
}

static void own_stack(struct crash *c, const struct oak__sigframe *at, const void *fp)
{
    struct oak_goroutine_info *i = &c->info;
    int n = 0;
    if (c->self)
        oak__snapshot(c->self, 0, OAK__VIEW_DYING, i, &c->strings);
    i->state = OAK_STATE_RUNNING;
    if (at)
        n = interrupted(at, i->frames);
    int more = oak__walk_careful(fp, i->frames + n, OAK_MAX_FRAMES - n);
    /* It had a frame after all. */
    if (n == 2 && more > 0 && i->frames[1] == i->frames[2]) {
        more--;
        memmove(i->frames + 2, i->frames + 3, (size_t)more * sizeof i->frames[0]);
    }
    i->nframes = n + more;
}

static void print_self(struct crash *c)
{
    struct oak__style st = c->style;
    st.full = true;
    if (c->self && c->self->kind == OAK__G_GOROUTINE)
        oak__print_goroutine(&c->out, &st, &c->info);
    else
        oak__outf(&c->out, "thread %d, not a goroutine", oak__os_gettid());
    oak__outf(&c->out, "\n");
    oak__print_entry(&c->out, &st, &c->info, NULL);
}

/* ---- all the others ---- */

/* In the clone the snapshot goes to the groups' own memory, in the plain report straight out. */
static bool group_other(struct oak__g *g, void *arg)
{
    struct crash *c = arg;
    struct oak_goroutine_info info;
    struct oak__strings strings;
    if (g == c->self || !oak__snapshot(g, 0, OAK__VIEW_FROZEN, &info, &strings))
        return true;
    return oak__groups_add(&c->groups, &info, 0, 0) != NULL;
}

static bool print_other(struct oak__g *g, void *arg)
{
    struct crash *c = arg;
    if (g == c->self || !oak__snapshot(g, 0, OAK__VIEW_DYING, &c->info, &c->strings))
        return true;
    if (c->others++ >= PLAIN_MAX)
        return true;
    oak__outf(&c->out, "\n");
    oak__print_goroutine(&c->out, &c->style, &c->info);
    oak__outf(&c->out, "\n");
    oak__print_entry(&c->out, &c->style, &c->info, NULL);
    return true;
}

static void print_groups(struct crash *c)
{
    oak__each_g(group_other, c);
    int err = oak__groups_describe(&c->groups, &c->style);
    if (err)
        c->out.err = err;
    for (size_t i = 0; !c->out.err && i < c->groups.n; i++) {
        oak__outf(&c->out, "\n");
        oak__print_group(&c->out, &c->style, c->groups.sorted[i]);
        oak__outf(&c->out, "\n");
        oak__print_entry(&c->out, &c->style, &c->groups.sorted[i]->first, c->groups.sorted[i]);
    }
}

static void print_plainly(struct crash *c)
{
    c->style.plain = true;
    if (c->with_self)
        print_self(c);
    if (!oak__started())
        return;
    oak__each_g(print_other, c);
    if (c->others > PLAIN_MAX)
        oak__outf(&c->out, "\nand %llu more goroutines\n", (unsigned long long)(c->others - PLAIN_MAX));
}

/* ---- the clone ---- */

static int in_clone(void *arg)
{
    struct crash *c = arg;
    /* A fault in here is the clone's own affair. */
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < countof(deadly); i++)
        signal(deadly[i], SIG_DFL);
    c->style.plain = !oak__dwarf_usable_in_clone();
    if (c->with_self)
        print_self(c);
    if (oak__started())
        print_groups(c);
    _exit(c->out.err ? 1 : 0);
}

/* Polled, since SIGCHLD is the program's and a clone that hangs must not keep the process. */
static bool ended_well(pid_t pid)
{
    int status;
    for (int waited = 0; waited < PATIENCE_MS; waited += 2) {
        pid_t r = waitpid(pid, &status, __WALL | WNOHANG);
        if (r == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (r < 0 && errno != EINTR)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, __WALL);
    return false;
}

static bool copy_out(int from, int to)
{
    char buf[1024];
    ssize_t n;
    if (lseek(from, 0, SEEK_SET) != 0)
        return false;
    struct oak__out o = OAK__OUT_FD(to);
    while ((n = read(from, buf, sizeof buf)) > 0)
        oak__out_bytes(&o, buf, (size_t)n);
    return n == 0;
}

/* True: the clone's report has been written. */
static bool report_from_clone(struct crash *c, int fd)
{
    char *stack =
        mmap(NULL, CLONE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    int file = memfd_create("oakum-crash", MFD_CLOEXEC);
    bool ok = false;
    if (stack != MAP_FAILED && file >= 0 && oak__fault_hit(OAK__FAULT_FORK) == 0) {
        c->out.fd = file;
        /* No CLONE_VM: a copy, as by fork, but without fork's handlers and locks. No signal at its end. */
        pid_t pid = clone(in_clone, stack + CLONE_STACK, 0, c);
        ok = pid > 0 && ended_well(pid) && copy_out(file, fd);
    }
    if (stack != MAP_FAILED)
        munmap(stack, CLONE_STACK);
    if (file >= 0)
        close(file);
    c->out.fd = fd;
    return ok;
}

static NOINLINE void report(int fd, bool with_self, const struct oak__sigframe *at, const void *fp)
{
    struct crash c = {
        .out = OAK__OUT_FD(fd), .style = {.indent = "", .now = oak_now()}, .with_self = with_self};
    c.self = running_here();
    c.style.inside = at != NULL;
    oak__text_refresh();
    oak__looking_begin_dying();
    own_stack(&c, at, fp);
    if (!report_from_clone(&c, fd))
        print_plainly(&c);
    oak__looking_end();
}

void oak__report_crash(int fd, const struct oak__sigframe *at)
{
    report(fd, true, at, at ? at->fp : __builtin_frame_address(0));
}

void oak__report_all(int fd)
{
    report(fd, false, NULL, __builtin_frame_address(0));
}
