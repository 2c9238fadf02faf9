/* Channels and select. */
#include "rulestest.h"

/* ---- one channel ---- */

static void build_receive(const char *name, bool live)
{
    go(name, receives, raw_of(make_known(live)));
    settle(name, 1);
}

static void build_send(const char *name, bool live)
{
    go(name, sends, raw_of(make_known(live)));
    settle(name, 1);
}

static void build_full_buffer(const char *name, bool live)
{
    ints ch = make(1);
    if (oak_send(ch, 1))
        abort();
    if (live)
        rule_reference = raw_of(ch);
    go(name, sends, raw_of(ch));
    settle(name, 1);
}

static void receives_all(void *ch)
{
    oak_range ((ints)(uintptr_t)ch, v)
        (void)v;
}

static void build_range(const char *name, bool live)
{
    ints ch = make_known(live);
    go(name, receives_all, raw_of(ch));
    for (int i = 0; i < 3; i++)
        if (oak_send(ch, i))
            abort();
    settle(name, 1);
}

/* ---- nothing to wait for ---- */

static void build_nil_send(const char *name, bool live)
{
    go_cancellable(name, sends, NULL, live);
    settle(name, 1);
}

static void build_nil_receive(const char *name, bool live)
{
    go_cancellable(name, receives, NULL, live);
    settle(name, 1);
}

static void selects_nothing(void *unused)
{
    (void)unused;
    (void)!oak_select_n(NULL, 0);
}

static void build_empty_select(const char *name, bool live)
{
    go_cancellable(name, selects_nothing, NULL, live);
    settle(name, 1);
}

static void selects_nil(void *unused)
{
    (void)unused;
    int v;
    (void)!oak_select(oak_on_recv((ints)NULL, &v), oak_on_send((ints)NULL, 1));
}

static void build_nil_select(const char *name, bool live)
{
    go_cancellable(name, selects_nil, NULL, live);
    settle(name, 1);
}

/* ---- select ---- */

OAK_TASK(selects, const char *, name, ints, from, ints, to)
{
    int v;
    oak_set_name(name);
    (void)!oak_select(oak_on_recv(from, &v), oak_on_recv((ints)NULL, &v), oak_on_send(to, 1));
}

static void build_select(const char *name, bool live)
{
    ints from = make(0);
    if (oak_go_detached(selects, name, from, make_known(live)))
        abort();
    settle(name, 1);
}

/* ---- several that know each other only ---- */

OAK_TASK(passes_on, const char *, name, ints, from, ints, to)
{
    int v;
    oak_set_name(name);
    if (oak_recv(from, &v))
        return;
    (void)!oak_send(to, v);
}

static NOINLINE void build_ring_of(const char *name, int n, bool live)
{
    ints first = make_known(live), from = first;
    for (int i = 0; i < n; i++) {
        ints to = i == n - 1 ? first : make(0);
        if (oak_go_detached(passes_on, name, from, to))
            abort();
        from = to;
    }
    settle(name, n);
}

static void build_pair(const char *name, bool live)
{
    build_ring_of(name, 2, live);
}

static void build_three(const char *name, bool live)
{
    build_ring_of(name, 3, live);
}

static void build_large_ring(const char *name, bool live)
{
    build_ring_of(name, 100, live);
}

/* A chain: each receives from the one before; nobody sends to the first. */
static void build_chain(const char *name, bool live)
{
    ints from = make_known(live);
    for (int i = 0; i < 50; i++) {
        ints to = make(0);
        if (oak_go_detached(passes_on, name, from, to))
            abort();
        from = to;
    }
    settle(name, 50);
}

/* Who should receive waits for something that never comes. */
OAK_TASK(receives_later, const char *, name, ints, first, ints, then)
{
    oak_set_name(name);
    receives(raw_of(first));
    receives(raw_of(then));
}

static void build_leaked_receivers(const char *name, bool live)
{
    ints first = make_known(live), ch = make(0);
    for (int i = 0; i < 3; i++)
        if (oak_go_detached(receives_later, name, first, ch))
            abort();
    go(name, sends, raw_of(ch));
    settle(name, 4);
}

/* The channel lies in the buffer of another one, which only a leaked goroutine has. */
typedef oak_chan(ints) channels;

OAK_TASK(has_box, const char *, name, channels, box)
{
    oak_set_name(name);
    (void)!oak_send(box, NULL);
}

static void build_in_buffer(const char *name, bool live)
{
    channels box = oak_make(ints, 1);
    ints ch = make(0);
    if (!box || oak_send(box, ch))
        abort();
    go(name, receives, raw_of(ch));
    if (live)
        rule_reference = (void *)(uintptr_t)box;
    if (oak_go_detached(has_box, name, box))
        abort();
    settle(name, 2);
}

/* The value that a blocked sender is about to send. */
OAK_TASK(sends_channel, const char *, name, channels, box, ints, ch)
{
    oak_set_name(name);
    (void)!oak_send(box, ch);
}

static void build_in_sender(const char *name, bool live)
{
    channels box = oak_make(ints, 0);
    ints ch = make(0);
    go(name, receives, raw_of(ch));
    if (live)
        rule_reference = (void *)(uintptr_t)box;
    if (oak_go_detached(sends_channel, name, box, ch))
        abort();
    settle(name, 2);
}

int main(void)
{
    static const struct rule rules[] = {
        RULE("receive", .n = 1, .build = build_receive, .why = "no reference to channel"),
        RULE("send", .n = 1, .build = build_send, .why = "no reference to channel"),
        RULE("send to a full buffer", .n = 1, .build = build_full_buffer, .why = "no reference to channel"),
        RULE("range", .n = 1, .build = build_range, .why = "no reference to channel"),
        RULE("send to a nil channel", .n = 1, .build = build_nil_send, .why = "a nil channel is never ready"),
        RULE("receive from a nil channel", .n = 1, .build = build_nil_receive,
             .why = "a nil channel is never ready"),
        RULE("select without cases", .n = 1, .build = build_empty_select, .why = "without cases"),
        RULE("select of nil channels", .n = 1, .build = build_nil_select,
             .why = "every channel of its select is nil"),
        RULE("select", .n = 1, .build = build_select, .why = "the 1 other channel of its select"),
        RULE("a pair", .n = 2, .build = build_pair),
        RULE("a ring of three", .n = 3, .build = build_three),
        RULE("a ring of a hundred", .n = 100, .build = build_large_ring),
        RULE("a chain", .n = 50, .build = build_chain),
        RULE("a sender whose receivers are leaked", .n = 4, .build = build_leaked_receivers),
        RULE("a channel in a channel's buffer", .n = 2, .build = build_in_buffer),
        RULE("a channel that is about to be sent", .n = 2, .build = build_in_sender),
    };
    return run_rules(rules, countof(rules));
}
