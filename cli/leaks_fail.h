/*
 * How `oakum leaks` ends when it has no answer.
 *
 * One form of message, "oakum leaks: WHAT: WHERE: WHAT TO DO", and one exit status a reason.
 */
#ifndef OAKUM_CLI_LEAKS_FAIL_H
#define OAKUM_CLI_LEAKS_FAIL_H

/* Exit statuses of `oakum leaks`, besides EXIT_TROUBLE (2): docs/oakum.md has the table for users. */
enum {
    LEAKS_NOT_OAKUM = 3,
    LEAKS_NO_PERMISSION = 4,
    LEAKS_GONE = 5,
    LEAKS_OTHER_VERSION = 6,
    LEAKS_NOTHING_PROVABLE = 7,
    LEAKS_PROVEN = 23
};

/* Says it on standard error. The result is the status. */
int leaks_fail(int status, const char *what, const char *where, const char *todo);
/* The same form, for what does not end it. */
void leaks_note(const char *what, const char *where, const char *todo);

#endif
