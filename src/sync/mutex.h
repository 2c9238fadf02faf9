/*
 * The mutex as the library sees it; the protocol is in mutex.c.
 *
 * Internal: sync, scope, inspect and leak may include it.
 */
#ifndef OAK_SYNC_MUTEX_H
#define OAK_SYNC_MUTEX_H

#include "sync/waitq.h"

#include <oakum/sync.h>

struct oak__mutex {
    _Atomic uint64_t state; /* id of the owner << 2 | mode; below 4: nobody owns it */
    oak__lock lock;         /* covers the queue and, where waiters are queued, the mode */
    struct oak__link queue;
};
_Static_assert(sizeof(struct oak__mutex) == sizeof(oak_mutex), "oak_mutex");
_Static_assert(_Alignof(struct oak__mutex) == _Alignof(oak_mutex), "oak_mutex");

static inline struct oak__mutex *mutex_of(oak_mutex *m)
{
    return (struct oak__mutex *)m;
}

/* Id of the goroutine that holds it, or 0. Exact for the caller itself, a snapshot for others. */
static inline uint64_t mutex_owner(struct oak__mutex *m)
{
    return load_relaxed(&m->state) >> 2;
}

/* For the condition. release: entered, by the owner. relock: not entered, and nothing cancels it. */
void oak__mutex_release(struct oak__mutex *m, struct oak__g *g);
void oak__mutex_relock(struct oak__mutex *m, struct oak__g *g);

#endif
