#include "leaks_fail.h"

#include <stdio.h>

void leaks_note(const char *what, const char *where, const char *todo)
{
    fflush(stdout);
    fprintf(stderr, "oakum leaks: %s: %s: %s\n", what, where, todo);
}

int leaks_fail(int status, const char *what, const char *where, const char *todo)
{
    leaks_note(what, where, todo);
    return status;
}
