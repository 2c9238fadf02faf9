#include <oakum/base.h>

#undef errno
extern int *__errno_location(void);

/* See the header: an ordinary call, never const, so that no compiler keeps the address across a migration. Not
 * instrumented: signal handlers call it, in the midst of the thread sanitizer's own steps, too. */
__attribute__((noinline, no_sanitize("thread"))) int *oak_errno_location(void)
{
    return __errno_location();
}
