/*
 * Goroutines: start one, give way, sleep, and tell the scheduler about blocking calls.
 *
 *     OAK_TASK(greet, const char *, name, int, times)
 *     {
 *         for (int i = 0; i < times; i++)
 *             printf("hello, %s\n", name);
 *     }
 *     ...
 *     oak_go(s, greet, "world", 3);          // in scope s; the arguments are evaluated here and copied
 *
 * A goroutine runs on some thread of the scheduler until it blocks, yields or ends; it may go on on another
 * thread afterwards. Thread-local variables of other libraries are therefore stable only between two Oakum
 * calls.
 */
#ifndef OAKUM_GO_H
#define OAKUM_GO_H

#include <oakum/base.h>

OAK__BEGIN

typedef struct oak_scope oak_scope;

/*
 * Starts the runtime if it is not yet started, runs app(argc, argv) as the main goroutine and returns its
 * result. Other goroutines are not waited for (use a scope) and go on running. Call it from a plain thread,
 * never from a goroutine: there it returns -EDEADLK. May be called again after it has returned. Also -EINVAL
 * (app is NULL), -ENOMEM, and what oak_spawn says of the start, which may be tried again. With OAK_LEAKCHECK=1
 * in the environment leaks are looked for when app has returned and when the program ends (main returns,
 * anybody calls exit); if one is proven, it is printed to standard error and the result, or the exit status,
 * becomes 23. (0 or nothing: they are not; what is neither is told on standard error.)
 */
OAK_API int oak_run(int (*app)(int argc, char **argv), int argc, char **argv);

/* The main function of a program that is nothing but goroutines: OAK_MAIN(app) is `int main` that returns
 * oak_run(app, argc, argv). */
#define OAK_MAIN(app)                                                                                        \
    int main(int argc, char **argv)                                                                          \
    {                                                                                                        \
        return oak_run(app, argc, argv);                                                                     \
    }

/* Number of Ps: how many goroutines can run at the same time. 1 when the runtime cannot be started. Any thread. */
OAK_API int oak_procs(void);

/*
 * Compact mode, for programs with very many goroutines that wait for long: stacks of goroutines that have been parked for at least
 * parked_for nanoseconds are put away (some hundred bytes of each remain) and brought back when they are needed. May be called
 * again, to change parked_for. OAK_COMPACT=1 in the environment (or a time: OAK_COMPACT=250ms) does the same at the start,
 * with one second. Any thread; starts the runtime. 0; -EINVAL (parked_for is negative), -ENOTSUP (the kernel cannot: it takes
 * MADV_GUARD_INSTALL of Linux 6.13 and userfaultfd(2); under a sanitizer), -EBUSY (the program has a handler for SIGSEGV or SIGBUS
 * of its own), -ENOMEM, -EAGAIN, -EMFILE, -ENFILE.
 *
 * What it costs: microseconds at the first touch of such a stack, whoever touches it. And three rules. A buffer on the
 * stack of a goroutine that waits (but for I/O of its own: those stacks stay) must not be handed to a system call by
 * somebody else: the call may fail with EFAULT. Oakum's connections know what to do then, other calls do not. Threads
 * of the program that touch such a stack must not block SIGSEGV and SIGBUS. The program must leave these signals'
 * handlers, and descriptors that it has not opened, alone.
 */
OAK_API int oak_compact(int64_t parked_for);

/* What can be said about a goroutine when it is started; zero or NULL means default. */
struct oak_spawn_opts {
    const char *name;  /* shown in reports; not copied: a string that outlives the goroutine */
    size_t stack_size; /* bytes wanted; rounded up to 16K, 64K (default), 256K, 1M or 8M; more: -EINVAL */
    oak_scope
        *scope; /* the scope it belongs to; NULL: a free ("detached") goroutine */
};

/*
 * Starts a goroutine that runs fn(arg), free of any scope and with the background context. The caller keeps
 * ownership of *arg and must keep it valid. Returns 0, -EINVAL (fn is NULL), -ENOMEM; and where the first use cannot start
 * the runtime also -EAGAIN (no thread), -EMFILE, -ENFILE, -ENOSPC (no descriptor). Never blocks nor
 * switches; any thread (the first use starts the runtime). With fewer threads than it wants the runtime goes on, and tries to
 * make more.
 */
OAK_API int oak_spawn(void (*fn)(void *), void *arg);
/* The same with options. Also -ECANCELED / -EPIPE when opts->scope is cancelled / closed, -EINVAL (opts is NULL,
 * too large a stack, a scope that has been left). May block at the scope's limit. */
OAK_API OAK_MUST_CHECK int oak_spawn_with(const struct oak_spawn_opts *opts, void (*fn)(void *), void *arg);

/* Lets other runnable goroutines run first. From a plain thread: sched_yield(2). */
OAK_API void oak_yield(void);

/*
 * Blocks this goroutine (or plain thread) for at least ns nanoseconds; ns <= 0 yields.
 * 0; -ECANCELED or -ETIMEDOUT (the ambient context ended first); -ENOMEM (a plain thread's first use, see base.h).
 */
OAK_API int oak_sleep(int64_t ns);

/* Id of the calling goroutine: unique for the life of the process, never used again; plain threads have one
 * as well (0: there is no memory for a thread's first use). */
OAK_API uint64_t oak_self(void);
/* True in a goroutine, false on a plain thread. */
OAK_API bool oak_in_goroutine(void);
/* Names the calling goroutine in reports. Not copied: the string must outlive the goroutine. NULL takes the
 * name away. (A plain thread without memory for its first use gets none.) */
OAK_API void oak_set_name(const char *name);

/*
 * Around a call that is known to block the thread (a disk, a lock of another library):
 *
 *     oak_blocking { rc = sqlite3_step(st); }
 *
 * The P is handed over at once where other work waits. Not needed for correctness: the monitor takes the P
 * from any thread that blocks. Leave the block through its end, break or return; do not call blocking Oakum
 * functions inside.
 */
#define oak_blocking OAK__BLOCKING(OAK__CAT(oak__blk_, __COUNTER__))

/*
 * Runs fn(arg) on the thread's own large stack (8 MiB), the P handed over as in oak_blocking, and waits for
 * it: for C code that needs a deep stack (name look-ups, image codecs). To Oakum fn runs on a plain thread
 * with the caller's ambient context: it may call everything, and what blocks there blocks that thread; but
 * oak_self() is another, so a lock that fn takes it gives back itself, and one of the caller's it cannot. A
 * panic in fn goes on in the caller. 0 or -EINVAL (fn is NULL). On a plain thread it just calls fn.
 */
OAK_API int oak_on_thread_stack(void (*fn)(void *), void *arg);

/*
 * Tasks: functions with typed arguments that can be started as goroutines.
 * OAK_TASK(name, type1, arg1, type2, arg2, ...) opens the definition of `static void name(type1 arg1, ...)`,
 * up to 6 arguments. OAK_TASK_ERR is the same for a function that returns int: a negative result becomes an
 * error of its scope. The function can still be called directly. A type is anything that can stand before a
 * name (`oak_chan(int)`, `struct req *`); arrays and function types need a typedef.
 */
#define OAK_TASK(...)     OAK__TASK_OF(OAK__COUNT(__VA_ARGS__), OAK__VOID_TASK, __VA_ARGS__)
#define OAK_TASK_ERR(...) OAK__TASK_OF(OAK__COUNT(__VA_ARGS__), OAK__INT_TASK, __VA_ARGS__)

/*
 * oak_go(scope, task, args...) starts a task as a child of scope (an oak_scope *; NULL is -EINVAL).
 * oak_go_detached(task, args...) starts a free goroutine with the background context.
 * Arguments are evaluated here, checked against the task's types, and copied. 0 or a negative errno as
 * oak_spawn_with.
 */
#define oak_go(...)          OAK__GO(OAK__COUNT(__VA_ARGS__), __VA_ARGS__)
#define oak_go_detached(...) OAK__GO_D(OAK__COUNT(__VA_ARGS__), __VA_ARGS__)

/* ---- what the macros stand on; not for direct use ---- */

typedef int (*oak__entry)(void *args);
OAK_API int oak__go_scope(oak_scope *s, oak__entry entry, void *fn, const void *args, size_t size);
OAK_API int oak__go_detached(oak__entry entry, void *fn, const void *args, size_t size);
OAK_API int oak__blocking_begin(void);
OAK_API void oak__blocking_end(int *token);

#define OAK__BLOCKING(b)                                                                                     \
    for (int b __attribute__((cleanup(oak__blocking_end))) = oak__blocking_begin(); b; b = 0)

/* Number of arguments, 1 to 16. */
#define OAK__COUNT(...)                                                     OAK__COUNT_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define OAK__COUNT_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, N, ...) N
#define OAK__STRIP(...)                                                     __VA_ARGS__

/* A task is four things: the argument record, the typed packer that checks a call, the entry, and the
 * function itself. */
#define OAK__TASK_OF(n, kind, ...) OAK__CAT(OAK__TASK_, n)(kind, __VA_ARGS__)
#define OAK__TASK(K, f, fields, params, pack, call)                                                          \
    struct f##__args {                                                                                       \
        fields                                                                                               \
    };                                                                                                       \
    static OAK__CAT(K, _TYPE) f params;                                                                      \
    static __attribute__((unused)) struct f##__args f##__pack params {                                       \
        struct f##__args oak__r = {OAK__STRIP pack};                                                         \
        return oak__r;                                                                                       \
    } static __attribute__((unused)) int f##__entry(void *oak__p)                                            \
    {                                                                                                        \
        struct f##__args *oak__a = (struct f##__args *)oak__p;                                               \
        (void)oak__a;                                                                                        \
        OAK__CAT(K, _CALL)(f call);                                                                          \
    }                                                                                                        \
    static OAK__CAT(K, _TYPE) f params
#define OAK__VOID_TASK_TYPE void
#define OAK__VOID_TASK_CALL(call)                                                                            \
    call;                                                                                                    \
    return 0
#define OAK__INT_TASK_TYPE       int
#define OAK__INT_TASK_CALL(call) return call
#define OAK__TASK_1(K, fn)       OAK__TASK(K, fn, char oak__none;, (void), (0), ())
#define OAK__TASK_3(K, fn, A, a) OAK__TASK(K, fn, A a;, (A a), (.a = a), (oak__a->a))
#define OAK__TASK_5(K, fn, A, a, B, b)                                                                       \
    OAK__TASK(K, fn, A a; B b;, (A a, B b), (.a = a, .b = b), (oak__a->a, oak__a->b))
#define OAK__TASK_7(K, fn, A, a, B, b, C, c)                                                                 \
    OAK__TASK(K, fn, A a; B b; C c;                                                                          \
              , (A a, B b, C c), (.a = a, .b = b, .c = c), (oak__a->a, oak__a->b, oak__a->c))
#define OAK__TASK_9(K, fn, A, a, B, b, C, c, D, d)                                                           \
    OAK__TASK(K, fn, A a; B b; C c; D d;, (A a, B b, C c, D d), (.a = a, .b = b, .c = c, .d = d),            \
                                        (oak__a->a, oak__a->b, oak__a->c, oak__a->d))
#define OAK__TASK_11(K, fn, A, a, B, b, C, c, D, d, E, e)                                                    \
    OAK__TASK(K, fn, A a; B b; C c; D d; E e;, (A a, B b, C c, D d, E e),                                    \
                                             (.a = a, .b = b, .c = c, .d = d, .e = e),                       \
                                             (oak__a->a, oak__a->b, oak__a->c, oak__a->d, oak__a->e))
#define OAK__TASK_13(K, fn, A, a, B, b, C, c, D, d, E, e, F, f)                                              \
    OAK__TASK(K, fn, A a; B b; C c; D d; E e; F f;                                                           \
              , (A a, B b, C c, D d, E e, F f), (.a = a, .b = b, .c = c, .d = d, .e = e, .f = f),            \
              (oak__a->a, oak__a->b, oak__a->c, oak__a->d, oak__a->e, oak__a->f))

#define OAK__GO(n, ...) OAK__CAT(OAK__GO_, n)(__VA_ARGS__)
#define OAK__GO_2(s, f) OAK__GO_N(s, f, )
#define OAK__GO_3       OAK__GO_N
#define OAK__GO_4       OAK__GO_N
#define OAK__GO_5       OAK__GO_N
#define OAK__GO_6       OAK__GO_N
#define OAK__GO_7       OAK__GO_N
#define OAK__GO_8       OAK__GO_N
#define OAK__GO_N(s, f, ...)                                                                                 \
    oak__checked(__extension__({                                                                             \
        struct f##__args oak__g = f##__pack(__VA_ARGS__);                                                    \
        oak__go_scope((s), f##__entry, (void *)(uintptr_t)f, &oak__g, sizeof oak__g);                        \
    }))
#define OAK__GO_D(n, ...) OAK__CAT(OAK__GO_D_, n)(__VA_ARGS__)
#define OAK__GO_D_1(f)    OAK__GO_D_N(f, )
#define OAK__GO_D_2       OAK__GO_D_N
#define OAK__GO_D_3       OAK__GO_D_N
#define OAK__GO_D_4       OAK__GO_D_N
#define OAK__GO_D_5       OAK__GO_D_N
#define OAK__GO_D_6       OAK__GO_D_N
#define OAK__GO_D_7       OAK__GO_D_N
#define OAK__GO_D_N(f, ...)                                                                                  \
    oak__checked(__extension__({                                                                             \
        struct f##__args oak__g = f##__pack(__VA_ARGS__);                                                    \
        oak__go_detached(f##__entry, (void *)(uintptr_t)f, &oak__g, sizeof oak__g);                          \
    }))

OAK__END

#endif
