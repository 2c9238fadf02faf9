#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void complain(const char *fmt, ...)
{
    va_list ap;
    fflush(stdout);
    fputs("oakum: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        command_help.run(1, argv);
        return EXIT_TROUBLE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = command_help.name;
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = command_version.name;
    const struct command *c = command_find(name);
    if (!c)
        return command_unknown(name);
    if (argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        command_usage(c);
        return 0;
    }
    return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    /* A help text that was not written is no success. */
    if (fflush(stdout) != 0 && status == 0) {
        perror("oakum: standard output");
        return EXIT_TROUBLE;
    }
    return status;
}
