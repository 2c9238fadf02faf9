/*
 * What `oakum leaks` is tried on: four goroutines leak, one waits for what a global variable knows. Prints a line when all
 * have settled, waits until its standard input ends, and prints how many real-time signals came meanwhile (none of
 * which the kernel may drop); with an argument it dies with a core file instead.
 */
#include <oakum.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

oak_chan(int) kept;

OAK_TASK(ask, oak_chan(int), answer, int, who)
{
    if (oak_send(answer, who))
        abort();
}

OAK_TASK(serve, oak_chan(int), requests)
{
    oak_range (requests, v)
        (void)v;
}

static __attribute__((noinline)) void leak(void)
{
    oak_chan(int) answer = oak_make(int, 0);
    int v;
    for (int i = 0; i < 5; i++)
        if (oak_go_detached(ask, answer, i))
            abort();
    if (oak_recv(answer, &v))
        abort();
}

static _Atomic int signals;

static void count_signal(int sig)
{
    (void)sig;
    signals++;
}

static int app(int argc, char **argv)
{
    struct oak_stats now;
    (void)argv;
    sigaction(SIGRTMIN, &(struct sigaction){.sa_handler = count_signal, .sa_flags = SA_RESTART}, NULL);
    leak();
    kept = oak_make(int, 0);
    if (oak_go_detached(serve, kept))
        abort();
    do
        oak_sleep(OAK_MILLISECOND);
    while (oak_stats_read(&now) == 0 && now.waiting < 5);
    printf("settled\n");
    fflush(stdout);
    if (argc > 1)
        abort();
    char c;
    oak_blocking
        while (read(STDIN_FILENO, &c, 1) > 0)
            ;
    printf("%d\n", signals);
    return 0;
}

OAK_MAIN(app)
