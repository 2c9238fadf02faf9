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
    puts("\n'oakum help COMMAND' tells more, also which exit statuses there are; 'oakum --version' is 'oakum "
         "version'.");
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        overview();
        return 0;
    }
    if (argc > 2) {
        complain("help: explains one command at a time, not '%s' as well", argv[2]);
        return EXIT_TROUBLE;
    }
    const struct command *c = command_find(argv[1]);
    if (!c)
        return command_unknown(argv[1]);
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
