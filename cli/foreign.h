/*
 * A process seen from outside, as the leak proof looks at it: its memory, its threads, the runtime's books.
 *
 * Two sources fill it in: a live process, stopped for as long as it takes to copy what it has written to
 * (foreign_pid.c), and a core file (foreign_core.c). Everything is a copy or the file; the process goes on, or has ended.
 */
#ifndef OAKUM_CLI_FOREIGN_H
#define OAKUM_CLI_FOREIGN_H

#include "leak/debug_root.h"
#include "leak/report.h"

#include <sys/types.h>

/* Exit statuses of `oakum leaks`, besides EXIT_TROUBLE. */
enum {
    LEAKS_NOT_OAKUM = 3,
    LEAKS_NO_PERMISSION = 4,
    LEAKS_GONE = 5,
    LEAKS_OTHER_VERSION = 6,
    LEAKS_PROVEN = 23
};

/* A mapping, and the file behind it if there is one. */
struct foreign_map {
    uintptr_t lo, hi;
    uint64_t offset;
    uint32_t flags; /* oak__mapping_flags */
    bool executable;
    const char *local; /* a copy of its bytes; NULL: none */
    char *path;        /* NULL: none */
};

struct foreign {
    struct oak__scratch scratch;
    struct foreign_map *maps; /* sorted */
    size_t nmaps, maps_room;
    struct oak__span *present; /* sorted: what was copied, or is in the file */
    size_t npresent, present_room;
    struct oak__span
        *refused; /* perhaps written to, and cannot be read: guards of stacks, or memory that lacks */
    size_t nrefused, refused_room;
    struct oak__thread *threads;
    size_t nthreads, threads_room;
    char *registers; /* of all threads, one after the other */
    size_t nregisters, registers_room;
    pid_t first; /* the first thread */
    bool is_core;
    bool lacks; /* memory that the program could write to is not there */
    int64_t pause;

    struct oak__debug_root root;
    struct oak__image img;
    struct oak__tables tables;
};

/* All of these: 0, or an exit status; then they have said why on standard error. */
int foreign_from_pid(struct foreign *f, pid_t pid);
int foreign_from_core(struct foreign *f, const char *core, const char *program);
/* After one of these: finds the runtime's books in it, makes image and tables. name: of the process or file, for messages. */
int foreign_open(struct foreign *f, const char *name);

/* ---- for the sources ---- */
/* false: no memory (said so). */
bool foreign_add_map(struct foreign *f, const struct foreign_map *m);
bool foreign_add_present(struct foreign *f, uintptr_t lo, uintptr_t hi);
bool foreign_add_refused(struct foreign *f, uintptr_t lo, uintptr_t hi);
bool foreign_add_thread(struct foreign *f, pid_t tid, uintptr_t sp);
/* More registers of the thread that was added last. */
bool foreign_add_registers(struct foreign *f, const void *at, size_t size);

/* ---- foreign_info.c ---- */
/* For oak__witness: all goroutines, in order of id. source: the struct foreign. */
int64_t foreign_goroutines(bool (*fn)(const struct oak_goroutine_info *g, void *arg), void *arg,
                           void *source);
/* Its coarse clock. */
int64_t foreign_now(const struct foreign *f);

#endif
