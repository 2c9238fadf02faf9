/*
 * The read-write mutex as the library sees it; the protocol is in rwmutex.c.
 *
 * Internal: sync, inspect and leak may include it.
 */
#ifndef OAK_SYNC_RWMUTEX_H
#define OAK_SYNC_RWMUTEX_H

#include "sync/waitq.h"

#include <oakum/sync.h>

enum { OAK__RW_WANTS_WRITE = 1 }; /* a waiter's data; else it wants to read */
enum { OAK__RW_QUEUED = 1, OAK__RW_WRITER = 2, OAK__RW_SHIFT = 2 };

struct oak__rwmutex {
    _Atomic uint64_t state;     /* writer's id << 2 | WRITER, or number of readers << 2; | QUEUED */
    _Atomic uint32_t untracked; /* read locks that stand in no goroutine's list: see reads.h */
    oak__lock lock;             /* covers the queue and, while QUEUED is set, the state */
    struct oak__link queue;
};
_Static_assert(sizeof(struct oak__rwmutex) == sizeof(oak_rwmutex), "oak_rwmutex");
_Static_assert(_Alignof(struct oak__rwmutex) == _Alignof(oak_rwmutex), "oak_rwmutex");

static inline struct oak__rwmutex *rwmutex_of(oak_rwmutex *m)
{
    return (struct oak__rwmutex *)m;
}

#endif
