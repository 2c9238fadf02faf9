/*
 * The subcommands of `oakum`: one file each, one line in the table of commands.c.
 */
#ifndef OAKUM_CLI_COMMAND_H
#define OAKUM_CLI_COMMAND_H

#include <stdbool.h>

struct command {
    const char *name;
    const char *synopsis;              /* what follows the name: "[OPTION...] FILE.c [ARG...]" */
    const char *summary;               /* one line */
    const char *help;                  /* the rest of `oakum help NAME`, whole lines */
    int (*run)(int argc, char **argv); /* argv[0] is the name; the result is the exit status */
};

/* All of them; NULL at the end. */
extern const struct command *const commands[];
extern const struct command command_help, command_leaks, command_run, command_version;

/* The tool itself could not do what was asked: usage, files, compiler. */
enum { EXIT_TROUBLE = 2 };

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);
/* The command whose name is nearest to a mistyped one; NULL when none is near. */
const struct command *command_nearest(const char *name);
/* Says that there is none of that name, and which is near. EXIT_TROUBLE. */
int command_unknown(const char *name);
void command_usage(const struct command *c);

/* "oakum: text" on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
