/* Go's leak-profile tests, "select {}": a select without cases waits for ever, wherever it stands. */
#include "kernel.h"

OAK_TASK(selector, int, unused)
{
    (void)unused;
    must(oak_select_n(NULL, 0) == 0);
}

KERNEL
{
    go(selector, 0);
}

LEAKS(selector);
