/* include/oakum/chan.h with bad input. */
#include "bad.h"

#include <stdlib.h>

typedef oak_chan(int) ints;

/* All that takes a channel, and what each is expected to return. */
static void use(ints ch, int rc, int try_rc, int close_rc, int free_rc)
{
    int v = 7;
    expect(oak_send(ch, 1) == rc && oak_recv(ch, &v) == rc);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_send_timeout(ch, 1, absurd_past[i]) == rc &&
               oak_recv_timeout(ch, &v, absurd_past[i]) == rc);
    expect(oak_try_send(ch, 1) == try_rc && oak_try_recv(ch, &v) == try_rc);
    oak_range (ch, never)
        expect(never && !never);
    expect(oak_chan_len(ch) == 0 && oak_chan_cap(ch) == 0);
    expect(oak_chan_close(ch) == close_rc && oak_chan_free(ch) == free_rc);
    expect(v == 7);
}

BOTH(null_channels_block_until_the_context_ends)
{
    int v;
    oak_ctx *ended = oak_ctx_new(NULL);
    expect(oak_ctx_cancel(ended, 0) == 0);
    oak_with_ctx (ended)
        use(NULL, -ECANCELED, -EAGAIN, -EINVAL, 0);
    oak_ctx_unref(ended);
    for (size_t i = 0; i < countof(absurd_past); i++) {
        expect(oak_send_timeout((ints)NULL, 1, absurd_past[i]) == -ETIMEDOUT);
        expect(oak_recv_timeout((ints)NULL, &v, absurd_past[i]) == -ETIMEDOUT);
    }
}

BOTH(what_is_no_channel_is_refused)
{
    struct strangers s;
    strangers_begin(&s);
    each_stranger_but(s, CHANNEL, i) use((ints)(uintptr_t)s.at[i], -EINVAL, -EINVAL, -EINVAL, -EINVAL);
    strangers_end(&s);
}

BOTH(a_freed_channel_is_refused)
{
    if (SANITIZER_TELLS)
        return;
    ints ch = oak_make(int, 4);
    expect(oak_chan_free(ch) == 0);
    use(ch, -EINVAL, -EINVAL, -EINVAL, -EINVAL);
}

BOTH(closed_channels_say_so)
{
    ints ch = oak_make(int, 1);
    int v = 7;
    expect(oak_send(ch, 1) == 0 && oak_chan_close(ch) == 0 && oak_chan_close(ch) == -EPIPE);
    expect(oak_send(ch, 2) == -EPIPE && oak_try_send(ch, 2) == -EPIPE &&
           oak_send_timeout(ch, 2, -1) == -EPIPE);
    expect(oak_recv(ch, &v) == 0 && v == 1);
    expect(oak_recv(ch, &v) == -EPIPE && v == 0);
    expect(oak_chan_free(ch) == 0);
}

BOTH(absurd_capacities)
{
    expect(oak_make(int, -1) == NULL);
    expect(oak_make(int, SIZE_MAX) == NULL && oak_make(int, SIZE_MAX / 4) == NULL);
    expect(oak_make(struct strangers, SIZE_MAX / sizeof(struct strangers)) == NULL);
    expect(oak_make(char, PTRDIFF_MAX) == NULL);
}

/* Pages of the process that are in memory. */
static long pages_in_memory(void)
{
    long all, in = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    expect(f && fscanf(f, "%ld %ld", &all, &in) == 2 && fclose(f) == 0);
    return in;
}

BOTH(a_large_buffer_takes_no_memory_before_it_is_used)
{
    enum { LARGE = 64 << 20 };
    const char *filled = getenv("MALLOC_PERTURB_");
    if (OAK_ASAN || OAK_TSAN || (filled && strcmp(filled, "0") != 0))
        return;
    long before = pages_in_memory();
    oak_chan(char) ch = oak_make(char, LARGE);
    expect(oak_send(ch, 'x') == 0);
    expect(pages_in_memory() - before < LARGE / 2 / sysconf(_SC_PAGESIZE));
    expect(oak_chan_free(ch) == 0);
}

BOTH(values_may_be_thrown_away)
{
    ints ch = oak_make(int, 4);
    expect(oak_send(ch, 1) == 0 && oak_send(ch, 2) == 0 && oak_send(ch, 3) == 0);
    expect(oak_recv(ch, NULL) == 0 && oak_try_recv(ch, NULL) == 0 && oak_recv_timeout(ch, NULL, 0) == 0);
    expect(oak_chan_len(ch) == 0 && oak_chan_close(ch) == 0 && oak_recv(ch, NULL) == -EPIPE);
    expect(oak_chan_free(ch) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_channels_block_until_the_context_ends),
        cmocka_unit_test(what_is_no_channel_is_refused),
        cmocka_unit_test(a_freed_channel_is_refused),
        cmocka_unit_test(closed_channels_say_so),
        cmocka_unit_test(absurd_capacities),
        cmocka_unit_test(a_large_buffer_takes_no_memory_before_it_is_used),
        cmocka_unit_test(values_may_be_thrown_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
