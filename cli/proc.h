/*
 * What /proc says of a process and of its threads.
 */
#ifndef OAKUM_CLI_PROC_H
#define OAKUM_CLI_PROC_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct proc_status {
    char state;     /* 'R', 'S', 'T', 'Z', ... */
    pid_t process;  /* that the thread belongs to */
    pid_t tracer;   /* who traces it; 0: nobody */
    pid_t inner;    /* its number in its own PID namespace: what gettid() says there */
    bool of_kernel; /* a thread of the kernel itself */
    bool filtered;  /* its system calls go through a filter (seccomp); also when that cannot be told */
};

/* Of a thread, or of a process's first one. False: there is none (any more). */
bool proc_status(pid_t tid, struct proc_status *out);
/* It has ended, though its number may still be taken (a zombie). */
bool proc_has_ended(pid_t tid);
/* /proc/PID/WHAT, opened for reading; -1 and errno. */
int proc_open(pid_t pid, const char *what);
/* The same as a stream; NULL and errno. */
FILE *proc_stream(pid_t pid, const char *what);

#endif
