/*
 * What `oakum leaks` is tried on: four goroutines leak, one waits for what a global variable knows; a static array knows of
 * the leaked ones, but is declared to have no pointers. Prints a line when all have settled, with the ids of one that
 * leaks and of the one that does not; waits until its standard input ends, and prints how many real-time signals came meanwhile (none of which the kernel may drop). An argument makes it
 * another way:
 *   die        it leaves a core file instead
 *   leader     its first thread has ended
 *   sleeper    its first thread sleeps in the kernel, and aborts when it is woken too early
 *   churn      threads begin and end all the time
 *   set        what the global variable knows, an epoll set knows instead
 *   shared     ..., shared memory knows that may not be read at the moment
 *   readonly   ..., a memory file knows that may only be read at the moment
 *   heap N     it has written to N MiB
 *   many N     N more goroutines are parked
 */
#define _GNU_SOURCE
#include <oakum.h>
#include <pthread.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

oak_chan(int) kept;

enum { ASKERS = 5 };
static uint64_t asker[ASKERS], server, leaks;

OAK_TASK(ask, oak_chan(int), answer, int, who)
{
    asker[who] = oak_self();
    if (oak_send(answer, who))
        abort();
}

OAK_TASK(serve, oak_chan(int), requests)
{
    server = oak_self();
    oak_range (requests, v)
        (void)v;
}

static __attribute__((noinline)) void leak(void)
{
    static volatile void *noise[64]; /* no reference: it is declared to be none */
    oak_chan(int) answer = oak_make(int, 0);
    int v;
    if (oak_leak_no_pointers((const void *)noise, sizeof noise))
        abort();
    memcpy((void *)&noise[7], &answer, sizeof answer);
    for (int i = 0; i < ASKERS; i++)
        if (oak_go_detached(ask, answer, i))
            abort();
    if (oak_recv(answer, &v))
        abort();
    leaks = (uint64_t)(v + 1) % ASKERS; /* whose answer nobody takes; it may not have begun yet */
}

static _Atomic int signals;

static void count_signal(int sig)
{
    (void)sig;
    signals++;
}

static void *briefly(void *arg)
{
    return arg;
}

static void *churn(void *arg)
{
    pthread_t t[4];
    for (;;) {
        for (int i = 0; i < 4; i++)
            if (pthread_create(&t[i], NULL, briefly, arg))
                abort();
        for (int i = 0; i < 4; i++)
            pthread_join(t[i], NULL);
    }
}

static void wait_for(long waiting)
{
    struct oak_stats now;
    do
        oak_sleep(OAK_MILLISECOND);
    while (oak_stats_read(&now) == 0 && (long)now.waiting < waiting);
}

static void **blocks;

/* Blocks of 1 KiB that know each other. */
static void fill(long mib)
{
    for (long i = 0; i < mib << 10; i++) {
        void **b = malloc(1000);
        if (!b)
            abort();
        memset(b, 1, 1000);
        *b = blocks;
        blocks = b;
    }
}

static long shape(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const long n = argc > 2 ? atol(argv[2]) : 0;
    pthread_t t;
    if (strcmp(what, "churn") == 0 && pthread_create(&t, NULL, churn, NULL))
        abort();
    if (strcmp(what, "heap") == 0)
        fill(n);
    if (strcmp(what, "many") != 0)
        return 0;
    for (long i = 0; i < n; i++)
        if (oak_go_detached(serve, kept))
            abort();
    return n;
}

static __attribute__((noinline)) void hide_in_set(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = (void *)(uintptr_t)kept};
    if (epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, eventfd(0, 0), &e))
        abort();
    kept = NULL;
    memset(&e, 0, sizeof e);
    __asm__ volatile("" ::"r"(&e) : "memory");
}

static __attribute__((noinline)) void hide_in_shared(int access)
{
    int fd = memfd_create("hidden", 0);
    if (fd < 0 || ftruncate(fd, 1 << 16))
        abort();
    char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        abort();
    memcpy(p + 5000, &kept, sizeof kept);
    kept = NULL;
    if (mprotect(p, 1 << 16, access))
        abort();
}

static int app(int argc, char **argv)
{
    sigaction(SIGRTMIN, &(struct sigaction){.sa_handler = count_signal, .sa_flags = SA_RESTART}, NULL);
    leak();
    kept = oak_make(int, 0);
    if (oak_go_detached(serve, kept))
        abort();
    if (argc > 1 && strcmp(argv[1], "set") == 0)
        hide_in_set();
    if (argc > 1 && strcmp(argv[1], "shared") == 0)
        hide_in_shared(PROT_NONE);
    if (argc > 1 && strcmp(argv[1], "readonly") == 0)
        hide_in_shared(PROT_READ);
    wait_for(5 + shape(argc, argv));
    printf("settled %llu %llu\n", (unsigned long long)asker[leaks], (unsigned long long)server);
    fflush(stdout);
    if (argc > 1 && strcmp(argv[1], "die") == 0)
        abort();
    char c;
    oak_blocking
        while (read(STDIN_FILENO, &c, 1) > 0)
            ;
    printf("%d\n", signals);
    return 0;
}

static int args;
static char **words;

static void *run(void *unused)
{
    (void)unused;
    exit(oak_run(app, args, words));
}

/* A sleep that the kernel has interrupted goes on for what is left of it. */
static void sleep_for_ever(void)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    struct timespec before, now;
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &before);
        if (nanosleep(&nap, NULL))
            abort();
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - before.tv_sec) * 1000000000 + now.tv_nsec - before.tv_nsec < nap.tv_nsec)
            abort();
    }
}

int main(int argc, char **argv)
{
    pthread_t t;
    bool leader = argc > 1 && strcmp(argv[1], "leader") == 0,
         sleeper = argc > 1 && strcmp(argv[1], "sleeper") == 0;
    if (!leader && !sleeper)
        return oak_run(app, argc, argv);
    args = argc;
    words = argv;
    if (pthread_create(&t, NULL, run, NULL))
        abort();
    if (sleeper)
        sleep_for_ever();
    pthread_exit(NULL);
}
