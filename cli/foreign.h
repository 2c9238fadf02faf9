/*
 * A process seen from outside, as the leak proof looks at it: its memory, its threads, the runtime's books.
 *
 * Two sources fill it in: a live process, stopped for as long as it takes to copy what it has written to
 * (foreign_pid.c, foreign_copy.c), and a core file (foreign_core.c). Everything is a copy or the file; the process goes on, or
 * has ended.
 */
#ifndef OAKUM_CLI_FOREIGN_H
#define OAKUM_CLI_FOREIGN_H

#include "leaks_fail.h"

#include "leak/debug_root.h"
#include "leak/kernel.h"
#include "leak/report.h"

#include <sys/types.h>

/* A mapping, and the file behind it if there is one. */
struct foreign_map {
    uintptr_t lo, hi;
    uint64_t offset, inode;
    uint32_t flags; /* oak__mapping_flags */
    bool executable;
    const char *local; /* a copy of its bytes; NULL: none */
    char *path;        /* NULL: none */
    const char *text;  /* the file's bytes, for what was not written to; NULL: not asked for yet */
    size_t ntext;
    bool no_text; /* they cannot be had */
};

struct foreign {
    char name[160]; /* "process 17", or the core file's: for messages */
    struct oak__scratch scratch;
    struct foreign_map *maps; /* sorted, not overlapping */
    size_t nmaps, maps_room;
    struct oak__span *present; /* sorted: what was copied, or is in the file */
    size_t npresent, present_room;
    /* Perhaps written to, and cannot be read: guards of stacks, or memory that lacks. */
    struct oak__span *refused;
    size_t nrefused, refused_room;
    struct oak__thread *threads;
    size_t nthreads, threads_room;
    char *registers; /* of all threads, one after the other */
    size_t nregisters, registers_room;
    pid_t pid;                 /* the process's; 0: it is a core file */
    pid_t via;                 /* a thread of it that has not ended: of which /proc is asked */
    pid_t first;               /* the first thread */
    const char *core;          /* the file; NULL: it is a process */
    const char *program;       /* that it is said to have run */
    const char *exe;           /* where that was then; NULL: not known */
    struct oak__kernel kernel; /* of a process: what the kernel keeps for it */
    struct oak__scratch words; /* which lies here */
    bool lacks;                /* memory that the program could write to is not there */
    bool other_files;          /* a file behind its code is gone, or another one by now: names lack */
    int64_t pause;

    struct oak__debug_root root;
    struct oak__image img;
    struct oak__tables tables;
};

/* All of these: 0, or an exit status; then they have said why on standard error. */
/* by_clone: the process stands still while it is cloned, not while it is copied (twin.h). */
int foreign_from_pid(struct foreign *f, pid_t pid, bool by_clone);
int foreign_from_core(struct foreign *f, const char *core, const char *program);
/* After one of these: finds the runtime's books in it, makes image and tables. */
int foreign_open(struct foreign *f);

/* ---- for the sources ---- */
int foreign_no_memory(const struct foreign *f);
int foreign_lacks(const struct foreign *f);
/* false: no memory. */
bool foreign_add_map(struct foreign *f, const struct foreign_map *m);
bool foreign_add_present(struct foreign *f, uintptr_t lo, uintptr_t hi);
bool foreign_add_refused(struct foreign *f, uintptr_t lo, uintptr_t hi);
void foreign_sort_present(struct foreign *f);
/* One span more at the end of a sorted list; false: no memory. */
bool foreign_add_span(struct oak__span **list, size_t *n, size_t *room, uintptr_t lo, uintptr_t hi);
bool foreign_add_thread(struct foreign *f, pid_t tid, uintptr_t sp);
/* More registers of the thread that was added last. */
bool foreign_add_registers(struct foreign *f, const void *at, size_t size);
/* The mapping that a lies in; NULL: none. */
struct foreign_map *foreign_map_of(const struct foreign *f, uintptr_t a);
/* Index of the first present span that ends above a. */
size_t foreign_present_from(const struct foreign *f, uintptr_t a);

/* ---- foreign_copy.c ---- */
/* While the process runs: makes room for what will have to be copied, so that it waits the less. May come to nothing. */
void foreign_copy_prepare(struct foreign *f, pid_t pid);
enum foreign_memory { FOREIGN_SHARED = 1, FOREIGN_PRIVATE = 2 };
/* All that the process (by a thread's number) has written to, of the kinds in `which`. 0 or an errno. */
int foreign_copy(struct foreign *f, pid_t pid, unsigned which);

/* ---- foreign_files.c ---- */
/* The file behind a mapping, as the process sees it; -1: it cannot be had. */
int foreign_open_file(struct foreign *f, const struct foreign_map *m);
/* For oak__symbol_target. source: the struct foreign. */
int foreign_open_module(void *source, const char *path, uint64_t base);
/* Text of the program; NULL: none. What was not written to is read in its file. */
const char *foreign_text(struct foreign *f, uintptr_t a, char *buf, size_t size);
/* The program of a core file is the one that left it: 0 or an exit status. */
int foreign_check_program(struct foreign *f);

/* ---- foreign_info.c ---- */
/* For oak__witness: all goroutines, in order of id. source: the struct foreign. */
int64_t foreign_goroutines(bool (*fn)(const struct oak_goroutine_info *g, void *arg), void *arg,
                           void *source);
/* Its coarse clock. */
int64_t foreign_now(const struct foreign *f);

#endif
