/*
 * What waits in pipes and local sockets.
 *
 * A program that hands a pointer on by a pipe to itself may have no other reference to what it points to until somebody reads it. So
 * while all threads stand still the pipes that this process can read from, and its sockets of AF_UNIX, are looked into: what tee(2) and
 * MSG_PEEK show is there still afterwards. A message may put a pointer at any place, so words are looked for at each byte.
 *
 * What cannot be looked at in full (a queue that is longer than the room here, messages with descriptors in between) makes that nothing is
 * proven this time. Not looked at are other sockets, queues that another process alone can read from, and those of a process that is
 * looked at from outside.
 *
 * Internal to leak.
 */
#ifndef OAK_LEAK_QUEUES_H
#define OAK_LEAK_QUEUES_H

#include "leak/scratch.h"

enum oak__queue_kind { OAK__QUEUE_NONE, OAK__QUEUE_PIPE, OAK__QUEUE_STREAM, OAK__QUEUE_MESSAGES };

struct oak__queues {
    struct oak__queue {
        int fd;
        enum oak__queue_kind kind;
    } * at;
    size_t n;
    char *bytes; /* what was read */
    int in, out; /* a pipe to copy others' contents into; -1: not made yet */
};

/* Room for what will be read; before all threads stand still. 0 or -ENOMEM. */
int oak__queues_prepare(struct oak__queues *q, struct oak__scratch *s);
/* Notes fd if it is one. False: there are too many. */
bool oak__queues_note(struct oak__queues *q, int fd);
/* While all threads stand still: calls fn with what is in them, piece by piece. False: not all could be read. */
bool oak__queues_read(struct oak__queues *q, void (*fn)(void *arg, const char *bytes, size_t n), void *arg);
void oak__queues_close(struct oak__queues *q);

#endif
