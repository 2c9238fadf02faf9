#include "words.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
    if (!p) {
        complain("out of memory");
        exit(EXIT_TROUBLE);
    }
    return p;
}

static void append(struct words *w, char *word)
{
    if (w->n + 1 >= w->room) {
        w->room = w->room ? w->room * 2 : 32;
        w->word = checked(realloc(w->word, w->room * sizeof *w->word));
    }
    w->word[w->n++] = word;
    w->word[w->n] = NULL;
}

void words_add(struct words *w, const char *prefix, const char *text)
{
    size_t size = strlen(prefix) + strlen(text) + 1;
    char *word = checked(malloc(size));
    snprintf(word, size, "%s%s", prefix, text);
    append(w, word);
}

void words_split(struct words *w, const char *text)
{
    for (;;) {
        text += strspn(text, " \t\n");
        size_t n = strcspn(text, " \t\n");
        if (n == 0)
            return;
        append(w, checked(strndup(text, n)));
        text += n;
    }
}

void words_free(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->word[i]);
    free(w->word);
    *w = (struct words){NULL, 0, 0};
}
