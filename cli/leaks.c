/*
 * oakum leaks: the leak proof for a process that runs, and for one that has left a core file.
 *
 * The analysis is the library's own; what is looked at comes from outside (foreign.h).
 */
#include "command.h"
#include "foreign.h"
#include "leaks_json.h"
#include "leaks_pprof.h"

#include "base/os.h"
#include "inspect/symbol.h"
#include "leak/analysis.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct asked {
    const char *core;
    const char *pprof; /* file for the profile; NULL: none */
    bool json, by_clone;
    uint64_t why_live; /* id of a goroutine; 0: all */
    struct oak_leak_opts opts;
};

static int analyse(struct foreign *f, uint64_t why_live, struct oak__results **out)
{
    const size_t room = oak__table_size(&f->tables.g) + 1,
                 size = sizeof **out + room * sizeof(*out)->found[0];
    struct oak__subject subject = {
        .img = &f->img, .tables = &f->tables, .scratch = &f->scratch, .why_live = why_live};
    struct oak__results *r =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r == MAP_FAILED)
        return -ENOMEM;
    r->room = room;
    *out = r;
    if (!f->lacks && !f->kernel.hidden)
        return oak__analyse(&subject, r);
    r->lost = f->lacks ? OAK__LOST_MEMORY : OAK__LOST_IN_KERNEL;
    return 0;
}

/* A report without names says why they are not there. */
static void names_lack(const struct foreign *f, const oak_leak_report *r, bool libdw)
{
    const struct oak_leak *first = oak_leak_at(r, 0);
    struct oak__symbol s[4];
    if (!first || !first->g.entry)
        return;
    oak__symbols_at(first->g.entry, OAK__PC_EXACT, s, countof(s));
    if (s[0].function[0])
        return;
    if (!libdw)
        leaks_note("names and lines lack", "this tool", "install libdw (Debian: libdw1)");
    else if (f->other_files)
        leaks_note("names and lines lack", f->name,
                   "a program or library that it runs is no longer there, or was built anew; keep it");
    else
        leaks_note("names and lines lack", f->name,
                   "its program is stripped; put its debug file below /usr/lib/debug/.build-id, or keep an "
                   "unstripped one");
}

static int no_goroutine(const struct foreign *f, uint64_t id)
{
    char where[256];
    snprintf(where, sizeof where, "%s, goroutine %llu", f->name, (unsigned long long)id);
    return leaks_fail(EXIT_TROUBLE, "there is no such goroutine", where,
                      "it may have ended; a report names those that there are");
}

static int report(struct foreign *f, const struct asked *a, bool libdw, int64_t begin)
{
    struct oak__results *results;
    struct oak_leak_report *r = NULL;
    const struct oak__witness witness = {foreign_goroutines, f, foreign_now(f)};
    int err = analyse(f, a->why_live, &results);
    if (!err && !(r = oak__report_new(results->goroutines)))
        err = -ENOMEM;
    if (!err)
        err = oak__report_fill(r, results, &a->opts, &witness);
    if (!err && a->why_live)
        err = oak__why_live_fill(r, results, a->why_live, &witness);
    if (err == -ESRCH)
        return no_goroutine(f, a->why_live);
    if (err == -ENOMEM)
        return foreign_no_memory(f);
    if (err)
        return leaks_fail(EXIT_TROUBLE, "the analysis failed", f->name, strerror(-err));
    r->pause = f->pause;
    r->duration = oak__os_now() - begin;
    if (a->pprof && !leaks_pprof(f, r, a->pprof))
        return EXIT_TROUBLE;
    if (a->why_live)
        err = a->json ? leaks_json_why_live(r, stdout) : oak__why_live_print(r, stdout);
    else
        err = a->json ? leaks_json(r, (int64_t)(results->goroutines), stdout) : oak_leak_print(r, stdout);
    if (err == -ENOTSUP)
        return EXIT_TROUBLE;
    if (!err && fflush(stdout))
        err = -errno;
    if (err)
        return leaks_fail(EXIT_TROUBLE, "the report cannot be written", "standard output", strerror(-err));
    names_lack(f, r, libdw);
    if (f->lacks)
        return foreign_lacks(f);
    if (f->kernel.hidden)
        return leaks_fail(LEAKS_NOTHING_PROVABLE,
                          "nothing can be proven, the kernel keeps words that it does not tell", f->name,
                          "they belong to an io_uring, or /proc forbids to read them");
    const bool proven = a->why_live ? oak__why_live_leaked(r) != NULL : oak_leak_count(r, OAK_LEAKED) != 0;
    return proven ? LEAKS_PROVEN : 0;
}

static int look_at(struct foreign *f, const struct asked *a, int pid, const char *program)
{
    const int64_t begin = oak__os_now();
    int err = a->core ? foreign_from_core(f, a->core, program) : foreign_from_pid(f, pid, a->by_clone);
    if (!err)
        err = foreign_open(f);
    if (err)
        return err;
    const struct oak__symbol_target t = {.pid = f->via,
                                         .core = a->core,
                                         .program = program,
                                         .code = f->root.code,
                                         .file = "leak/debug_root.c",
                                         .open = foreign_open_module,
                                         .source = f};
    const bool libdw = oak__symbol_target(&t);
    return report(f, a, libdw, begin);
}

static int usage(const char *what, const char *where)
{
    return leaks_fail(EXIT_TROUBLE, what, where, "see 'oakum help leaks'");
}

/* A whole positive number; 0: it is none. */
static int number(const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || end == text || *end || n <= 0 || n > 1 << 30 ? 0 : (int)n;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"core", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"pprof", required_argument, NULL, 'p'},
                                            {"why-live", required_argument, NULL, 'w'},
                                            {"clone", no_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct asked a = {.core = NULL};
    static struct foreign f;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
        if (c == 'h') {
            command_usage(&command_leaks);
            return 0;
        }
        if (c == 'j') {
            a.json = true;
            continue;
        }
        if (c == 'k') {
            a.by_clone = true;
            continue;
        }
        if (c == 'p') {
            a.pprof = optarg;
            continue;
        }
        if (c == 'w') {
            a.why_live = (uint64_t)number(optarg);
            if (!a.why_live)
                return usage("a goroutine is named by its number, as reports have it", optarg);
            continue;
        }
        if (c != 'c')
            return usage("there is no such option, or it lacks its value", argv[optind - 1]);
        a.core = optarg;
    }
    if (argc - optind < 1)
        return a.core ? usage("which PROGRAM left that core file?", a.core) : usage("which process?", "PID");
    if (argc - optind > 1)
        return usage("one at a time, please", argv[optind + 1]);
    const char *which = argv[optind];
    int pid = a.core ? 0 : number(which);
    if (!a.core && !pid)
        return usage("a process is named by its number", which);
    return look_at(&f, &a, pid, a.core ? which : NULL);
}

const struct command command_leaks = {
    .name = "leaks",
    .synopsis = "[--json] [--pprof FILE] [--why-live ID] [--clone] PID | --core FILE PROGRAM",
    .summary = "Which goroutines of a process will never run again, and why.",
    .help = "PID\n"
            "  Stops the process for the moment that it takes to copy what it has written to, and\n"
            "  analyses the copy. The process is not changed. Needs the right to trace it.\n"
            "--core FILE PROGRAM\n"
            "  The same for a process that has left a core file; PROGRAM is what it ran.\n"
            "--clone\n"
            "  With PID, for large heaps: makes the process clone itself, and copies the clone while the\n"
            "  process runs. So it stops for some 0.1 us a page instead of 1 us.\n"
            "--json\n"
            "  The report as JSON (docs/leaks.schema.json) instead of text.\n"
            "--pprof FILE\n"
            "  Writes the leaked goroutines to FILE as well, as a profile for 'go tool pprof'.\n"
            "--why-live ID\n"
            "  What keeps goroutine ID alive: the shortest chain of references from a global variable, a\n"
            "  stack or another root to what it waits for. Exit status 23 when it is leaked instead.\n"
            "\n"
            "The process must use the same build of Oakum as this tool.\n"
            "\n"
            "Exit status:\n"
            "  0   no goroutine has leaked, as far as can be proven\n"
            "  23  some have\n"
            "  7   nothing can be proven: memory lacks that may hold references\n"
            "  2   wrong usage; a file cannot be read, is damaged, or belongs to another program\n"
            "  3   the process, or the core file's, does not use Oakum\n"
            "  4   no permission to look at the process, or another tool traces it\n"
            "  5   there is no such process, or it ended meanwhile\n"
            "  6   it uses another build of Oakum\n",
    .run = run,
};
