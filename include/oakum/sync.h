/*
 * Mutex, read-write mutex, condition, wait group, once, semaphore, error group.
 *
 * An object that is all zero bytes is ready to use: `static oak_mutex mu;` needs no initialiser. Objects may
 * live anywhere (globals, heap, stacks) but must not move or be freed while in use. All work from goroutines
 * and plain threads; a blocked goroutine costs no thread. Blocking calls end with -ECANCELED or -ETIMEDOUT
 * when the ambient context ends. None of them allocates, but for a plain thread's first use (base.h): then what takes a
 * lock, waits, or tries to take a lock, may also return -ENOMEM.
 *
 * A lock belongs to the goroutine that took it: unlocking it from another, or when it is not locked, is a
 * panic that names the caller. That is what makes lock cycles provable; for hand-overs between goroutines use
 * a semaphore.
 *
 * NULL for an object: -EINVAL from functions that return an error, a panic that names the caller from those that
 * return nothing. Objects have no mark of their own: what is not zero bytes before its first use is not told. A
 * time limit of 0 or less: one try, then -ETIMEDOUT.
 */
#ifndef OAKUM_SYNC_H
#define OAKUM_SYNC_H

#include <oakum/base.h>

OAK__BEGIN

/* ---- mutex: not recursive; locking twice from one goroutine blocks for ever and is a provable leak ---- */

typedef struct oak_mutex {
    uint64_t oak__state;
    void *oak__queue[3];
} oak_mutex;

/* 0, -ECANCELED, -ETIMEDOUT, -EINVAL (NULL). On any error the lock is not held. */
OAK_API OAK_MUST_CHECK int oak_mutex_lock(oak_mutex *m);
/* The same with a time limit in nanoseconds. */
OAK_API OAK_MUST_CHECK int oak_mutex_lock_timeout(oak_mutex *m, int64_t limit);
/* 0, -EBUSY when it is held (by the caller, too), -EINVAL (NULL). Never blocks. */
OAK_API OAK_MUST_CHECK int oak_mutex_trylock(oak_mutex *m);
/* Panics when m is NULL, not locked, or locked by another goroutine. Never blocks. */
OAK_API void oak_mutex_unlock(oak_mutex *m);

/* ---- read-write mutex: many readers or one writer; once a writer waits, new readers queue behind it ---- */

typedef struct oak_rwmutex {
    uint64_t oak__state[2];
    void *oak__queue[2];
} oak_rwmutex;

/* All as oak_mutex_lock and so on. A reader that locks for writing too waits for itself: a provable leak. */
OAK_API OAK_MUST_CHECK int oak_rwmutex_lock(oak_rwmutex *m);
OAK_API OAK_MUST_CHECK int oak_rwmutex_lock_timeout(oak_rwmutex *m, int64_t limit);
OAK_API OAK_MUST_CHECK int oak_rwmutex_trylock(oak_rwmutex *m);
/* Panics when m is NULL, or the caller is not the writer that holds it. */
OAK_API void oak_rwmutex_unlock(oak_rwmutex *m);
OAK_API OAK_MUST_CHECK int oak_rwmutex_rlock(oak_rwmutex *m);
OAK_API OAK_MUST_CHECK int oak_rwmutex_rlock_timeout(oak_rwmutex *m, int64_t limit);
OAK_API OAK_MUST_CHECK int oak_rwmutex_tryrlock(oak_rwmutex *m);
/* Panics when m is NULL, when no reader holds the lock, or (checked for up to 8 read locks a goroutine) when the caller is
 * none of them. */
OAK_API void oak_rwmutex_runlock(oak_rwmutex *m);

/* ---- condition: always used with one mutex ---- */

typedef struct oak_cond {
    void *oak__queue[3];
} oak_cond;

/*
 * Unlocks m, waits for a signal, locks m again. m is held again on every return, errors included (when
 * cancelled, too: the re-lock is not cancelled). 0, -ECANCELED, -ETIMEDOUT, -EINVAL (c or m is NULL; nothing
 * happens). Panics when the caller does not hold m. Check the condition in a loop.
 */
OAK_API OAK_MUST_CHECK int oak_cond_wait(oak_cond *c, oak_mutex *m);
OAK_API OAK_MUST_CHECK int oak_cond_wait_timeout(oak_cond *c, oak_mutex *m, int64_t limit);
/* Wakes the longest waiter / all waiters. Never blocks; the mutex need not be held. 0 or -EINVAL. */
OAK_API int oak_cond_signal(oak_cond *c);
OAK_API int oak_cond_broadcast(oak_cond *c);

/* ---- wait group: waits until a count is zero ---- */

typedef struct oak_waitgroup {
    uint64_t oak__state;
    void *oak__queue[3];
} oak_waitgroup;

/* Adds n (may be negative) to the count. A negative count, or NULL, is a panic that names the caller. Never
 * blocks. */
OAK_API void oak_waitgroup_add(oak_waitgroup *wg, int n);
/* oak_waitgroup_add(wg, -1). */
OAK_API void oak_waitgroup_done(oak_waitgroup *wg);
/* Blocks until the count is zero. 0, -ECANCELED, -ETIMEDOUT, -EINVAL. */
OAK_API OAK_MUST_CHECK int oak_waitgroup_wait(oak_waitgroup *wg);
OAK_API OAK_MUST_CHECK int oak_waitgroup_wait_timeout(oak_waitgroup *wg, int64_t limit);

/* ---- once ---- */

typedef struct oak_once {
    uint64_t oak__state;
    void *oak__queue[3];
} oak_once;

/*
 * Runs fn(arg) if this is the first call for o, and returns when it has run, whoever ran it. A panic in fn
 * counts as run. 0, -EINVAL (o or fn is NULL), -ECANCELED, -ETIMEDOUT (while waiting for another's run), -EDEADLK (called from
 * fn itself).
 */
OAK_API OAK_MUST_CHECK int oak_once_do(oak_once *o, void (*fn)(void *), void *arg);

/* ---- counting semaphore, first in first out: a large request is not overtaken by small ones ---- */

typedef struct oak_sem {
    int64_t oak__count;
    void *oak__queue[3];
} oak_sem;

/* n: 0 or more. */
#define OAK_SEM_INIT(n)                                                                                      \
    {                                                                                                        \
        (n),                                                                                                 \
        {                                                                                                    \
            NULL, NULL, NULL                                                                                 \
        }                                                                                                    \
    }
/* Sets the count before first use. 0 or -EINVAL (NULL, n < 0). */
OAK_API int oak_sem_init(oak_sem *s, int64_t n);
/* Takes n when the count allows, else blocks. 0, -ECANCELED, -ETIMEDOUT, -EINVAL (NULL, n < 1); on error none
 * is taken. */
OAK_API OAK_MUST_CHECK int oak_sem_acquire(oak_sem *s, int64_t n);
OAK_API OAK_MUST_CHECK int oak_sem_acquire_timeout(oak_sem *s, int64_t n, int64_t limit);
/* 0, -EAGAIN, -EINVAL (NULL, n < 1). Never blocks. */
OAK_API OAK_MUST_CHECK int oak_sem_try_acquire(oak_sem *s, int64_t n);
/* Gives n back; from anybody, also plain threads. Never blocks. 0, -EINVAL (NULL, n < 1), -EOVERFLOW (more than
 * INT64_MAX; nothing is given). */
OAK_API int oak_sem_release(oak_sem *s, int64_t n);

/* ---- error group: goroutines that report one error; the first cancels the rest. Go's errgroup; see also
 * scope.h ---- */

typedef struct oak_errgroup oak_errgroup;
struct oak_ctx;

/* A new group whose goroutines run under a child of the ambient context; at most limit at a time (0: no
 * limit). NULL: no memory. */
OAK_API OAK_MUST_CHECK oak_errgroup *oak_errgroup_new(unsigned limit);
/* Starts fn(arg); its negative result is the group's error if it is the first. Blocks at the limit. 0, -ENOMEM,
 * -EAGAIN, -ECANCELED, -ETIMEDOUT; -EINVAL (g or fn is NULL; as far as that can be told, g is no group any
 * more). */
OAK_API OAK_MUST_CHECK int oak_errgroup_go(oak_errgroup *g, int (*fn)(void *), void *arg);
/* The context of the group's goroutines (borrowed). NULL: g is none. */
OAK_API struct oak_ctx *oak_errgroup_ctx(oak_errgroup *g);
/* Waits for all, frees the group, returns its first error or 0. When this wait itself is cancelled it cancels
 * the group and still waits: the group's goroutines have ended in every case. -EINVAL: g is NULL or no group any
 * more, or somebody waits already. -ENOMEM: a plain thread's first use; nothing has happened. */
OAK_API OAK_MUST_CHECK int oak_errgroup_wait(oak_errgroup *g);

OAK__END

#endif
