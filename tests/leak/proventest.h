/* For tests of leaks that must be proven, every time. Each scene's builder is a function of its own, so that what it knew is
 * gone when it has returned. */
#ifndef OAK_TESTS_PROVENTEST_H
#define OAK_TESTS_PROVENTEST_H

#include "leaktest.h"

typedef oak_chan(int) ints;

static inline void send_one(void *arg)
{
    if (oak_send((ints)(uintptr_t)arg, 1))
        return;
}

static inline void receive_one(void *arg)
{
    int v;
    if (oak_recv((ints)(uintptr_t)arg, &v))
        return;
}

static inline void receive_all(void *arg)
{
    oak_range ((ints)(uintptr_t)arg, v)
        (void)v;
}

static inline ints make(void)
{
    ints ch = oak_make(int, 0);
    if (!ch)
        abort();
    return ch;
}

static inline void *raw_of(ints ch)
{
    return (void *)(uintptr_t)ch;
}

struct job {
    char pad[40];
    ints request, response;
    char more[100];
};

static inline void serve(void *arg)
{
    struct job *j = arg;
    int v;
    if (oak_recv(j->request, &v) || oak_send(j->response, v))
        return;
}

static inline struct job *new_job(void)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        abort();
    j->request = make();
    j->response = make();
    return j;
}

/* Whether what only references can prove is proven. */
static inline bool heap_is_known(void)
{
    if (OAK_ASAN || OAK_TSAN)
        fprintf(stderr,
                "the heap is a sanitizer's and counts as live: what only references can prove is left out\n");
    return !OAK_ASAN && !OAK_TSAN;
}

#endif
