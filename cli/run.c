/*
 * oakum run: compile one C file against the library and run it with the leak check at its end.
 *
 * The program is linked with the static library, so that it runs wherever Oakum is installed, without the
 * linker's cache or a search path. It is made in a folder of its own, which is removed whatever happens to us
 * short of SIGKILL.
 */
#include "child.h"
#include "command.h"
#include "library.h"
#include "scratch.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct job {
    const char *compiler; /* --cc */
    struct words options; /* for the compiler, as the user gave them */
    struct words libraries;
    const char *file;
    char **args; /* of the program, NULL at the end */
    int nargs;
    bool uses_http;
    struct library lib;
    struct scratch scratch;
    char program[PATH_MAX + NAME_MAX];
    char name[NAME_MAX]; /* of the program: the file's without .c */
};

enum { GO_ON = -1 };

/* ---- what was asked ---- */

enum { LONG_CC = 256, LONG_STD, LONG_HELP };

static int bad_option(char **argv)
{
    complain("run: '%s' is no option of this command, or lacks its value; see 'oakum help run'",
             argv[optind - 1]);
    return EXIT_TROUBLE;
}

/* Takes one option. GO_ON or an exit status. */
static int take_option(struct job *j, int c, char **argv)
{
    char flag[3] = {'-', (char)c, 0};
    switch (c) {
    case LONG_CC:
        j->compiler = optarg;
        return GO_ON;
    case LONG_STD:
        words_add(&j->options, "-std=", optarg);
        return GO_ON;
    case LONG_HELP:
    case 'h':
        command_usage(&command_run);
        return 0;
    case 'l':
    case 'L':
        words_add(&j->libraries, flag, optarg);
        return GO_ON;
    case '?':
    case ':':
        return bad_option(argv);
    default:
        words_add(&j->options, flag, optarg ? optarg : "");
        return GO_ON;
    }
}

static int parse(struct job *j, int argc, char **argv)
{
    static const struct option longs[] = {
        {"cc", required_argument, NULL, LONG_CC},
        {"std", required_argument, NULL, LONG_STD},
        {"help", no_argument, NULL, LONG_HELP},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    optind = 1;
    /* "+": the first word that is no option is the file; all after it is the program's. */
    for (int c; (c = getopt_long(argc, argv, "+:hg::O::D:U:I:W:f:m:l:L:", longs, NULL)) != -1;) {
        int status = take_option(j, c, argv);
        if (status != GO_ON)
            return status;
    }
    if (optind >= argc) {
        complain("run: which C file? usage: oakum run %s", command_run.synopsis);
        return EXIT_TROUBLE;
    }
    j->file = argv[optind];
    j->args = argv + optind + 1;
    j->nargs = argc - optind - 1;
    return GO_ON;
}

/* ---- the file ---- */

static bool readable(const char *file)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int err = fd < 0 ? errno : 0;
    bool known = !err && fstat(fd, &st) == 0;
    if (known && S_ISDIR(st.st_mode))
        err = EISDIR;
    if (fd >= 0)
        close(fd);
    if (err)
        complain("cannot read %s: %s", *file ? file : "''", strerror(err));
    else if (known && !S_ISREG(st.st_mode)) /* it is read twice, and a pipe might never end */
        complain("%s is no regular file; copy what comes from it to one", file);
    return err == 0 && (!known || S_ISREG(st.st_mode));
}

static bool mentions(const char *file, const char *text)
{
    char line[1024];
    bool found = false;
    FILE *f = fopen(file, "r");
    while (f && !found && fgets(line, sizeof line, f))
        found = strstr(line, text) != NULL;
    if (f)
        fclose(f);
    return found;
}

static void name_program(struct job *j)
{
    const char *slash = strrchr(j->file, '/');
    snprintf(j->name, sizeof j->name, "%s", slash ? slash + 1 : j->file);
    size_t n = strlen(j->name);
    if (n > 2 && strcmp(j->name + n - 2, ".c") == 0)
        j->name[n - 2] = 0;
    snprintf(j->program, sizeof j->program, "%s/%s", j->scratch.path, j->name);
}

/* ---- compiling ---- */

static void command_line(struct job *j, struct words *w)
{
    static const char *const always[] = {"-g", "-O1", "-fno-omit-frame-pointer", "-Wall", "-pthread"};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        words_add(w, always[i], "");
    words_split(w, j->lib.flags);
    for (size_t i = 0; i < j->options.n; i++)
        words_add(w, j->options.word[i], "");
    words_add(w, "-I", j->lib.include);
    words_add(w, "-o", "");
    words_add(w, j->program, "");
    words_add(w, "-xc", "");
    words_add(w, j->file[0] == '-' ? "./" : "", j->file);
    words_add(w, "-xnone", "");
    if (j->lib.http[0])
        words_add(w, j->lib.http, "");
    words_add(w, j->lib.core, "");
    if (j->lib.http[0] && j->uses_http)
        words_split(w, OAKUM_HTTP_LIBS);
    size_t n = strlen(j->lib.core);
    if (n > 3 && strcmp(j->lib.core + n - 3, ".so") == 0)
        words_add(w, "-Wl,-rpath,", j->lib.core), *strrchr(w->word[w->n - 1], '/') = 0;
    for (size_t i = 0; i < j->libraries.n; i++)
        words_add(w, j->libraries.word[i], "");
}

/* The environment with one more or another variable. */
static void environment(struct words *env, const char *name, const char *value, bool replace)
{
    extern char **environ;
    size_t n = strlen(name);
    for (char **e = environ; *e; e++) {
        bool same = strncmp(*e, name, n) == 0;
        if (same && !replace)
            value = NULL;
        if (!same || !replace)
            words_add(env, *e, "");
    }
    if (value)
        words_add(env, name, value);
}

/* Runs the first compiler that there is. Words of its own ("ccache gcc") come before the options. */
static struct child_end compile_with(struct job *j, const char *compiler)
{
    struct words w = {NULL, 0, 0}, env = {NULL, 0, 0};
    struct child_end end = {.error = ENOENT};
    words_split(&w, compiler);
    command_line(j, &w);
    environment(&env, "TMPDIR=", j->scratch.path, true);
    if (*compiler)
        end = child_run(w.word[0], w.word, env.word);
    words_free(&w);
    words_free(&env);
    return end;
}

static int judge(struct job *j, struct child_end end)
{
    if (end.error == 0 && end.signal == 0 && end.status == 0)
        return GO_ON;
    if (end.error)
        complain("cannot start the compiler: %s", strerror(end.error));
    else if (scratch_full(&j->scratch))
        complain("no space left in %s; make room there or set TMPDIR to another folder", j->scratch.path);
    return end.signal ? 128 + end.signal : EXIT_TROUBLE;
}

static int compile(struct job *j)
{
    const char *named = j->compiler ? j->compiler : getenv("CC");
    if (named && *named) {
        struct child_end end = compile_with(j, named);
        if (end.error == ENOENT) {
            complain("there is no compiler '%s' (%s)", named, j->compiler ? "--cc" : "from CC");
            return EXIT_TROUBLE;
        }
        return judge(j, end);
    }
    const char *const usual[] = {j->lib.compiler, "cc", "gcc", "clang"};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        struct child_end end = compile_with(j, usual[i]);
        if (end.error != ENOENT)
            return judge(j, end);
    }
    complain("there is no C compiler: neither cc, gcc nor clang is in PATH; on Debian: apt-get install gcc "
             "libc6-dev");
    return EXIT_TROUBLE;
}

/* ---- running ---- */

static int execute(struct job *j)
{
    struct words w = {NULL, 0, 0}, env = {NULL, 0, 0};
    words_add(&w, j->name, "");
    for (int i = 0; i < j->nargs; i++)
        words_add(&w, j->args[i], "");
    environment(&env, "OAK_LEAKCHECK=", "1", false);
    struct child_end end = child_run(j->program, w.word, env.word);
    words_free(&w);
    words_free(&env);
    if (end.error == EACCES)
        complain("programs in %s may not be run (is it mounted noexec?); set TMPDIR to another folder",
                 j->scratch.path);
    else if (end.error)
        complain("cannot run the program: %s", strerror(end.error));
    if (end.error)
        return EXIT_TROUBLE;
    return end.signal ? 128 + end.signal : end.status;
}

static int compile_and_run(struct job *j)
{
    if (!readable(j->file) || !library_find(&j->lib))
        return EXIT_TROUBLE;
    j->uses_http = mentions(j->file, "oakum/http.h");
    if (j->uses_http && !j->lib.http[0])
        complain("%s includes oakum/http.h, but liboakum-http is not installed", j->file);
    child_init();
    if (!scratch_make(&j->scratch))
        return EXIT_TROUBLE;
    name_program(j);
    int status = compile(j);
    if (status == GO_ON)
        status = execute(j);
    scratch_remove(&j->scratch);
    return status;
}

static int run(int argc, char **argv)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        complain("out of memory");
        return EXIT_TROUBLE;
    }
    int status = parse(j, argc, argv);
    if (status == GO_ON)
        status = compile_and_run(j);
    words_free(&j->options);
    words_free(&j->libraries);
    free(j);
    return status;
}

const struct command command_run = {
    .name = "run",
    .synopsis = "[OPTION...] FILE.c [ARG...]",
    .summary = "Compiles a C file against Oakum and runs it with the leak check at its end.",
    .help = "  -O LEVEL, -g, -D, -U, -I, -W, -f, -m, -l, -L, --std=STANDARD\n"
            "                 go to the compiler, which gets -g -O1 -fno-omit-frame-pointer\n"
            "                 -Wall before them; values are attached as usual: -O2, -lm\n"
            "  --cc COMPILER  the compiler; else CC from the environment, cc, gcc or clang\n"
            "  -h, --help     this text\n"
            "\n"
            "ARGs, standard input and output, and signals go to the program. OAK_LEAKCHECK=0\n"
            "in the environment leaves the leak check out.\n"
            "\n"
            "Exit status: 23 when a leaked goroutine was proven; else the program's own, or\n"
            "128 + N when signal N killed it; 2 when it could not be compiled or started.\n",
    .run = run,
};
