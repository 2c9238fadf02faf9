/*
 * Event points: the places that traces, schedule exploration and tests hang on. Each is one predicted branch
 * while nobody listens. Internal.
 */
#ifndef OAK_SCHED_EVENT_H
#define OAK_SCHED_EVENT_H

#include "base/atomic.h"
#include "base/common.h"

struct oak__g;

enum oak__event_kind {
    OAK__EV_CREATE,  /* g was spawned */
    OAK__EV_START,   /* g runs on this thread, for the first time or again */
    OAK__EV_BLOCK,   /* g is about to park; its reason is in g */
    OAK__EV_UNBLOCK, /* g became runnable */
    OAK__EV_YIELD,
    OAK__EV_END,
    OAK__EV_SYSCALL, /* g lost or gave away its P */
    OAK__EV_RESUME,  /* g has a P again */
    OAK__EV_P_START,
    OAK__EV_P_STOP,
    OAK__EV_COUNT
};

typedef void (*oak__event_fn)(enum oak__event_kind kind, struct oak__g *g);
/* NULL: nobody listens. The listener runs entered, may be on any thread, and must not call the runtime. */
extern _Atomic(oak__event_fn) oak__event_listener;

static inline void oak__event(enum oak__event_kind kind, struct oak__g *g)
{
    oak__event_fn fn = load_relaxed(&oak__event_listener);
    if (unlikely(fn != NULL))
        fn(kind, g);
}

#endif
