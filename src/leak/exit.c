/*
 * OAK_LEAKCHECK=1: what is leaked when the program ends, by whichever door: oak_run returns, main returns, anybody calls
 * exit.
 *
 * The check at exit is made by a thread of its own, and whoever ends the program waits for it without leaving its own
 * thread: the C library may hold locks of exit that belong to that thread, so a goroutine that calls exit must not move to
 * another one. Nor does it matter then what its ambient context says, or how much stack it has left.
 */
#include "base/os.h"
#include "leak/report.h"
#include "sched/fork.h"
#include "sched/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAKED_STATUS = 23 };

static _Atomic bool said; /* what is leaked has been printed */

static const char *asked(void)
{
    const char *env = getenv("OAK_LEAKCHECK");
    return env ? env : "";
}

static bool is_wanted(void)
{
    return strcmp(asked(), "1") == 0;
}

/* How many are proven; they have been printed. */
static size_t check_and_print(void)
{
    const struct oak_leak_opts opts = {.suspect_after = OAK_FOREVER, .suspect_count = UINT64_MAX};
    oak_leak_report *r;
    int err = oak_leak_check(&opts, &r);
    if (err) {
        fprintf(stderr, "oakum: the leak check could not run: %s\n", strerror(-err));
        return 0;
    }
    size_t proven = oak_leak_count(r, OAK_LEAKED);
    if (proven)
        oak_leak_print(r, stderr);
    oak_leak_report_free(r);
    return proven;
}

int oak__leakcheck_after_run(int result)
{
    if (!is_wanted() || check_and_print() == 0)
        return result;
    store_relaxed(&said, true);
    return LEAKED_STATUS;
}

static void *check_in_thread(void *proven)
{
    *(size_t *)proven = check_and_print();
    return NULL;
}

/* The rest of the handlers runs with another status: glibc goes on where it was when a handler calls exit. */
OAK_NORETURN static void end_leaked(void)
{
#ifdef __GLIBC__
    exit(LEAKED_STATUS);
#else
    fflush(NULL);
    _exit(LEAKED_STATUS);
#endif
}

static void at_exit(void)
{
    size_t proven = 0;
    if (load_relaxed(&oak__forked) || !is_wanted())
        return;
    if (load_relaxed(&said))
        end_leaked();
    int err = oak__os_thread_wait(check_in_thread, &proven);
    if (err) {
        fprintf(stderr, "oakum: the leak check could not run: %s\n", strerror(-err));
        return;
    }
    if (proven)
        end_leaked();
}

void oak__leakcheck_init(void)
{
    const char *env = asked();
    if (is_wanted())
        atexit(at_exit);
    else if (*env && strcmp(env, "0") != 0)
        dprintf(STDERR_FILENO, "oakum: OAK_LEAKCHECK=%s is neither 1 nor 0; leaks are not looked for\n", env);
}
