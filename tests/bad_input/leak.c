/* include/oakum/leak.h with bad input. */
#include "bad.h"

#include <sys/mman.h>

CALL(free_report, oak_leak_report_free(arg))

static bool never_chosen(const struct oak_leak *l, void *arg)
{
    (void)l, (void)arg;
    expect(!"chosen");
    return true;
}

static void use(oak_leak_report *r)
{
    expect(oak_leak_count(r, OAK_LEAKED) == 0 && oak_leak_count(r, OAK_SUSPECT) == 0);
    expect(oak_leak_count(r, OAK_WAITING_OK) == 0 && oak_leak_count(r, (enum oak_verdict)3) == 0);
    expect(oak_leak_at(r, 0) == NULL && oak_leak_at(r, SIZE_MAX) == NULL);
    expect(oak_leak_block_at(r, 0) == NULL && oak_leak_block_at(r, SIZE_MAX) == NULL);
    expect(oak_leak_pause(r) == 0 && oak_leak_duration(r) == 0);
    expect(oak_leak_memory(r) == 0 && oak_leak_heap(r) == 0 && !oak_leak_exact_heap(r));
    expect(oak_leak_print(r, stderr) == -EINVAL && oak_leak_print(r, NULL) == -EINVAL);
    expect(oak_leak_pprof(r, 1) == -EINVAL && oak_leak_pprof(r, -1) == -EINVAL);
    expect(oak_leak_reclaim(r, never_chosen, NULL) == -EINVAL && oak_leak_reclaim(r, NULL, NULL) == -EINVAL);
    if (!r)
        return;
    oak_leak_report *out = r;
    expect(oak_leak_check(&(struct oak_leak_opts){.before = r}, &out) == -EINVAL && out == NULL);
    expect_panic(free_report, r, "is no report, or was freed before");
}

/* Not even mapped. */
static void *nowhere(void)
{
    void *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(p != MAP_FAILED && munmap(p, 4096) == 0);
    return p;
}

BOTH(what_is_no_report_is_told)
{
    struct strangers s;
    use(NULL);
    oak_leak_report_free(NULL);
    use(nowhere());
    use((oak_leak_report *)1);
    strangers_begin(&s);
    for (int i = 0; i < STRANGERS; i++)
        use(s.at[i]);
    strangers_end(&s);
}

BOTH(what_cannot_be_declared)
{
    char here[64];
    expect(oak_leak_no_pointers(NULL, 1) == -EINVAL && oak_leak_no_pointers(here, 0) == -EINVAL);
    expect(oak_leak_no_pointers(here, SIZE_MAX) == -EINVAL && oak_leak_no_pointers(nowhere(), 1) == -EINVAL);
    expect(oak_leak_no_pointers((void *)1, 1) == -EINVAL);
    expect(oak_leak_may_have_pointers(NULL) == -EINVAL && oak_leak_may_have_pointers(here) == -EINVAL);
    expect(oak_leak_no_pointers(here, sizeof here) == 0 && oak_leak_may_have_pointers(here + 1) == -EINVAL);
    expect(oak_leak_may_have_pointers(here) == 0 && oak_leak_may_have_pointers(here) == -EINVAL);
}

BOTH(freed_reports_are_told)
{
    oak_leak_report *a, *b;
    expect(oak_leak_check(NULL, &a) == 0 && oak_leak_check(&(struct oak_leak_opts){.before = a}, &b) == 0);
    oak_leak_report_free(a);
    use(a);
    expect(oak_leak_count(b, OAK_LEAKED) == 0 && oak_leak_count(b, OAK_WAITING_OK) < 10);
    oak_leak_report_free(b);
    use(a);
    use(b);
}

BOTH(values_out_of_range)
{
    static const int verdicts[] = {-1, 3, INT32_MAX, INT32_MIN};
    oak_leak_report *r = NULL;
    expect(oak_leak_check(NULL, NULL) == -EINVAL);
    for (size_t i = 1; i < countof(absurd_past); i++) {
        r = (oak_leak_report *)&r;
        expect(oak_leak_check(&(struct oak_leak_opts){.suspect_after = absurd_past[i]}, &r) == -EINVAL && !r);
    }
    expect(oak_leak_check(&(struct oak_leak_opts){OAK_FOREVER, UINT64_MAX, UINT64_MAX, NULL}, &r) == 0);
    for (size_t i = 0; i < countof(verdicts); i++)
        expect(oak_leak_count(r, (enum oak_verdict)verdicts[i]) == 0);
    expect(oak_leak_at(r, SIZE_MAX) == NULL);
    oak_leak_report_free(r);
}

BOTH(what_keeps_nobody_alive)
{
    FILE *f = fopen("/dev/null", "w"), *full = fopen("/dev/full", "w");
    expect(f && full);
    expect(oak_leak_why_live(oak_self(), NULL) == -EINVAL && oak_leak_why_live(0, f) == -EINVAL);
    expect(oak_leak_why_live(UINT64_MAX, f) == -ESRCH && oak_leak_why_live(UINT64_MAX, NULL) == -EINVAL);
    if (oak_in_goroutine())
        expect(oak_leak_why_live(oak_self(), f) == 0 && oak_leak_why_live(oak_self(), full) == -ENOSPC);
    fclose(f);
    fclose(full);
}

static void leak(void *arg)
{
    (void)!oak_recv((oak_chan(int))(uintptr_t)arg, NULL);
}

BOTH(reports_that_cannot_be_written)
{
    oak_leak_report *r;
    FILE *full = fopen("/dev/full", "w"), *reading = fopen("/dev/null", "r");
    expect(full && reading && oak_leak_check(NULL, &r) == 0);
    expect(oak_leak_print(r, NULL) == -EINVAL);
    expect(oak_leak_print(r, full) == -ENOSPC && oak_leak_print(r, reading) == -EBADF);
    expect(oak_leak_pprof(r, fileno(full)) == -ENOSPC && oak_leak_pprof(r, fileno(reading)) == -EBADF);
    expect(oak_leak_pprof(r, -1) == -EINVAL && oak_leak_pprof(r, 1000000) == -EBADF);
    fclose(full);
    fclose(reading);
    oak_leak_report_free(r);
}

/* A second time nobody is in that wait any more; nor is anybody who was never chosen touched. */
BOTH(reclaimed_twice)
{
    oak_leak_report *r;
    expect(oak_spawn(leak, NULL) == 0);
    wait_until(how_many_wait(OAK_WAIT_CHAN_RECV_NIL) == 1);
    expect(oak_leak_check(NULL, &r) == 0 && oak_leak_count(r, OAK_LEAKED) == 1);
    expect(oak_leak_reclaim(r, NULL, NULL) == 1);
    wait_until(how_many_wait(OAK_WAIT_CHAN_RECV_NIL) == 0);
    expect(oak_leak_reclaim(r, NULL, NULL) == 0);
    oak_leak_report_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_report_is_told), cmocka_unit_test(freed_reports_are_told),
        cmocka_unit_test(values_out_of_range),       cmocka_unit_test(reports_that_cannot_be_written),
        cmocka_unit_test(reclaimed_twice),           cmocka_unit_test(what_keeps_nobody_alive),
        cmocka_unit_test(what_cannot_be_declared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
