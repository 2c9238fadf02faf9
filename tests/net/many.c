/*
 * 10,000 idle connections, each with a goroutine that waits in a read; then every one of them gets a byte, twice. The
 * clients are plain sockets of another process, so that each side has its own limit of open files.
 */
#include "base/common.h"
#include "check.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* TSan knows at most 8,128 goroutines. */
enum { CONNECTIONS = OAK_TSAN ? 5000 : 10000, SPARE = 100, ROUNDS = 2 };
static char address[32];

static _Atomic int answered;
static oak_waitgroup all;
static int go[2]; /* the clients wait here until all of them are being waited for */

/* ---- the clients ---- */

static int clients(void)
{
    static int fd[CONNECTIONS];
    char byte;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path + 1, sizeof sa.sun_path - 1, "%s", address + 1);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
    close(go[1]); /* so that the server's end, too, ends the wait */
    for (int i = 0; i < CONNECTIONS; i++) {
        fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd[i] < 0 || connect(fd[i], (struct sockaddr *)&sa, len))
            return 1;
    }
    if (read(go[0], &byte, 1) != 1)
        return 2;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONNECTIONS; i++)
            if (write(fd[i], "x", 1) != 1)
                return 3;
        for (int i = CONNECTIONS - 1; i >= 0; i--)
            if (read(fd[i], &byte, 1) != 1)
                return 4;
    }
    return 0;
}

/* ---- the server ---- */

static void echo(void *arg)
{
    oak_conn *c = arg;
    char byte;
    while (oak_read(c, &byte, 1) == 1) {
        CHECK_INT(oak_write(c, &byte, 1), 1);
        answered++;
    }
    CHECK_INT(oak_conn_close(c), 0);
    oak_waitgroup_done(&all);
}

static int serve(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_listener *l;
    oak_conn *c;
    CHECK_INT(oak_listen("unix", address, &l), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(clients());
    oak_waitgroup_add(&all, CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++) {
        CHECK_INT(oak_accept(l, &c), 0);
        CHECK_INT(oak_spawn(echo, c), 0);
    }
    until_blocked(CONNECTIONS);
    CHECK_INT(write(go[1], "x", 1), 1);
    CHECK_INT(oak_waitgroup_wait(&all), 0);
    CHECK_INT(answered, ROUNDS * CONNECTIONS);
    CHECK_INT(oak_listener_close(l), 0);
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    return 0;
}

int main(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) || files.rlim_max < CONNECTIONS + SPARE) {
        printf("the limit of open files is %lu, and %d are needed: skipped\n", (unsigned long)files.rlim_max,
               CONNECTIONS + SPARE);
        return 77;
    }
    snprintf(address, sizeof address, "@oakum%d", (int)getpid());
    if (pipe(go))
        return 1;
    return oak_run(serve, 0, NULL);
}
