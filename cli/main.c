#include "command.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* A descriptor that was closed would become some file's that is opened next, and get what is meant for the user. What
 * takes its place fails as the closed one would: it is for the other direction. */
static void keep_standard_streams(void)
{
    static const int directions[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", directions[fd]) != fd)
            _exit(EXIT_TROUBLE);
}

int main(int argc, char **argv)
{
    keep_standard_streams();
    int status = dispatch(argc, argv);
    /* A help text that was not written is no success. */
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (!written && status == 0) {
        perror("oakum: standard output");
        return EXIT_TROUBLE;
    }
    return status;
}
