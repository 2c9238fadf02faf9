/*
 * bench-idle PORT COUNT: opens so many keep-alive connections to an HTTP server on the loopback, asks each
 * for one page so that the server has set up all that it sets up, prints "ready", and holds them until it is
 * killed. Plain C, a thread, no runtime: it must cost nothing while the server is measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "bench-idle: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        fail("setrlimit");
}

/* Opens one connection, asks for a page and reads the answer, which is short enough to come in one piece. */
static int open_one(const struct sockaddr_in *server)
{
    static const char ask[] = "GET / HTTP/1.1\r\nHost: idle\r\n\r\n";
    char answer[4096];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail("socket");
    if (connect(fd, (const struct sockaddr *)server, sizeof *server))
        fail("connect");
    if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) != (ssize_t)sizeof ask - 1)
        fail("send");
    ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
    if (got <= 0)
        fail("no answer");
    answer[got] = '\0';
    if (strncmp(answer, "HTTP/1.1 200", 12)) {
        errno = EPROTO;
        fail("an answer other than 200");
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = {.sin_family = AF_INET};

    if (argc != 3) {
        fprintf(stderr, "usage: bench-idle PORT COUNT\n");
        return 2;
    }
    server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raise_descriptor_limit();
    long count = strtol(argv[2], NULL, 10);
    struct pollfd *held = calloc((size_t)count, sizeof *held);
    if (!held)
        fail("calloc");
    for (long i = 0; i < count; i++)
        held[i] = (struct pollfd){.fd = open_one(&server), .events = POLLIN};
    puts("ready");
    fflush(stdout);
    if (poll(held, (nfds_t)count, -1) > 0)
        fprintf(stderr, "bench-idle: the server dropped a connection\n");
    return 1;
}
