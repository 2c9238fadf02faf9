/* For goroutines and plain threads, out of whose stacks cmocka's assertions must not jump. */
#ifndef OAK_TESTS_SUPPORT_EXPECT_H
#define OAK_TESTS_SUPPORT_EXPECT_H

#include <stdio.h>
#include <unistd.h>

/* Says what does not hold and ends the process. */
#define expect(cond)                                                                                         \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            dprintf(STDERR_FILENO, "%s:%d: %s: does not hold: %s\n", __FILE__, __LINE__, __func__, #cond);   \
            _exit(98);                                                                                       \
        }                                                                                                    \
    } while (0)

#endif
