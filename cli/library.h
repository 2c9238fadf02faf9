/* Where Oakum's headers and libraries are. */
#ifndef OAKUM_CLI_LIBRARY_H
#define OAKUM_CLI_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

struct library {
    char include[PATH_MAX]; /* folder of oakum.h */
    char core[PATH_MAX];    /* liboakum.a, or liboakum.so where only that is installed */
    char http[PATH_MAX];    /* liboakum-http.a; empty: not installed */
    char flags[256]; /* what a build folder's library was built with (sanitizers); empty when installed */
    char compiler[PATH_MAX]; /* of the build folder; empty when installed */
};

/*
 * In this order: the build folder that OAKUM_BUILD names; the build folder that this program lies in; the
 * prefix that it is installed below, wherever that was moved to; the prefix that it was built for. False:
 * none; it has complained.
 */
bool library_find(struct library *lib);

#endif
