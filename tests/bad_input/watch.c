/* include/oakum/watch.h with bad input. */
#include "bad.h"

#include <oakum/watch.h>

CALL(free_report, oak_leak_report_free(arg))

static _Atomic int calls;
static oak_leak_report *_Atomic seen;

static void free_what_is_not_mine(oak_leak_report *r, void *arg)
{
    (void)arg;
    expect_panic(free_report, r, "is the watch's, which frees it itself");
    expect(oak_leak_count(r, OAK_LEAKED) == 0 && oak_leak_print(r, NULL) == -EINVAL);
    seen = r;
    calls++;
}

BOTH(options_out_of_range)
{
    struct oak_leak_watch_stats stats;
    for (size_t i = 1; i < countof(absurd_past); i++) {
        expect(oak_leak_watch_start(&(struct oak_leak_watch_opts){.interval = absurd_past[i]}) == -EINVAL);
        expect(oak_leak_watch_start(&(struct oak_leak_watch_opts){.check.suspect_after = absurd_past[i]}) ==
               -EINVAL);
    }
    expect(oak_leak_watch_stats(NULL) == -EINVAL && oak_leak_watch_stop() == -ESRCH);
    expect(oak_leak_watch_start(&(struct oak_leak_watch_opts){.interval = OAK_FOREVER}) == 0);
    expect(oak_leak_watch_start(NULL) == -EALREADY && oak_leak_watch_stats(&stats) == 0 && stats.running);
    expect(oak_leak_watch_stop() == 0 && oak_leak_watch_stop() == -ESRCH);
}

BOTH(its_report_is_its_own)
{
    calls = 0;
    /* before is not the caller's to choose: whatever it points to. */
    expect(oak_leak_watch_start(&(struct oak_leak_watch_opts){
               .interval = 1, .fn = free_what_is_not_mine, .check.before = (oak_leak_report *)&calls}) == 0);
    wait_until(calls >= 2);
    expect(oak_leak_watch_stop() == 0);
    expect_panic(free_report, seen, "report");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(its_report_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
