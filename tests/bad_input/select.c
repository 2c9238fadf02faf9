/* include/oakum/select.h with bad input. */
#include "bad.h"

#include <oakum/select.h>

#include <stdlib.h>

typedef oak_chan(int) ints;

BOTH(no_cases)
{
    oak_with_timeout (0)
        expect(oak_select_n(NULL, 0) == -ETIMEDOUT);
    expect(oak_select_n(NULL, 1) == -EINVAL && oak_select_n(NULL, SIZE_MAX) == -EINVAL);
}

BOTH(too_many_cases)
{
    enum { N = 65536 };
    struct oak_case *cases = calloc(N, sizeof *cases);
    expect(cases);
    ints ch = oak_make(int, 1);
    for (int i = 0; i < N; i++)
        cases[i] = oak_on_recv(ch, NULL);
    expect(oak_select_n(cases, N) == -EINVAL && oak_select_n(cases, SIZE_MAX) == -EINVAL);
    cases[7] = oak_on_default();
    expect(oak_select_n(cases, N - 1) == 7);
    free(cases);
    expect(oak_chan_free(ch) == 0);
}

BOTH(cases_of_no_kind)
{
    static const int kinds[] = {0, -1, 5, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct oak_case c = {(enum oak__case_kind)kinds[i], NULL, NULL, NULL, 0};
        expect(oak_select(c) == -EINVAL && oak_select(oak_on_default(), c) == -EINVAL);
    }
}

BOTH(two_of_what_may_be_there_once)
{
    expect(oak_select(oak_on_default(), oak_on_default()) == -EINVAL);
    expect(oak_select(oak_on_timeout(1), oak_on_timeout(2)) == -EINVAL);
}

BOTH(null_channels_are_never_ready)
{
    int v = 7;
    bool open = true;
    expect(oak_select(oak_on_recv((ints)NULL, &v), oak_on_send((ints)NULL, 1),
                      oak_on_recv_ok((ints)NULL, &v, &open), oak_on_default()) == 3);
    for (size_t i = 0; i < countof(absurd_past); i++)
        expect(oak_select(oak_on_recv((ints)NULL, &v), oak_on_timeout(absurd_past[i])) == 1);
    oak_with_timeout (0)
        expect(oak_select(oak_on_recv((ints)NULL, &v), oak_on_timeout(OAK_FOREVER)) == -ETIMEDOUT);
    expect(v == 7 && open);
}

BOTH(what_is_no_channel_is_refused)
{
    struct strangers s;
    int v;
    bool open;
    strangers_begin(&s);
    each_stranger_but(s, CHANNEL, i)
    {
        ints bad = (ints)(uintptr_t)s.at[i];
        expect(oak_select(oak_on_recv(bad, &v), oak_on_default()) == -EINVAL);
        expect(oak_select(oak_on_default(), oak_on_recv_ok(bad, &v, &open)) == -EINVAL);
        expect(oak_select(oak_on_send(bad, 1), oak_on_default()) == -EINVAL);
    }
    strangers_end(&s);
}

BOTH(nothing_to_send_from_and_nowhere_to_receive_into)
{
    ints ch = oak_make(int, 2);
    struct oak_case send = oak_on_send(ch, 1);
    bool open = false;
    send.elem = NULL;
    expect(oak_select(send) == -EINVAL && oak_chan_len(ch) == 0);
    expect(oak_send(ch, 1) == 0 && oak_send(ch, 2) == 0);
    expect(oak_select(oak_on_recv(ch, NULL)) == 0);
    expect(oak_select(oak_on_recv_ok(ch, NULL, NULL)) == 0);
    expect(oak_chan_close(ch) == 0);
    expect(oak_select(oak_on_recv_ok(ch, NULL, &open)) == 0 && !open);
    expect(oak_select(oak_on_send(ch, 1), oak_on_default()) == -EPIPE);
    expect(oak_chan_free(ch) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_cases),
        cmocka_unit_test(too_many_cases),
        cmocka_unit_test(cases_of_no_kind),
        cmocka_unit_test(two_of_what_may_be_there_once),
        cmocka_unit_test(null_channels_are_never_ready),
        cmocka_unit_test(what_is_no_channel_is_refused),
        cmocka_unit_test(nothing_to_send_from_and_nowhere_to_receive_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
