/*
 * What the peers' programs share. Each is `PROGRAM JOB COUNT`, does what the job of that name in bench/c does, as far
 * as its library has the means, and prints the job, its figure and the most memory that the process held, in KiB.
 * Figures: ns an operation; skynet: ms a tree; parked: bytes each.
 */
#ifndef PEER_H
#define PEER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEER_UNUSED __attribute__((unused))

enum { PEER_YIELDERS = 4, PEER_BATCH = 100, PEER_BUFFER = 128 };

struct peer_job {
    const char *name;
    void (*run)(long count);
};

static PEER_UNUSED double peer_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The sum of two fields of /proc/self/status, in bytes. */
static PEER_UNUSED double peer_status(const char *a, const char *b)
{
    char line[256];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, a, strlen(a)) || !strncmp(line, b, strlen(b)))
            kib += (double)strtol(strchr(line, ':') + 1, NULL, 10);
    if (f)
        fclose(f);
    return kib * 1024;
}

static PEER_UNUSED double peer_held(void)
{
    return peer_status("VmRSS:", "VmPTE:");
}

static PEER_UNUSED void peer_fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static double peer_before;

/* Job parked calls this when all of them are. */
static PEER_UNUSED void peer_all_parked(long count)
{
    printf("parked %.6g", (peer_held() - peer_before) / (double)count);
}

static PEER_UNUSED void peer_run(const struct peer_job *jobs, int argc, char **argv)
{
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

    if (argc != 3 || count < 1)
        peer_fail("usage: PROGRAM JOB COUNT");
    while (jobs->name && strcmp(jobs->name, argv[1]))
        jobs++;
    if (!jobs->name)
        peer_fail("no such job"); /* run.sh knows this */
    int parked = !strcmp(argv[1], "parked"), skynet = !strcmp(argv[1], "skynet");
    if (!parked)
        jobs->run(skynet ? count : count / 10 + 1);
    peer_before = peer_held();
    double start = peer_now();
    jobs->run(count);
    double all = peer_now() - start;
    if (!parked)
        printf("%s %.6g", argv[1], skynet ? all / 1e6 : all / (double)count);
    printf(" %.0f\n", peer_status("VmHWM:", "VmHWM:") / 1024);
}

/* The sum that a tree with so many leaves gives. */
static PEER_UNUSED void peer_check_sum(long sum, long leaves)
{
    if (sum != (leaves - 1) * leaves / 2)
        peer_fail("skynet: wrong sum");
}

#endif
