/*
 * For tests of what ends a process: runs a function in a forked child, catches what it writes to standard
 * error and how it ends. The parent must not have started the runtime.
 */
#ifndef OAK_TESTS_SUPPORT_CHILD_H
#define OAK_TESTS_SUPPORT_CHILD_H

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct child {
    int status; /* as from waitpid */
    char err[1 << 16];
};

static inline void read_all(int fd, char *buf, size_t size)
{
    size_t n = 0;
    ssize_t got;
    while (n < size - 1 && (got = read(fd, buf + n, size - 1 - n)) > 0)
        n += (size_t)got;
    buf[n] = 0;
}

/* qemu-user says on the program's standard error that a signal ends it: that is not the program's. */
static inline void without_emulators_words(char *text)
{
    static const char begin[] = "qemu: uncaught target signal ";
    for (char *at; (at = strstr(text, begin));) {
        char *end = strchr(at, '\n');
        if (!end)
            return;
        memmove(at, end + 1, strlen(end + 1) + 1);
    }
}

/* handler: what SIGSEGV, SIGBUS and SIGFPE do in the child when the runtime starts (cmocka has set its own). */
static inline void run_child_with(struct child *c, int (*app)(int, char **), void (*handler)(int))
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSEGV, handler);
        signal(SIGBUS, handler);
        signal(SIGFPE, handler);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        _exit(oak_run(app, 0, NULL));
    }
    close(fds[1]);
    read_all(fds[0], c->err, sizeof c->err);
    without_emulators_words(c->err);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &c->status, 0), pid);
}

static inline void run_child(struct child *c, int (*app)(int, char **))
{
    run_child_with(c, app, SIG_DFL);
}

#define assert_says(c, text)                                                                                 \
    do {                                                                                                     \
        if (!strstr((c)->err, (text)))                                                                       \
            fail_msg("not said: %s\nbut:\n%s", (text), (c)->err);                                            \
    } while (0)
#define assert_says_not(c, text)                                                                             \
    do {                                                                                                     \
        if (strstr((c)->err, (text)))                                                                        \
            fail_msg("said: %s\nin:\n%s", (text), (c)->err);                                                 \
    } while (0)

static inline bool ended_by(const struct child *c, int sig)
{
    return WIFSIGNALED(c->status) && WTERMSIG(c->status) == sig;
}

static inline bool exited_with(const struct child *c, int code)
{
    return WIFEXITED(c->status) && WEXITSTATUS(c->status) == code;
}

#endif
