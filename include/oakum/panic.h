/*
 * Panics, defers, recover.
 *
 * A panic unwinds the goroutine frame by frame along its chain of defers (no -fexceptions needed: the chain
 * belongs to the goroutine). It stops at the nearest oak_recover of the same goroutine; in a scope's child it
 * becomes an error of the scope; elsewhere every goroutine's stack is printed and the process ends by
 * SIGABRT. Works on plain threads too.
 */
#ifndef OAKUM_PANIC_H
#define OAKUM_PANIC_H

#include <oakum/base.h>

OAK__BEGIN

/* Panics with a message, formatted as by printf and cut at 255 bytes. */
OAK_API OAK_NORETURN void oak_panic(const char *fmt, ...) OAK_PRINTF(1, 2);

/*
 * Runs fn(arg) when the enclosing block is left, in any way, a panic included; the last one deferred runs
 * first. A panic inside a defer replaces the one on its way. (In a plain thread without memory for its first use of Oakum a
 * panic ends the process without running it.)
 */
#define oak_defer(fn, arg) OAK__DEFER(OAK__CAT(oak__defer_, __COUNTER__), fn, arg)

/* What a recovered panic said. */
struct oak_panic_info {
    char message[256];
    void *site;         /* program counter of the oak_panic call or the fault */
    int signal;         /* SIGSEGV, SIGBUS, SIGFPE when a fault became a panic (oak_panic_on_fault), else 0 */
    uint64_t goroutine; /* who panicked */
};

/*
 * Calls fn(arg). 0 when it returned; when it panicked, its defers have run, *info (may be NULL) tells what
 * happened and the result is -ENOTRECOVERABLE. -EINVAL (fn is NULL), -ENOMEM (a plain thread's first use): fn is not
 * called. Recovers only panics of the calling goroutine.
 */
OAK_API OAK_MUST_CHECK int oak_recover(void (*fn)(void *), void *arg, struct oak_panic_info *info);

/*
 * From now on SIGSEGV, SIGBUS and SIGFPE raised by a goroutine's own instruction become panics of it; by
 * default they are reported with the goroutine's stack and end the process. A stack overflow always ends the
 * process. Returns what was set.
 */
OAK_API bool oak_panic_on_fault(bool on);

/* ---- what the macros stand on; not for direct use ---- */

struct oak__defer {
    void (*fn)(void *);
    void *arg;
    struct oak__defer *outer;
    void *owner;
    void *frame;
    void *spare;
};
#define OAK__DEFER(d, fn, arg)                                                                               \
    struct oak__defer d __attribute__((cleanup(oak__defer_leave), unused)) = {0, 0, 0, 0, 0, 0};             \
    oak__defer_enter(&d, (fn), (arg))
OAK_API void oak__defer_enter(struct oak__defer *d, void (*fn)(void *), void *arg);
OAK_API void oak__defer_leave(struct oak__defer *d);

OAK__END

#endif
