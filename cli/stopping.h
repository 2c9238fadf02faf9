/*
 * All threads of a process, stopped by ptrace.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT: no signal is sent, and a process that a signal has stopped (SIGSTOP) stays stopped when
 * it is let go. A signal that was just being delivered is delivered then. Should this tool be killed meanwhile, the kernel
 * lets the threads go on as well.
 */
#ifndef OAKUM_CLI_STOPPING_H
#define OAKUM_CLI_STOPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stopping {
    pid_t pid;
    struct stopped {
        pid_t tid;
        bool ended; /* or is ending; it counts no more */
        bool group; /* a signal has stopped the whole process */
        int signal; /* to be delivered when the thread goes on; 0: none */
    } * threads;
    size_t n, room;
    pid_t tracer; /* EBUSY: who traces the process already */
    pid_t stuck;  /* ETIMEDOUT: the thread that does not stop */
};

/* 0; or ESRCH (there is no process, or it has ended), EPERM, EBUSY, ETIMEDOUT, ENOMEM. In each case: let go afterwards. */
int stopping_all(struct stopping *s);
/* The same for one of its threads. */
int stopping_one(struct stopping *s, pid_t tid);
/* A thread that has not ended: by its number all of the process can be asked for, also when the first thread has ended. 0: none. */
pid_t stopping_alive(const struct stopping *s);
void stopping_let_go(struct stopping *s);

#endif
