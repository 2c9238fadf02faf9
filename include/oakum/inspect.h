/*
 * What the runtime knows about its goroutines, while it runs.
 */
#ifndef OAKUM_INSPECT_H
#define OAKUM_INSPECT_H

#include <oakum/base.h>
#include <stdio.h>

OAK__BEGIN

/* What a goroutine is doing. A new goroutine is runnable; only waiting ones can be leaked. */
enum oak_state {
    OAK_STATE_RUNNABLE = 1, /* in a run queue */
    OAK_STATE_RUNNING,      /* on a thread that holds a P */
    OAK_STATE_SYSCALL,      /* on a thread whose P was taken: a blocking call or a long computation */
    OAK_STATE_WAITING,      /* parked; see reason */
};

/* Why a goroutine waits. One list, many uses: OAK_WAIT_REASONS(X) expands X(enumerator, text). */
#define OAK_WAIT_REASONS(X)                                                                                  \
    X(NONE, "none")                                                                                          \
    X(CHAN_SEND, "chan send")                                                                                \
    X(CHAN_SEND_NIL, "chan send (nil chan)")                                                                 \
    X(CHAN_RECV, "chan receive")                                                                             \
    X(CHAN_RECV_NIL, "chan receive (nil chan)")                                                              \
    X(SELECT, "select")                                                                                      \
    X(SELECT_EMPTY, "select (no cases)")                                                                     \
    X(SLEEP, "sleep")                                                                                        \
    X(MUTEX, "sync.Mutex.Lock")                                                                              \
    X(RWMUTEX_W, "sync.RWMutex.Lock")                                                                        \
    X(RWMUTEX_R, "sync.RWMutex.RLock")                                                                       \
    X(COND, "sync.Cond.Wait")                                                                                \
    X(WAITGROUP, "sync.WaitGroup.Wait")                                                                      \
    X(ONCE, "once")                                                                                          \
    X(SEMAPHORE, "semacquire")                                                                               \
    X(IO, "IO wait")                                                                                         \
    X(SCOPE, "scope wait")                                                                                   \
    X(SCOPE_LIMIT, "scope limit")                                                                            \
    X(BLOCKED_FOREVER, "blocked for ever")
enum oak_wait_reason {
#define OAK__X(name, text) OAK_WAIT_##name,
    OAK_WAIT_REASONS(OAK__X)
#undef OAK__X
        OAK_WAIT_REASON_COUNT
};
/* "chan receive" and so on; "?" for a value out of range. */
OAK_API const char *oak_wait_reason_name(enum oak_wait_reason r);
OAK_API const char *oak_state_name(enum oak_state s);

#define OAK_MAX_FRAMES 32

struct oak_goroutine_info {
    uint64_t id;
    uint64_t parent;  /* id of the goroutine that started it; 0: a plain thread */
    const char *name; /* or NULL */
    enum oak_state state;
    enum oak_wait_reason reason; /* when waiting */
    const void *wait_object;     /* channel, mutex, ... ; NULL for several (select) or none */
    int64_t wait_since;          /* oak_now() clock, coarse (10 ms); 0 when not waiting */
    bool has_deadline;           /* the wait ends by itself: a timer, a time limit, an ambient deadline */
    const void *entry;           /* the function it runs */
    const void *created_at;      /* program counter of the call that started it */
    const void *scope;           /* or NULL */
    const char *scope_name;      /* or NULL */
    const void *frames[OAK_MAX_FRAMES]; /* stack of a goroutine that is not running, innermost first */
    int nframes;
};

/*
 * Calls fn for a consistent copy of each goroutine, in order of id; stops when fn returns false. Running
 * goroutines have no frames. Goroutines go on meanwhile: no world is stopped. What *g points to is valid
 * during the call only. fn must not block on Oakum objects; it may panic. From a goroutine or a plain thread. How many were
 * visited, or -ENOMEM, -EINVAL (fn is NULL).
 */
OAK_API int64_t oak_goroutines(bool (*fn)(const struct oak_goroutine_info *g, void *arg), void *arg);

/* A scope whose block has not been left yet. */
struct oak_scope_info {
    const void *scope;     /* as in oak_goroutine_info */
    const void *parent;    /* the scope in which it was opened; NULL: in none */
    int depth;             /* how many there are above it */
    uint64_t owner;        /* id of the goroutine that has opened it */
    const char *name;      /* or NULL */
    const void *opened_at; /* program counter of the block's beginning */
    unsigned children;     /* that have not ended, those about to be started among them */
    bool closed;           /* it takes no more children */
    int err;               /* of its context: 0, -ECANCELED, -ETIMEDOUT; -ENOMEM: it could not be opened */
};

/*
 * Calls fn for a copy of each live scope, parents before what was opened in them: the tree of scopes as it was at one moment;
 * stops when fn returns false. What *s points to is valid during the call only (scope and parent are names, not to be
 * looked into). fn may block and panic. From a goroutine or a plain thread. How many were visited, or -ENOMEM, -EINVAL (fn
 * is NULL).
 */
OAK_API int64_t oak_scopes(bool (*fn)(const struct oak_scope_info *s, void *arg), void *arg);

struct oak_stats {
    uint64_t created, ended; /* goroutines since the start; alive = created - ended */
    uint64_t runnable, running, syscall,
        waiting;               /* alive ones now; they need not add up exactly while things move */
    uint32_t procs, threads;   /* Ps; threads made by the runtime */
    uint64_t stack_bytes;      /* reserved for stacks in use and cached */
    uint64_t descriptor_bytes; /* memory of the runtime's own tables */
    uint64_t stacks_away;      /* put away by compact mode (oak_compact) just now */
};
/* Fills *out. Never blocks; any thread. 0 or -EINVAL. */
OAK_API int oak_stats_read(struct oak_stats *out);

/*
 * Where a program counter of the structs above is: "function (file.c:12)", "function+0x1c (module)",
 * "module+0x12c" or the bare address, by what is known. A return address is looked up as the call before it,
 * the start of a function as that function. Loads libdw at first use. buf is always terminated unless size is
 * 0. Length as snprintf; -EINVAL (buf is NULL and size is not 0). May take milliseconds; any goroutine or
 * thread, not from signal handlers. pc may be anything: nothing is read there.
 */
OAK_API int oak_symbolize(const void *pc, char *buf, size_t size);

/*
 * Writes the goroutine report: grouped by state, wait reason, stack and creator, with count and age; most
 * numerous first. OAK_REPORT_FULL: one entry a goroutine, and the tree of scopes at the end. May take milliseconds; any goroutine or thread, not
 * from signal handlers. f is flushed. 0; -EINVAL (f is NULL, an unknown flag), -ENOMEM, or what writing to f failed
 * with: -ENOSPC for a full disk, -EBADF for a stream that is not open for writing, and so on. (A pipe without a
 * reader raises SIGPIPE, as with every stream; unless that is ignored, then -EPIPE.)
 */
enum { OAK_REPORT_FULL = 1 };
OAK_API int oak_report(FILE *f, unsigned flags);

OAK__END

#endif
