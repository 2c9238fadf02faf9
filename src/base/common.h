/* Small words that every file of the library uses. Internal; any folder may include it. */
#ifndef OAK_BASE_COMMON_H
#define OAK_BASE_COMMON_H

#include <oakum/base.h>

/* What holds here by the design, for the compiler and the analyzers: false is undefined behaviour. */
#define assume(x)     ((x) ? (void)0 : __builtin_unreachable())
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define COLD          __attribute__((cold, noinline))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define countof(a)                      (sizeof(a) / sizeof((a)[0]))
#define round_up(n, to)                 (((n) + (to)-1) / (to) * (to))
/* Where the current public function was called from: names the caller in panics and reports. */
#define caller_pc() __builtin_extract_return_addr(__builtin_return_address(0))

#if defined(__SANITIZE_ADDRESS__)
    #define OAK_ASAN 1
#elif defined(__has_feature)
    #if __has_feature(address_sanitizer)
        #define OAK_ASAN 1
    #endif
#endif
#if defined(OAK_TSAN) /* the build says so where it leaves instrumenting out */
#elif defined(__SANITIZE_THREAD__)
    #define OAK_TSAN 1
#elif defined(__has_feature)
    #if __has_feature(thread_sanitizer)
        #define OAK_TSAN 1
    #endif
#endif
#ifndef OAK_ASAN
    #define OAK_ASAN 0
#endif
#ifndef OAK_TSAN
    #define OAK_TSAN 0
#endif

/* For the scheduler's own steps between two goroutines. To a race detector that sees goroutines as threads
 * they look like accesses without order; what orders them is that one thread does them one after the other.
 */
#if OAK_TSAN
    #define SCHEDULER_STEP __attribute__((no_sanitize("thread")))
    #define INLINE_STEP    __attribute__((no_sanitize("thread"), noinline)) static
#else
    #define SCHEDULER_STEP
    #define INLINE_STEP ALWAYS_INLINE
#endif

/* A broken invariant of the runtime itself: prints the text and aborts. Never for a user's mistake (that is a
 * panic). */
OAK_NORETURN void oak__fatal(const char *fmt, ...) OAK_PRINTF(1, 2);
/* Cheap enough to stay on in release builds. */
#define oak__check(cond, what)                                                                               \
    do {                                                                                                     \
        if (unlikely(!(cond)))                                                                               \
            oak__fatal("%s:%d: broken invariant: %s (%s)", __FILE__, __LINE__, what, #cond);                 \
    } while (0)

#endif
