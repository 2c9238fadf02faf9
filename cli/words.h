/* A list of words that grows: an argument vector or an environment in the making. */
#ifndef OAKUM_CLI_WORDS_H
#define OAKUM_CLI_WORDS_H

#include <stddef.h>

struct words {
    char **word; /* NULL at the end */
    size_t n, room;
};

/* Adds "prefix" and "text" as one word. Out of memory ends the program. */
void words_add(struct words *w, const char *prefix, const char *text);
/* Each part of text between blanks. */
void words_split(struct words *w, const char *text);
void words_free(struct words *w);

#endif
