/*
 * oakbench JOB [COUNT] runs one benchmark job, the twin of the Go program's job of the same name, and prints
 * its figures, a line each: "NAME VALUE". bench/jobs.txt gives the counts and the units; OAK_PROCS the procs.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    void (*run)(long count);
} jobs[] = {
#define ROW(name) {#name, job_##name},
    BENCH_JOBS(ROW)
#undef ROW
};

static int usage(void)
{
    fprintf(stderr, "usage: oakbench JOB [COUNT]; jobs:");
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        fprintf(stderr, " %s", jobs[i].name);
    fputc('\n', stderr);
    return 2;
}

static int app(int argc, char **argv)
{
    char *end = NULL;
    long count = argc > 2 ? strtol(argv[2], &end, 10) : 0;

    if (argc < 2 || (end && *end) || count < 0)
        return usage();
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        if (!strcmp(jobs[i].name, argv[1])) {
            jobs[i].run(count);
            return 0;
        }
    }
    return usage();
}

int main(int argc, char **argv)
{
    int status = oak_run(app, argc, argv);

    must(status, "oak_run");
    return status;
}
