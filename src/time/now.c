#include "base/os.h"

int64_t oak_now(void)
{
    return oak__os_now();
}
