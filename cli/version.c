#include "command.h"

#include <oakum/version.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
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
