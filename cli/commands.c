#include "command.h"

#include <stddef.h>
#include <string.h>

const struct command *const commands[] = {
    &command_run, &command_leaks, &command_help, &command_version, NULL,
};

const struct command *command_find(const char *name)
{
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

enum { LONGEST = 32 };

static int least(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Insertions, deletions and replacements that turn a into b (Levenshtein), both shorter than LONGEST. */
static int distance(const char *a, const char *b)
{
    int row[LONGEST];
    int n = (int)strlen(b);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[n];
}

const struct command *command_nearest(const char *name)
{
    const struct command *best = NULL;
    int best_distance = 3; /* more is another word */
    if (strlen(name) >= LONGEST)
        return NULL;
    for (int i = 0; commands[i]; i++) {
        int d = distance(name, commands[i]->name);
        if (d < best_distance && d < (int)strlen(commands[i]->name)) {
            best = commands[i];
            best_distance = d;
        }
    }
    return best;
}

int command_unknown(const char *name)
{
    const struct command *near = command_nearest(name);
    if (near)
        complain("there is no command '%s'; did you mean '%s'?", name, near->name);
    else
        complain("there is no command '%s'; see 'oakum help'", name);
    return EXIT_TROUBLE;
}
