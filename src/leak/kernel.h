/*
 * What the kernel keeps for the program.
 *
 * With a descriptor in an epoll set the program gives the kernel a word, often the only pointer to a connection that there is, and
 * gets it back with an event; with a timer the same. Such words are references, but lie in no memory of the process. /proc
 * tells them, at about a microsecond each, and only the moment at which all threads stand still knows which belong to the
 * image: so they are read then, from the sets that were found before. (A set that is made in between, and of which the program
 * forgets all pointers that it has just put in, is not seen.) The library's own sets are left out: what is in them is known otherwise.
 *
 * What this process has written to pipes and local sockets and not read yet is looked at, too (queues.h).
 *
 * Not told are the words of an io_uring's requests, or of those of io_submit(2): with such a ring in the process nothing can be proven.
 *
 * Internal to leak, and the tool.
 */
#ifndef OAK_LEAK_KERNEL_H
#define OAK_LEAK_KERNEL_H

#include "leak/queues.h"

struct oak__kernel {
    char proc[24]; /* the process's folder: a thread's that has not ended */
    bool own;      /* it is this process's */
    int *sets;     /* descriptors */
    size_t nsets;
    uintptr_t *words;
    size_t nwords;
    struct oak__queues queues; /* of this process */
    bool hidden;               /* there are more words than could be read */
};

/* Finds the sets. pid 0: this process, which goes on meanwhile; else another one's (a thread's will do), stopped. 0 or -ENOMEM. */
int oak__kernel_find(struct oak__kernel *k, struct oak__scratch *s, int pid);
/* While all threads, but for the caller's, stand still: reads the words. Allocates nothing, takes no lock. */
void oak__kernel_read(struct oak__kernel *k);
void oak__kernel_close(struct oak__kernel *k);

#endif
