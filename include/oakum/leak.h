/*
 * The leak proof: which goroutines will never run again, and why.
 *
 *   leaked   proven: no live path reaches anything that could wake it
 *   suspect  waits without any deadline: for long, or many at one place, or ever more; not proven
 *   waiting  it has a timer, a deadline or a live waker
 */
#ifndef OAKUM_LEAK_H
#define OAKUM_LEAK_H

#include <oakum/inspect.h>

OAK__BEGIN

enum oak_verdict { OAK_WAITING_OK = 0, OAK_SUSPECT, OAK_LEAKED };

/* What makes a goroutine a suspect. It waits without any deadline, not for I/O, and */
enum oak_suspect_rule {
    OAK_SUSPECT_AGE = 1,    /* has done so for long */
    OAK_SUSPECT_COUNT = 2,  /* many do so at the same place (as LeakProf looks at Go's services) */
    OAK_SUSPECT_GROWTH = 4, /* many more do so at the same place than at an earlier check */
};

/* One goroutine of a report. */
struct oak_leak {
    enum oak_verdict verdict;
    struct oak_goroutine_info g;
    char why[512];     /* why it is proven, or suspected */
    uint64_t retained; /* heap bytes reachable only from leaked goroutines that this one reaches first */
    unsigned rules;    /* of a suspect: enum oak_suspect_rule, one or several */
    uint64_t at_place, at_place_before; /* with COUNT and GROWTH: how many block at this place, and did */
};

/*
 * A report that is NULL, was freed or never was one is told apart in every function below (whatever it points to): it is
 * -EINVAL from those that return an error, and from the others 0, NULL or false.
 */
typedef struct oak_leak_report oak_leak_report;

/*
 * A block of the heap that keeps much of what a leaked goroutine retains: every way from the goroutine to those bytes leads
 * over it. Had the goroutine no reference to this block, they would be free.
 */
struct oak_leak_block {
    uint64_t goroutine;       /* id */
    uintptr_t at;             /* the block's address, */
    uint64_t size;            /* its own bytes, */
    uint64_t retained;        /* and those of all that only it keeps, itself included */
    const void *allocated_at; /* return address of the call of malloc; NULL: not known (see liboakum-tags) */
    bool
        exact; /* false: there were more blocks than the analysis had room for, and some of retained may have other ways */
};

/*
 * When a goroutine that waits without any deadline is a suspect. A place is a line of the program's own code and a
 * wait reason, whatever called that line; without symbols it is the whole stack.
 */
struct oak_leak_opts {
    int64_t suspect_after;  /* age in ns; 0: 60 seconds; OAK_FOREVER: whatever the age */
    uint64_t suspect_count; /* so many at one place; 0: 10,000; UINT64_MAX: whatever the number */
    uint64_t
        suspect_growth; /* so many more at one place than in before; 0: 100; UINT64_MAX: whatever the growth */
    const oak_leak_report *before; /* an earlier check's; NULL: growth is not looked at */
};

/*
 * Checks now. *out is the caller's (oak_leak_report_free). opts may be NULL: the usual. The process pauses for the time
 * of a fork; the analysis runs in a child on a frozen copy. From a goroutine or a plain thread; one check at
 * a time (others wait). 0; -ENOMEM, -EAGAIN (no process could be made), -EINVAL (out is NULL, a negative age, a before
 * that is no report), -EIO (the child failed; nothing is known). On error *out is NULL.
 */
OAK_API OAK_MUST_CHECK int oak_leak_check(const struct oak_leak_opts *opts, oak_leak_report **out);
/* NULL does nothing. What is no report, or was freed before, is a panic that names the caller; so is the report that a
 * watch has given its call-back. */
OAK_API void oak_leak_report_free(oak_leak_report *r);
/* Goroutines with this verdict. 0: also for a value that is no verdict. */
OAK_API size_t oak_leak_count(const oak_leak_report *r, enum oak_verdict v);
/* The i-th leaked or suspect goroutine, leaked ones first; NULL past the end. */
OAK_API const struct oak_leak *oak_leak_at(const oak_leak_report *r, size_t i);
/*
 * The i-th of the blocks that keep most of what leaked goroutines retain, largest first; NULL past the end. Of goroutines
 * that run the same function, were started at the same place and wait for the same reason there are the three largest.
 */
OAK_API const struct oak_leak_block *oak_leak_block_at(const oak_leak_report *r, size_t i);
/* How long the process stood still, and how long the analysis took, in nanoseconds. */
OAK_API int64_t oak_leak_pause(const oak_leak_report *r);
OAK_API int64_t oak_leak_duration(const oak_leak_report *r);
/* The bytes that the analysis took while it ran, besides the copies of pages that the program wrote to meanwhile; and those
 * of the heap's blocks that it looked at. 0: r is NULL, or the heap is not glibc's. */
OAK_API size_t oak_leak_memory(const oak_leak_report *r);
OAK_API size_t oak_leak_heap(const oak_leak_report *r);
/* False when the allocator is not glibc's: then heap pages count as roots and less is proven. */
OAK_API bool oak_leak_exact_heap(const oak_leak_report *r);
/* Prints the report, grouped: what, since when, where, who created it, how many, what they retain, why. f is flushed. 0;
 * -EINVAL (also: f is NULL), -ENOMEM, or what writing to f failed with, as oak_report. */
OAK_API int oak_leak_print(const oak_leak_report *r, FILE *f);

/*
 * Declares that [p, p + size) holds no pointers: checks do not look into it, so that what looks like an address there keeps
 * nothing alive, and there is less to look at. For large buffers of text, images, numbers. The range lies within one block
 * of malloc, or in memory that the program has mapped or that is static; elsewhere, and across the end of a block, it does
 * not count. Declared again from the same p, the new size holds.
 *
 * A promise: if pointers are written there all the same, or the memory is freed, reallocated or unmapped and used for
 * something else while it is still declared, goroutines that are alive may be called leaked. So oak_leak_may_have_pointers(p)
 * takes it back, before free.
 *
 * 0; -EINVAL (p is NULL, size is 0, not all of it is mapped; take back: nothing is declared from p on), -ENOMEM. Asks the
 * kernel about each 4 MiB; any thread.
 */
OAK_API OAK_MUST_CHECK int oak_leak_no_pointers(const void *p, size_t size);
OAK_API int oak_leak_may_have_pointers(const void *p);

/*
 * Writes the leaked goroutines to fd as a profile for `go tool pprof` and what else reads its format (profile.proto,
 * gzip'd): the type is goroutineleak, as Go 1.27 has it; a sample is those goroutines of the same stack, its value their
 * number, its labels wait_reason, name, created_by and retained (bytes). Functions, files and lines are in it: no other
 * file is needed to read it. Blocks in write(2) only. 0, -EINVAL (r is NULL, fd is negative), -ENOMEM, or what writing failed with.
 */
OAK_API OAK_MUST_CHECK int oak_leak_pprof(const oak_leak_report *r, int fd);

/*
 * Checks now, and writes to f what keeps goroutine id alive: the shortest chain of references from a root (a global
 * variable, a thread's stack, a goroutine that can run, ...) over blocks of the heap to what it waits for. Of a leaked one
 * it writes why it is leaked. The check takes more memory than oak_leak_check does: up to 32 bytes for each block of the
 * heap, in the child. 0: it is alive; 1: it is leaked; -ESRCH: there is no goroutine with that id; -EINVAL (f is NULL, id
 * is 0), as oak_leak_check, or what writing to f failed with. From a goroutine or a plain thread.
 */
OAK_API OAK_MUST_CHECK int oak_leak_why_live(uint64_t id, FILE *f);

/*
 * Gives leaked goroutines back: each of the report that choose (NULL: all) returns true for is cancelled as if its context
 * had ended. The call in which it blocks returns -ECANCELED, and so does each later one (but in oak_shield); its own code
 * does the rest: it returns, deferred calls run, locks are given back. The library frees nothing that belongs to the
 * program. As such a goroutine could never have run again, nobody else notices, except by what its deferred calls do; code
 * that ignores errors and tries again for ever would do so without blocking.
 *
 * Only goroutines that are still in the very wait that was proven are touched. Not cancelled are the owner of a scope that
 * waits for its children (it goes on when these have been given back) and one that is taking a mutex back in
 * oak_cond_wait (it goes on when the mutex's holder has been).
 *
 * How many were cancelled; they may not have ended yet. -EINVAL (r is NULL). choose may block; nothing else does. From a
 * goroutine or a plain thread; not for the same report from two at a time.
 */
OAK_API int64_t oak_leak_reclaim(oak_leak_report *r, bool (*choose)(const struct oak_leak *l, void *arg),
                                 void *arg);

OAK__END

#endif
