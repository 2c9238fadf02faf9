#include "command.h"

#include <stdio.h>
#include <string.h>

void command_usage(const struct command *c)
{
    printf("usage: oakum %s%s%s\n\n%s\n", c->name, *c->synopsis ? " " : "", c->synopsis, c->summary);
    if (*c->help)
        printf("\n%s", c->help);
}

static void overview(void)
{
    puts("usage: oakum COMMAND [ARG...]\n\n"
         "Goroutines for C, and proof of those that leak.\n");
    for (int i = 0; commands[i]; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n'oakum help COMMAND' tells more.");
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        overview();
        return 0;
    }
    const struct command *c = command_find(argv[1]);
    if (!c) {
        const struct command *near = command_nearest(argv[1]);
        complain("there is no command '%s'%s%s%s", argv[1], near ? "; did you mean '" : "",
                 near ? near->name : "", near ? "'?" : "; see 'oakum help'");
        return EXIT_TROUBLE;
    }
    command_usage(c);
    return 0;
}

const struct command command_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "Lists the commands, or explains one.",
    .help = "",
    .run = run,
};
