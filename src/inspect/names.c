#include <oakum/inspect.h>

#include "base/common.h"

const char *oak_wait_reason_name(enum oak_wait_reason r)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        OAK_WAIT_REASONS(NAME)
#undef NAME
    };
    return (unsigned)r < countof(names) ? names[r] : "?";
}

const char *oak_state_name(enum oak_state s)
{
    switch (s) {
    case OAK_STATE_RUNNABLE:
        return "runnable";
    case OAK_STATE_RUNNING:
        return "running";
    case OAK_STATE_SYSCALL:
        return "syscall";
    case OAK_STATE_WAITING:
        return "waiting";
    }
    return "?";
}
