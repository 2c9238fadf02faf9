/*
 * The slow service: most answers take a few milliseconds, one in ten takes longer than anybody waits. A real one
 * would be behind a socket; for the gateway the difference is none: a call that blocks for a while.
 */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_SIZE (16 << 10)

static int64_t time_it_takes(int question)
{
    return question % 10 == 0 ? 3 * GIVE_UP : (1 + question % 5) * OAK_MILLISECOND;
}

int backend_ask(int question, char **answer)
{
    int rc = oak_sleep(time_it_takes(question));
    if (rc)
        return rc;
    char *text = malloc(ANSWER_SIZE);
    if (!text)
        return -ENOMEM;
    int len = snprintf(text, ANSWER_SIZE, "answer %d: ", question);
    for (int i = len; i < ANSWER_SIZE - 1; i++)
        text[i] = (char)('a' + i % 26);
    text[ANSWER_SIZE - 1] = 0;
    *answer = text;
    return 0;
}
