#include <oakum/base.h>

#undef errno
extern int *__errno_location(void);

/* See the header: an ordinary call, never const, so that no compiler keeps the address across a migration. */
__attribute__((noinline)) int *oak_errno_location(void)
{
    return __errno_location();
}
