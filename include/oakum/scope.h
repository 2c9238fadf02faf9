/*
 * Scopes: structured concurrency. No child outlives its scope.
 *
 *     int err = 0;
 *     oak_scope(s, .policy = OAK_FAIL_FAST, .err = &err) {
 *         oak_go(s, fetch, url1);
 *         oak_go(s, fetch, url2);
 *     }                                        // here every child has ended, however the block was left
 *     if (err) ...
 *
 * A scope has a context, a child of the ambient one; it is ambient for the block and for the children.
 *
 * A scope that is NULL, or has been left (as long as its place on the stack is not used for something else):
 * -EINVAL, or NULL from functions that return pointers.
 */
#ifndef OAKUM_SCOPE_H
#define OAKUM_SCOPE_H

#include <oakum/ctx.h>
#include <oakum/go.h>

OAK__BEGIN

enum oak_policy {
    OAK_FAIL_FAST = 0, /* the first error cancels the other children */
    OAK_SUPERVISE,     /* errors are collected; the other children go on */
    OAK_RACE,          /* the first child that succeeds cancels the others; an error only if none does */
    OAK_QUORUM,        /* the same with .quorum successes */
};

struct oak_scope_opts {
    const char *name;       /* shown in reports; not copied */
    enum oak_policy policy; /* what the end of a child does to the others; none of these is a panic */
    unsigned quorum;        /* OAK_QUORUM: successes needed; 0 is 1 */
    unsigned limit;         /* children at a time; oak_go blocks at the limit. 0: no limit */
    int64_t timeout;  /* the scope's context ends after so many nanoseconds. 0: no limit; less: at once */
    int64_t shutdown; /* once cancelled, children that have not ended after so long are named on standard
                         error. 0: 10 seconds; less: at once. The scope still waits: no child outlives it */
    int *err;         /* where the scope's error is put when it is left; may be NULL */
};

/*
 * Opens a scope for the block that follows. Options as above, all may be left out. The block may be left in
 * any way (end, break, return, goto, panic); leaving waits for the children. break, return and goto out of
 * the block do not cancel the children; a panic does. Out of memory: the block runs, oak_go and every blocking call in it
 * return -ENOMEM, and so does the scope.
 */
#define oak_scope(...) OAK__CAT(OAK__SCOPE_, OAK__COUNT(__VA_ARGS__))(__VA_ARGS__)

/*
 * Waits until no child is running and returns the scope's error: 0, or the first child's (the panicked ones
 * -ENOTRECOVERABLE), or -ECANCELED / -ETIMEDOUT when the context ended first and no child failed. Owner only:
 * else -EPERM. -ECHILD: a race or a quorum was not won although no child failed: too few were started. More
 * children can be started afterwards. No context ends this wait.
 */
OAK_API int oak_scope_wait(oak_scope *s);
/* Cancels the scope's context, as oak_ctx_cancel. Any goroutine or thread while the scope is open. 0;
 * -EALREADY; -EINVAL. */
OAK_API int oak_scope_cancel(oak_scope *s, int cause);
/* No more children: oak_go then returns -EPIPE. 0 (also again); -EINVAL. */
OAK_API int oak_scope_close(oak_scope *s);
/* Records err (negative errno) as if a child had ended with it: for children that are plain OAK_TASKs. 0;
 * -EINVAL (also: err is not negative). */
OAK_API int oak_scope_fail(oak_scope *s, int err);
/* The scope of the calling goroutine's nearest open oak_scope block, else the scope it was started in; NULL
 * when free, or in a plain thread without memory. */
OAK_API oak_scope *oak_scope_current(void);
/* The scope's context (borrowed). */
OAK_API oak_ctx *oak_scope_ctx(oak_scope *s);

/* One error of a scope. */
struct oak_scope_error {
    int err;            /* negative errno */
    uint64_t goroutine; /* the child's id */
    const char *name;   /* its name or NULL */
    const char *panic;  /* what it panicked with, or NULL; valid until the scope is left */
};
/* The i-th error in the order they came (0 is the scope's error): 0, or -ENOENT past the last, -EINVAL (also:
 * out is NULL). At most 64 are kept; when memory is out the first one alone, and a panic without its text. */
OAK_API int oak_scope_error_at(oak_scope *s, size_t i, struct oak_scope_error *out);

/* ---- what the macros stand on; not for direct use ---- */

/* Storage of a scope; on its owner's stack. */
struct oak__scope_mem {
    uint64_t opaque[48];
};
#define OAK__SCOPE_OPTS(var, ...)                                                                            \
    for (struct oak__scope_mem var##__mem __attribute__((cleanup(oak__scope_leave))) = {{0}},                \
                                          *var##__once = &var##__mem;                                        \
         var##__once; var##__once = NULL)                                                                    \
        for (oak_scope * var __attribute__((unused)) =                                                       \
                 oak__scope_enter(&var##__mem, &(struct oak_scope_opts){__VA_ARGS__});                       \
             var##__once; var##__once = NULL)
#define OAK__SCOPE_1(var)                      OAK__SCOPE_OPTS(var, .name = #var)
#define OAK__SCOPE_2(var, a)                   OAK__SCOPE_OPTS(var, a)
#define OAK__SCOPE_3(var, a, b)                OAK__SCOPE_OPTS(var, a, b)
#define OAK__SCOPE_4(var, a, b, c)             OAK__SCOPE_OPTS(var, a, b, c)
#define OAK__SCOPE_5(var, a, b, c, d)          OAK__SCOPE_OPTS(var, a, b, c, d)
#define OAK__SCOPE_6(var, a, b, c, d, e)       OAK__SCOPE_OPTS(var, a, b, c, d, e)
#define OAK__SCOPE_7(var, a, b, c, d, e, f)    OAK__SCOPE_OPTS(var, a, b, c, d, e, f)
#define OAK__SCOPE_8(var, a, b, c, d, e, f, g) OAK__SCOPE_OPTS(var, a, b, c, d, e, f, g)
OAK_API oak_scope *oak__scope_enter(struct oak__scope_mem *mem, const struct oak_scope_opts *opts);
OAK_API void oak__scope_leave(struct oak__scope_mem *mem);

OAK__END

#endif
