/* The exact shape of a report, without what differs from build to build: places become @, addresses 0x. */
#ifndef OAK_TEST_SHAPE_H
#define OAK_TEST_SHAPE_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At a function's end: what it called before this is no tail call and its frame is on the stack. */
#define KEEP_FRAME() __asm__ volatile("")

/* "f (a.c:12)" and "f+0x1c (module)" both become "f @"; "0x1234" becomes "0x". In place. */
static inline char *shape(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        size_t n = 0;
        if (from[0] == '+' && from[1] == '0' && from[2] == 'x') {
            n = 3 + strspn(from + 3, "0123456789abcdef");
            if (strncmp(from + n, " (", 2) == 0)
                n += strcspn(from + n, ")") + 1;
            *to++ = ' ';
            *to++ = '@';
        } else if (*from == '(' && strcspn(from, ":") < strcspn(from, " )\n")) {
            n = strcspn(from, ")") + 1;
            *to++ = '@';
        } else if (from[0] == '0' && from[1] == 'x') {
            n = 2 + strspn(from + 2, "0123456789abcdef");
            *to++ = '0';
            *to++ = 'x';
        } else {
            *to++ = *from;
            n = 1;
        }
        from += n;
    }
    *to = 0;
    return text;
}

#endif
