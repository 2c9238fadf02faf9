/*
 * What every other header needs: export and check attributes, durations, the clock, and an errno that is safe
 * in goroutines.
 *
 * Errors. Every Oakum function that can fail returns 0 (or a count >= 0) or a negative errno value; none
 * reports through errno. The values that any blocking call may return:
 *
 *     -ECANCELED  the goroutine's ambient context was cancelled, or its object was closed under it
 *     -ETIMEDOUT  the ambient context's deadline, or the call's own time limit, has passed
 *     -EPIPE      the channel or the connection is closed
 *     -EINVAL     a NULL or wrong handle, or a value out of range
 *     -ENOMEM     no memory, no address space
 *     -EAGAIN     a try-form would have to wait, or no thread could be made
 *     -EMFILE     no descriptor left: also -ENFILE, and -ENOSPC for what the kernel counts otherwise
 *
 * Wrong handles. NULL, a handle that has been given back, and one of another kind are told wherever that can be
 * done: by -EINVAL, or, from functions that cannot return an error, by a panic that names the caller. Each header
 * says which. It cannot be told any more once the memory is another object's, nor for an address where nothing
 * can be read: that is a SIGSEGV, reported with the goroutine's stack.
 *
 * When something is scarce the call that asked for it says so, has done nothing, and may be made again; nothing else ends.
 *
 * Plain threads. A thread that the runtime does not own gets a record of some hundred bytes at its first use of Oakum. When
 * there is no memory for that (or libc has no pthread key left) every call that may wait, the try-forms of channels, selects
 * and locks, and every start of a goroutine return -ENOMEM; the next call tries again. Calls that only give, wake or end
 * (done, signal, release, close, cancel, unref) work without.
 */
#ifndef OAKUM_BASE_H
#define OAKUM_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
    #define OAK__BEGIN extern "C" {
    #define OAK__END   }
#else
    #define OAK__BEGIN
    #define OAK__END
#endif

/* Part of the API; the library hides everything else. */
#define OAK_API __attribute__((visibility("default")))
/* The result tells whether the operation happened: the compiler warns where it is dropped. */
#define OAK_MUST_CHECK   __attribute__((warn_unused_result))
#define OAK_NORETURN     __attribute__((noreturn))
#define OAK_PRINTF(f, a) __attribute__((format(printf, f, a)))

#define OAK__CAT(a, b)  OAK__CAT_(a, b)
#define OAK__CAT_(a, b) a##b

/* Durations and points in time are int64_t nanoseconds; points are on the clock of oak_now(). */
#define OAK_NANOSECOND  ((int64_t)1)
#define OAK_MICROSECOND (1000 * OAK_NANOSECOND)
#define OAK_MILLISECOND (1000 * OAK_MICROSECOND)
#define OAK_SECOND      (1000 * OAK_MILLISECOND)
#define OAK_MINUTE      (60 * OAK_SECOND)
#define OAK_HOUR        (60 * OAK_MINUTE)
/* As a time limit or a deadline: none. */
#define OAK_FOREVER INT64_MAX

OAK__BEGIN

/* For macros: gcc takes the value of a statement expression for used, this asks for it again. */
static inline __attribute__((always_inline, unused)) OAK_MUST_CHECK int oak__checked(int rc)
{
    return rc;
}

/* Monotonic time in nanoseconds (CLOCK_MONOTONIC). Never blocks; any thread. */
OAK_API int64_t oak_now(void);

/*
 * The address of this thread's errno, asked for anew at each use.
 *
 * glibc declares its own accessor `const`, so a compiler may keep the address across a call that parks the
 * goroutine and resumes it on another thread: errno would then be the wrong thread's. This one is an ordinary
 * call, and errno is redefined to use it in every file that includes an Oakum header.
 */
OAK_API int *oak_errno_location(void);
#undef errno
#define errno (*oak_errno_location())

OAK__END

#endif
