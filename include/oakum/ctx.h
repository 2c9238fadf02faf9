/*
 * Contexts: cancellation, deadlines and values, handed down.
 *
 * Every goroutine has an ambient context, inherited from the scope it was started in. When it ends, each
 * blocking call of the goroutine, now and later, returns -ECANCELED or -ETIMEDOUT: nobody has to look at it.
 * Explicit contexts work as in Go.
 *
 * NULL is the background context: it never ends. Contexts are reference counted; functions here are safe from
 * any thread and never block unless they say so.
 *
 * A handle that is no context, or whose last reference has been given back (until the memory is used again):
 * -EINVAL from functions that return an error, a panic that names the caller from all others.
 */
#ifndef OAKUM_CTX_H
#define OAKUM_CTX_H

#include <oakum/chan.h>

OAK__BEGIN

typedef struct oak_ctx oak_ctx;

/* The calling goroutine's ambient context (borrowed: valid while it stays ambient). NULL: background, which is also a plain
 * thread's that has no memory for its first use of Oakum. */
OAK_API oak_ctx *oak_ctx_current(void);

/* A child of parent (NULL: background) that can be cancelled. The caller owns one reference. NULL when out of
 * memory. */
OAK_API OAK_MUST_CHECK oak_ctx *oak_ctx_new(oak_ctx *parent);
/* A child that also ends by itself, with -ETIMEDOUT, d nanoseconds from now / at time t; at once when that is
 * not in the future. */
OAK_API OAK_MUST_CHECK oak_ctx *oak_ctx_with_timeout(oak_ctx *parent, int64_t d);
OAK_API OAK_MUST_CHECK oak_ctx *oak_ctx_with_deadline(oak_ctx *parent, int64_t t);
/* A child that carries a value under key (compared by address; under NULL nothing is ever found). The value is
 * not owned. */
OAK_API OAK_MUST_CHECK oak_ctx *oak_ctx_with_value(oak_ctx *parent, const void *key, void *value);

/* One more reference; returns c. One less: the last one frees it. NULL does nothing in both. One less than
 * there are is a panic. */
OAK_API oak_ctx *oak_ctx_ref(oak_ctx *c);
OAK_API void oak_ctx_unref(oak_ctx *c);

/*
 * Ends c and all its descendants with -ECANCELED; blocked goroutines under them wake. Only the first end
 * counts. cause: any non-zero code for oak_ctx_cause(), 0 means -ECANCELED. 0; -EALREADY; -EINVAL (c is
 * NULL).
 */
OAK_API int oak_ctx_cancel(oak_ctx *c, int cause);

/* 0 while live, else -ECANCELED or -ETIMEDOUT. */
OAK_API int oak_ctx_err(const oak_ctx *c);
/* What the canceller gave as cause, -ETIMEDOUT after a deadline, 0 while live. */
OAK_API int oak_ctx_cause(const oak_ctx *c);
/* The earliest deadline of c and its ancestors on oak_now()'s clock; OAK_FOREVER when none. */
OAK_API int64_t oak_ctx_deadline(const oak_ctx *c);
/* The value under key in c or its nearest ancestor that has one; NULL. */
OAK_API void *oak_ctx_value(const oak_ctx *c, const void *key);

/*
 * A channel that is closed when c ends, for select: oak_on_recv(oak_ctx_done(c), &(char){0}). Owned by c:
 * not to be closed or freed by anybody else.
 * Background: NULL, which is never ready. Out of memory: NULL as well; oak_ctx_err() still tells.
 */
typedef oak_chan(char) oak_done_chan;
OAK_API oak_done_chan oak_ctx_done(oak_ctx *c);

/*
 * Runs fn(arg) in a goroutine of its own when c ends (at once if it has; when there is no memory for one then, as soon
 * as there is). Returns a handle for oak_ctx_after_stop, or NULL when out of memory (or fn is NULL). The handle holds c
 * and lives until stopped; stop returns true when fn will not run; false also for NULL and for a handle that was
 * stopped before.
 */
typedef struct oak_after oak_after;
OAK_API OAK_MUST_CHECK oak_after *oak_ctx_after(oak_ctx *c, void (*fn)(void *), void *arg);
OAK_API bool oak_ctx_after_stop(oak_after *a);

/*
 * Blocks with another ambient context:
 *
 *     oak_with_ctx(c) { ... }                   c is ambient inside
 *     oak_with_timeout(OAK_SECOND) { ... }      a child of the ambient context that ends after a second
 *     oak_shield(OAK_SECOND) { ... }            clean-up: feels its own deadline, not the outer context's end
 *
 * Each way out (end, break, return, goto, panic) restores the former one. Out of memory: every blocking call
 * inside returns -ENOMEM, to the end of the block. From goroutines and plain threads.
 */
#define oak_with_ctx(c)     OAK__AMBIENT(ctx, c)
#define oak_with_timeout(d) OAK__AMBIENT(timeout, d)
#define oak_shield(d)       OAK__AMBIENT(shield, d)

/* ---- what the macros stand on; not for direct use ---- */

/* Storage of such a block; on the stack. */
struct oak__ambient {
    void *opaque[8];
};
#define OAK__AMBIENT(kind, arg) OAK__AMBIENT_N(__COUNTER__, kind, arg)
#define OAK__AMBIENT_N(n, kind, arg)                                                                         \
    OAK__AMBIENT_OF(OAK__CAT(oak__amb_, n), OAK__CAT(oak__amb_once_, n), kind, arg)
#define OAK__AMBIENT_OF(a, once, kind, arg)                                                                  \
    for (struct oak__ambient a __attribute__((cleanup(oak__ambient_leave))) = {{NULL}},                      \
                               *once = oak__ambient_enter_##kind(&a, (arg));                                 \
         once; once = NULL)
/* Never NULL, so that the compiler knows that the block runs. */
#define OAK__AMBIENT_ENTER OAK_API __attribute__((returns_nonnull)) struct oak__ambient *
OAK__AMBIENT_ENTER oak__ambient_enter_ctx(struct oak__ambient *a, oak_ctx *c);
OAK__AMBIENT_ENTER oak__ambient_enter_timeout(struct oak__ambient *a, int64_t d);
OAK__AMBIENT_ENTER oak__ambient_enter_shield(struct oak__ambient *a, int64_t d);
OAK_API void oak__ambient_leave(struct oak__ambient *a);

OAK__END

#endif
