/*
 * Fan-out in a scope: many fetches, at most four at a time, all within a time limit. The first that fails
 * cancels the rest: their blocking calls return -ECANCELED, nobody has to look at a flag. The scope is left
 * when all have ended, and tells the first error.
 */
#include <oakum.h>
#include <stdio.h>
#include <string.h>

enum { PAGES = 20, BROKEN_PAGE = 13 };

static oak_mutex counting;
static int done, cancelled;

static void count(int *counter)
{
    if (oak_mutex_lock(&counting) == 0) {
        ++*counter;
        oak_mutex_unlock(&counting);
    }
}

OAK_TASK_ERR(fetch, int, page, bool, all_well)
{
    int err = oak_sleep(2 * OAK_MILLISECOND); /* where a request would be */
    if (err) {
        oak_shield (OAK_SECOND) /* what is left to do after a cancel */
        {
            count(&cancelled);
        }
        return err;
    }
    if (page == BROKEN_PAGE && !all_well)
        return -EIO;
    count(&done);
    return 0;
}

static int fetch_all(bool all_well)
{
    int err = 0;
    oak_scope (pages, .limit = 4, .timeout = 10 * OAK_SECOND, .err = &err) {
        for (int page = 1; page <= PAGES; page++)
            if (oak_go(pages, fetch, page, all_well) != 0) /* waits for a place; fails once cancelled */
                break;
    }
    return err;
}

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    int err = fetch_all(true);
    printf("all well: %s, %d of %d pages\n", err ? strerror(-err) : "no error", done, PAGES);
    done = 0;
    err = fetch_all(false);
    printf("one broken: %s, fewer than %d pages: %s\n", err ? strerror(-err) : "no error", PAGES,
           done < PAGES ? "yes" : "no");
    return 0;
}

OAK_MAIN(app)
