/*
 * For tests whose parts must live in processes of their own: they may die, be killed when they hang, or need the runtime
 * started with other settings. Call in_child() only while the calling process has not started the runtime.
 *
 * In goroutines, threads and children cmocka's assertions would jump across stacks or into the copied test runner: use
 * require() there.
 */
#ifndef OAK_TESTS_SUPPORT_PART_H
#define OAK_TESTS_SUPPORT_PART_H

#include <oakum.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
    #define HAS_FEATURE(f) __has_feature(f)
#else
    #define HAS_FEATURE(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
    #define UNDER_ASAN 1
#else
    #define UNDER_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
    #define UNDER_TSAN 1
#else
    #define UNDER_TSAN 0
#endif

enum {
    /* A child that takes longer hangs: SIGALRM ends it. Only who runs a test by hand sees that: meson's limit is no longer than
     * 300 seconds, 4 and 8 times as long for the sanitizers, and before that comes tests/watched says where the child is. */
    CHILD_SECONDS = 290 * (UNDER_TSAN   ? 8
                           : UNDER_ASAN ? 4
                                        : 1),
    CHILD_FAILED = 98, /* exit status of a require() that does not hold */
};

#define require(cond)                                                                                        \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);                 \
            _exit(CHILD_FAILED);                                                                             \
        }                                                                                                    \
    } while (0)

/* What became of a child. */
struct outcome {
    int status; /* as of waitpid(2) */
    size_t len;
    char text[64 * 1024]; /* what it printed on standard output and error, as far as there is room */
};

static __attribute__((unused)) bool exited_with(const struct outcome *o, int code)
{
    return WIFEXITED(o->status) && WEXITSTATUS(o->status) == code;
}

static __attribute__((unused)) bool killed_by(const struct outcome *o, int sig)
{
    return WIFSIGNALED(o->status) && WTERMSIG(o->status) == sig;
}

static __attribute__((unused)) bool said(const struct outcome *o, const char *text)
{
    return strstr(o->text, text) != NULL;
}

static __attribute__((noreturn, unused)) void child_main(int out, int (*fn)(void *), void *arg)
{
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    close(out);
    alarm(CHILD_SECONDS);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGSEGV, SIG_DFL); /* cmocka has set its own */
    signal(SIGBUS, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    int rc = fn(arg);
    fflush(NULL);
    _exit(rc);
}

/* Runs fn(arg) in a child; its result is the exit status. */
static __attribute__((unused)) void in_child(struct outcome *o, int (*fn)(void *), void *arg)
{
    int ends[2];
    fflush(NULL);
    o->len = 0;
    if (pipe(ends) != 0) {
        perror("pipe");
        exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child_main(ends[1], fn, arg);
    }
    close(ends[1]);
    char spare[4096];
    for (;;) {
        size_t room = sizeof o->text - 1 - o->len;
        ssize_t n = room ? read(ends[0], o->text + o->len, room) : read(ends[0], spare, sizeof spare);
        if (n <= 0)
            break;
        o->len += room ? (size_t)n : 0;
    }
    o->text[o->len] = 0;
    close(ends[0]);
    waitpid(pid, &o->status, 0);
}

/* The same, and it must succeed; prints what it said if it does not, or always if show. */
static __attribute__((unused)) bool child_succeeds(int (*fn)(void *), void *arg, bool show)
{
    static struct outcome o;
    in_child(&o, fn, arg);
    bool good = exited_with(&o, 0);
    if (show || !good)
        fputs(o.text, stderr);
    if (killed_by(&o, SIGALRM))
        fprintf(stderr, "it hung: ended after %d seconds\n", CHILD_SECONDS);
    else if (!good)
        fprintf(stderr, "wait status 0x%x\n", (unsigned)o.status);
    return good;
}

/* The number of Ps for a runtime that is not yet started. */
static __attribute__((unused)) void set_procs(int n)
{
    char text[16];
    snprintf(text, sizeof text, "%d", n);
    setenv("OAK_PROCS", text, 1);
}

/* A small random generator, one for each user (splitmix64, Steele, Lea, Flood 2014). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((next_random(state) >> 32) * n >> 32);
}

/* Keeps the processor busy for some tens of nanoseconds times n. */
static __attribute__((unused)) void spin(uint32_t n)
{
    for (volatile uint32_t i = 0; i < n * 10; i++) {
    }
}

#endif
