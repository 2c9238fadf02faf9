/*
 * The leak check in production: again and again, in the background.
 *
 *     static void tell(oak_leak_report *r, void *arg)
 *     {
 *         if (oak_leak_count(r, OAK_LEAKED) > 0)
 *             oak_leak_print(r, stderr);
 *     }
 *     ...
 *     oak_leak_watch_start(&(struct oak_leak_watch_opts){.interval = 5 * OAK_MINUTE, .fn = tell});
 */
#ifndef OAKUM_WATCH_H
#define OAKUM_WATCH_H

#include <oakum/leak.h>

OAK__BEGIN

/* All zero is the usual. */
struct oak_leak_watch_opts {
    int64_t interval; /* ns from the end of one check to the beginning of the next, at least; 0: one minute */
    struct oak_leak_opts check; /* what is a suspect; before is the watch's own: the check before */
    /*
     * Called after each check that has not failed, on the watch's own thread (a plain thread). The report is the
     * watch's: valid during the call only, good for printing, for metrics, for oak_leak_reclaim. The next check comes an
     * interval after fn returns. NULL: only the counters tell.
     */
    void (*fn)(oak_leak_report *r, void *arg);
    void *arg;
};

/* Counters of the watch, over all its starts. */
struct oak_leak_watch_stats {
    bool running;
    uint64_t checks;       /* that came to an end */
    uint64_t failed;       /* that did not; last_error says how the last one of these failed */
    uint64_t proven_total; /* goroutines ever proven leaked, each counted once */
    uint64_t proven;       /* by the last check */
    uint64_t suspects;     /* of the last check */
    int64_t last_pause;    /* how long the process stood still in the last check, in ns */
    int64_t longest_pause; /* and in the worst one */
    int64_t last_duration; /* of the last check in all, in ns */
    int last_error;        /* negative errno; 0: none has failed */
};

/*
 * Starts the watch; the first check comes after an interval. opts (NULL: the usual) is copied. 0; -EALREADY (it runs, or
 * is still stopping), -EINVAL (a negative interval, a wrong check), -EAGAIN, -ENOMEM (no thread). A check that cannot be made for
 * want of something counts as failed; the next one comes as ever. Any thread or goroutine.
 */
OAK_API OAK_MUST_CHECK int oak_leak_watch_start(const struct oak_leak_watch_opts *opts);
/*
 * Stops it and waits until a check that is under way, and its call-back, have come to their end; in the call-back itself it
 * does not wait. 0; -ESRCH (it does not run). Any thread or goroutine.
 */
OAK_API int oak_leak_watch_stop(void);
/* Fills *out. Never blocks; any thread. 0 or -EINVAL. */
OAK_API int oak_leak_watch_stats(struct oak_leak_watch_stats *out);

/* A child of fork(2) has no watch: its counters say that none is running; they count on from the parent's. */

OAK__END

#endif
