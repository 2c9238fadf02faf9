/* include/oakum/inspect.h with bad input. */
#include "bad.h"

BOTH(names_of_values_that_there_are_not)
{
    static const int values[] = {-1, OAK_WAIT_REASON_COUNT, 1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < countof(values); i++) {
        expect(strcmp(oak_wait_reason_name((enum oak_wait_reason)values[i]), "?") == 0);
        expect(strcmp(oak_state_name((enum oak_state)values[i]), "?") == 0);
    }
    expect(strcmp(oak_state_name((enum oak_state)0), "?") == 0);
}

static bool panic_at_once(const struct oak_goroutine_info *g, void *arg)
{
    (void)g, (void)arg;
    oak_panic("seen one");
}

static void visit_and_panic(void *arg)
{
    (void)arg;
    (void)oak_goroutines(panic_at_once, NULL);
}

static bool count(const struct oak_goroutine_info *g, void *arg)
{
    *(int *)arg += g->id != 0;
    return true;
}

static void wait_for_ever(void *arg)
{
    expect(oak_recv((oak_chan(int))(uintptr_t)arg, NULL) == -EPIPE);
}

static bool panic_at_scope(const struct oak_scope_info *s, void *arg)
{
    (void)s, (void)arg;
    oak_panic("a call-back that panics");
}

static void visit_scopes_and_panic(void *arg)
{
    (void)arg;
    (void)oak_scopes(panic_at_scope, NULL);
}

BOTH(visitors_of_scopes)
{
    struct oak_panic_info info;
    expect(oak_scopes(NULL, NULL) == -EINVAL && oak_scopes(NULL, &info) == -EINVAL);
    oak_scope (s) {
        for (int i = 0; i < 3; i++)
            expect(oak_recover(visit_scopes_and_panic, NULL, &info) == -ENOTRECOVERABLE);
    }
}

BOTH(visitors)
{
    struct oak_panic_info info;
    oak_chan(int) ch = oak_make(int, 0);
    expect(oak_goroutines(NULL, NULL) == -EINVAL);
    oak_scope (s) {
        int n = 0;
        expect(oak_spawn_with(&(struct oak_spawn_opts){.scope = s}, wait_for_ever, (void *)(uintptr_t)ch) ==
               0);
        for (int i = 0; i < 3; i++)
            expect(oak_recover(visit_and_panic, NULL, &info) == -ENOTRECOVERABLE);
        expect(oak_goroutines(count, &n) > 0 && n > 0);
        expect(oak_chan_close(ch) == 0);
    }
    expect(oak_chan_free(ch) == 0);
    expect(oak_stats_read(NULL) == -EINVAL);
}

BOTH(symbols)
{
    char buf[64] = "untouched";
    const void *const anything[] = {NULL, (void *)1, (void *)-1, buf, (void *)(uintptr_t)visit_and_panic};
    for (size_t i = 0; i < countof(anything); i++) {
        expect(oak_symbolize(anything[i], NULL, 1) == -EINVAL &&
               oak_symbolize(anything[i], NULL, SIZE_MAX) == -EINVAL);
        int n = oak_symbolize(anything[i], NULL, 0);
        expect(n > 0 && oak_symbolize(anything[i], buf, 1) == n && buf[0] == 0);
        expect(oak_symbolize(anything[i], buf, sizeof buf) == n && strlen(buf) < sizeof buf);
    }
    buf[0] = 'x';
    expect(oak_symbolize(NULL, buf, 0) > 0 && buf[0] == 'x');
}

BOTH(reports)
{
    expect(oak_report(NULL, 0) == -EINVAL && oak_report(NULL, 2) == -EINVAL);
    expect(oak_report(stderr, 2) == -EINVAL && oak_report(stderr, UINT32_MAX) == -EINVAL);
    FILE *full = fopen("/dev/full", "w"), *reading = fopen("/dev/null", "r");
    expect(full && reading);
    for (unsigned flags = 0; flags <= OAK_REPORT_FULL; flags++) {
        expect(oak_report(full, flags) == -ENOSPC); /* buffered: flushed by the report */
        expect(oak_report(reading, flags) == -EBADF);
    }
    fclose(full);
    fclose(reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_values_that_there_are_not),
        cmocka_unit_test(visitors),
        cmocka_unit_test(visitors_of_scopes),
        cmocka_unit_test(symbols),
        cmocka_unit_test(reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
