/* fork in a program with goroutines: the child runs the forking one only, and no other twice. */
#include "support/goroutine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Shared with the children. */
static struct shared {
    pid_t parent;
    _Atomic int in_child; /* rounds that other goroutines made in a child */
} * shared;

OAK_TASK(go_round, oak_chan(int), stop)
{
    int v;
    while (oak_recv_timeout(stop, &v, 100 * OAK_MICROSECOND) == -ETIMEDOUT)
        if (getpid() != shared->parent)
            shared->in_child++;
}

OAK_TASK(nothing) {}

static int reap(pid_t pid)
{
    int status = -1;
    oak_blocking {
        (void)!(waitpid(pid, &status, 0) == pid);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(the_child_runs_no_other_goroutine)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared->parent = getpid();
    oak_chan(int) stop = oak_make(int, 0);
    for (int i = 0; i < 10; i++)
        expect(oak_go_detached(go_round, stop) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 20; i++) {
            expect(oak_sleep(OAK_MILLISECOND) == 0);
            oak_yield();
        }
        expect(oak_go_detached(nothing) == -EAGAIN);
        _exit(shared->in_child == 0 ? 42 : 1);
    }
    expect(reap(pid) == 42);
    oak_chan_close(stop);
}

TEST(the_child_may_exec)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    expect(reap(pid) == 0);
}

OAK_TASK(fork_and_return, pid_t *, child, oak_chan(int), done)
{
    pid_t pid = fork();
    if (pid == 0)
        return; /* the end of the process */
    *child = pid;
    expect(oak_send(done, 1) == 0);
}

TEST(returning_ends_the_child)
{
    oak_chan(int) done = oak_make(int, 0);
    pid_t pid = 0;
    int v;
    expect(oak_go_detached(fork_and_return, &pid, done) == 0);
    expect(oak_recv(done, &v) == 0);
    expect(reap(pid) == 0);
    oak_chan_free(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_runs_no_other_goroutine),
        cmocka_unit_test(the_child_may_exec),
        cmocka_unit_test(returning_ends_the_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
