#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};
static sigset_t awaited, original;

void child_init(void)
{
    /* Where it was inherited ignored, children would vanish unseen. */
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        sigaddset(&awaited, passed_on[i]);
    sigprocmask(SIG_BLOCK, &awaited, &original);
}

/* True when it has ended. */
static bool ended(pid_t pid, struct child_end *end)
{
    int status;
    pid_t r = waitpid(pid, &status, WNOHANG);
    if (r < 0 && errno != EINTR) {
        end->error = errno;
        return true;
    }
    if (r != pid)
        return false;
    if (WIFSIGNALED(status))
        end->signal = WTERMSIG(status);
    else
        end->status = WEXITSTATUS(status);
    return true;
}

static void wait_for(pid_t pid, struct child_end *end)
{
    while (!ended(pid, end)) {
        siginfo_t info;
        int sig = sigwaitinfo(&awaited, &info);
        /* The terminal's own signals (Ctrl-C, hang-up, resize) go to every process in its foreground. */
        if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
            kill(pid, sig);
    }
}

struct child_end child_run(const char *path, char *const argv[], char *const envp[])
{
    struct child_end end = {.error = 0};
    posix_spawnattr_t attr;
    pid_t pid;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &original);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    end.error = posix_spawnp(&pid, path, NULL, &attr, argv, envp);
    posix_spawnattr_destroy(&attr);
    if (end.error == 0)
        wait_for(pid, &end);
    return end;
}
