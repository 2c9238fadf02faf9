/* What the benchmark jobs share: the list of jobs, the clock, the warm-up, the figures. */
#ifndef OAKBENCH_H
#define OAKBENCH_H

#include <oakum.h>

/* Every job is a file that defines job_NAME(count). http: where liboakum-http is built. */
#ifdef BENCH_HTTP
    #define BENCH_HTTP_JOBS(X)                                                                               \
        X(http)                                                                                              \
        X(http_checked)
#else
    #define BENCH_HTTP_JOBS(X)
#endif
#define BENCH_JOBS(X)                                                                                        \
    X(switch)                                                                                                \
    X(cacheline)                                                                                             \
    X(yield)                                                                                                 \
    X(spawn)                                                                                                 \
    X(pingpong)                                                                                              \
    X(pingpong_apart)                                                                                        \
    X(buffered)                                                                                              \
    X(fanin)                                                                                                 \
    X(select2)                                                                                               \
    X(skynet)                                                                                                \
    X(timers)                                                                                                \
    X(mutex)                                                                                                 \
    X(parked)                                                                                                \
    X(parked_compact)                                                                                        \
    X(pause)                                                                                                 \
    X(grow_yield)                                                                                            \
    X(grow_park)                                                                                             \
    X(grow_select)                                                                                           \
    X(grow_select_ready)                                                                                     \
    X(grow_timers)                                                                                           \
    X(grow_fire)                                                                                             \
    BENCH_HTTP_JOBS(X)

#define BENCH_DECLARE(name) void job_##name(long count);
BENCH_JOBS(BENCH_DECLARE)

/* Prints a figure as the scripts read it. */
void report(const char *name, double value);

/*
 * Reports the wall time of an operation in nanoseconds: a tenth of the count to warm up, then the whole. work
 * does the number of operations that it is given, or a few less where they do not divide.
 */
void timed(const char *name, void (*work)(long count), long count);

/* For work that is a whole of its own: once to warm up, then the mean wall time of some times, in
 * nanoseconds. */
double mean(int times, void (*work)(long count), long count);

/* What the process costs the machine now, in bytes: its pages and the tables that map them. */
double held(void);
/* The most pages that it ever held, in bytes. */
double peak(void);

/* Parks count goroutines and fills OAKBENCH_HEAP bytes of heap (100 MB); ends them and frees it. */
void crowd_gather(long count);
void crowd_disperse(void);

/* Binds the calling thread to the nth processor (from 0) of those that the process may use. */
void pin(int nth);
/* To all of them again. */
void unpin(void);

/* Ends the program with the reason if an Oakum call failed. */
void must(int result, const char *what);
#define MUST(call) must((call), #call)

#endif
