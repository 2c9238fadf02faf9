#include "command.h"

#include <oakum/version.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    if (argc > 1) {
        complain("version: takes no arguments, not '%s'", argv[1]);
        return EXIT_TROUBLE;
    }
    printf("oakum %s\n", oak_version());
    return 0;
}

const struct command command_version = {
    .name = "version",
    .synopsis = "",
    .summary = "Prints the version of Oakum.",
    .help = "",
    .run = run,
};
