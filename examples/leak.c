/*
 * A leak: three servers are asked, the first answer is taken, the other two can never be delivered. Their
 * goroutines stay for as long as the process does. `oakum run leak.c` proves it and exits with status 23.
 */
#include <oakum.h>
#include <stdio.h>

OAK_TASK(ask, oak_chan(int), answer, int, server)
{
    oak_sleep(server * OAK_MILLISECOND);
    if (oak_send(answer, server) != 0)
        fprintf(stderr, "server %d: nobody listens\n", server);
}

static int first_answer(void)
{
    /* The cure: room for every answer, oak_make(int, 3), or a scope that cancels those who come too late. */
    oak_chan(int) answer = oak_make(int, 0);
    int server = 0;
    for (int i = 1; i <= 3; i++)
        if (oak_go_detached(ask, answer, i) != 0)
            return 0;
    if (oak_recv(answer, &server) != 0)
        return 0;
    return server;
}

/* The program goes on with something else, long enough for the others to answer. */
static void go_on(void)
{
    struct oak_stats now;
    do
        oak_sleep(20 * OAK_MILLISECOND);
    while (oak_stats_read(&now) == 0 && now.waiting < 2);
    oak_sleep(20 * OAK_MILLISECOND);
}

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("server %d was the first\n", first_answer());
    go_on();
    return 0;
}

OAK_MAIN(app)
