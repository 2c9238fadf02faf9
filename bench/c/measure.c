#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
}

void timed(const char *name, void (*work)(long count), long count)
{
    work(count / 10 + 1);
    int64_t start = oak_now();
    work(count);
    report(name, (double)(oak_now() - start) / (double)count);
}

double mean(int times, void (*work)(long count), long count)
{
    work(count);
    int64_t start = oak_now();
    for (int i = 0; i < times; i++)
        work(count);
    return (double)(oak_now() - start) / times;
}

void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "oakbench: %s: %s\n", what, strerror(-result));
    exit(1);
}
