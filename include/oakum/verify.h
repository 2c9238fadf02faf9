/*
 * Tests: nothing that a test started is left when it ends.
 *
 *     oak_leak_mark *before = oak_leak_mark_take();
 *     ... the test ...
 *     assert_int_equal(oak_leak_verify_none(&(struct oak_leak_verify_opts){.current = before}), 0);
 *     oak_leak_mark_free(before);
 *
 * With cmocka, <oakum/cmocka.h> does that in one line.
 */
#ifndef OAKUM_VERIFY_H
#define OAKUM_VERIFY_H

#include <oakum/leak.h>

OAK__BEGIN

/* The goroutines that there are at a moment. */
typedef struct oak_leak_mark oak_leak_mark;

/* Takes one; the caller's (oak_leak_mark_free). NULL when memory is out. From a goroutine or a plain thread. */
OAK_API OAK_MUST_CHECK oak_leak_mark *oak_leak_mark_take(void);
/* NULL does nothing; what is no mark, or (as long as its memory is not used again) was freed before, is a panic that names
 * the caller. */
OAK_API void oak_leak_mark_free(oak_leak_mark *m);

/* The names of functions, for the options below: OAK_NAMES("serve", "flush"). Lives as long as the block. */
#define OAK_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * What oak_leak_verify_none looks at, and for how long. All zero is the usual. The lists end with NULL; NULL is an
 * empty one. They compare names of functions as they stand in the source; static ones and tasks (OAK_TASK) have theirs
 * as long as the program is not stripped.
 */
struct oak_leak_verify_opts {
    const oak_leak_mark *current; /* goroutines that were there then are not looked at */
    const char *const
        *ignore_top; /* nor those that block in one of these: the program's innermost function */
    const char *const *ignore_any; /* nor those that have one of these anywhere on their stack, or run it */
    const char *const *ignore_created_by; /* nor those that one of these started */
    int64_t grace; /* how long goroutines may take to end, in ns; 0: one second; 1: none to speak of */
    FILE *out;     /* where to say what is left; NULL: standard error */
};

/*
 * Waits until no goroutine is left but the caller, those that it descends from, and those that opts (NULL: the usual)
 * leave out. Looks again and again, at growing intervals, for as long as the grace lasts; but as soon as one that is left
 * is proven to be leaked, waiting longer is of no use. Says which are left, which of them are proven leaked and why.
 *
 * 0: none is left; else how many are, or -ENOMEM, -EINVAL (a negative grace, a current that is no mark). A report that
 * cannot be written to opts->out is told on standard error. Blocks; from a goroutine (also one whose context has
 * ended) or a plain thread.
 */
OAK_API OAK_MUST_CHECK int oak_leak_verify_none(const struct oak_leak_verify_opts *opts);

OAK__END

#endif
