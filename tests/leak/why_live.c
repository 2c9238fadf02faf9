/* What keeps a goroutine alive is told, link by link. */
#define SOURCE "why_live.c"
#include "whytest.h"

/* ---- chains ---- */

struct session {
    char name[24];
    ints requests;
};
extern struct registry { /* not static, or the compiler takes it apart */
    long unused;
    struct session *session;
} registry;
struct registry registry;

static void build_registry(void *unused)
{
    (void)unused;
    registry.session = calloc(1, sizeof *registry.session);
    registry.session->requests = oak_make(int, 0);
    serve_new("server", registry.session->requests);
}

static void from_registry(struct scene *s)
{
    build(build_registry);
    ask(s, "server");
    if (oak_send(registry.session->requests, 1))
        abort();
}

static void a_global_over_a_struct(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(from_registry, 0);
    TOLD("\"server\" (chan receive) is not leaked. What keeps it alive:\n    global registry +8 (" SOURCE ":",
         "\n    -> block 0x", " bytes) +24\n    -> channel 0x", " bytes)\n    -> goroutine ",
         "\"server\" (chan receive), which waits for it\n");
}

enum { HEADS = 16, LONG = 1000 };
struct item {
    struct item *next;
    ints c;
};

/* The compiler does not know which. */
static volatile size_t third = 3;

static void **heads(void)
{
    static void *list_of_lists[HEADS];
    return list_of_lists;
}

static void build_list(int n)
{
    struct item *first = NULL;
    for (int i = 0; i < n; i++) {
        struct item *x = calloc(1, sizeof *x);
        x->next = first;
        first = x;
        if (i == 0)
            x->c = oak_make(int, 0);
    }
    struct item *last = first;
    heads()[third] = first;
    while (last->next)
        last = last->next;
    serve_new("listed", last->c);
}

static void build_short_list(void *unused)
{
    (void)unused;
    build_list(3);
}

static void build_long_list(void *unused)
{
    (void)unused;
    build_list(LONG);
}

static void send_to_list(void)
{
    struct item *x = heads()[third];
    while (x->next)
        x = x->next;
    if (oak_send(x->c, 1))
        abort();
    heads()[third] = NULL;
}

static void from_short_list(struct scene *s)
{
    build(build_short_list);
    ask(s, "listed");
    send_to_list();
}

static void from_long_list(struct scene *s)
{
    build(build_long_list);
    ask(s, "listed");
    send_to_list();
}

static void a_static_array_over_a_list(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(from_short_list, 0);
    TOLD("    global list_of_lists +24 (" SOURCE ":", "\n    -> block 0x", " bytes) +0\n    -> block 0x",
         " bytes) +0\n    -> block 0x", " bytes) +8\n    -> channel 0x");
}

static void of_a_long_list_the_ends(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(from_long_list, 0);
    char more[64]; /* global, the items, channel, goroutine */
    snprintf(more, sizeof more, "\n    ... %d more\n", LONG + 3 - OAK__MOST_STEPS);
    TOLD("    global list_of_lists +24 (" SOURCE ":", more, "-> channel 0x");
}

/* One that sleeps has the channel on its stack; one that is kept by a global has another. */
static ints gate;
static _Atomic bool let_go;

static NOINLINE void keep_and_sleep(void)
{
    ints mine = oak_make(int, 0);
    ints volatile kept = mine;
    serve_new("slept for", mine);
    for (int i = 0; !let_go; i++)
        oak_sleep(OAK_MILLISECOND);
    if (oak_send(kept, 1))
        abort();
}

static void sleeper(void *unused)
{
    (void)unused;
    keep_and_sleep();
}

static void from_sleeper(struct scene *s)
{
    let_go = false;
    go("sleeper", sleeper, NULL);
    settle("slept for", 1);
    ask(s, "slept for");
    let_go = true;
    settle("sleeper", 0);
}

static void a_live_stack(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(from_sleeper, 0);
    TOLD("What keeps it alive:\n    goroutine ", "\"sleeper\"", "\n    -> stack of goroutine ", "\"sleeper\"",
         "\n    -> channel 0x", "\n    -> goroutine ", "\"slept for\"");
}

static NOINLINE void keep_and_wait(void)
{
    ints mine = oak_make(int, 0);
    ints volatile kept = mine;
    int v;
    serve_new("waited for", mine);
    if (oak_recv(gate, &v) || oak_send(kept, 1))
        abort();
}

static void waiter(void *unused)
{
    (void)unused;
    keep_and_wait();
}

static void from_waiter(struct scene *s)
{
    gate = oak_make(int, 0);
    go("waiter", waiter, NULL);
    settle("waited for", 1);
    settle("waiter", 1);
    ask(s, "waited for");
    if (oak_send(gate, 1))
        abort();
}

static void a_blocked_one_that_a_global_keeps(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(from_waiter, 0);
    TOLD("    global gate (" SOURCE ":", "-> channel 0x", "-> goroutine ",
         "\"waiter\" (chan receive), which waits for it", "-> stack of goroutine ", "-> channel 0x",
         "\"waited for\" (chan receive), which waits for it");
}

/* A context that a global could cancel ends a wait that nothing else can. */
static oak_ctx *shutdown_ctx;

static void wait_alone(void *unused)
{
    int v;
    (void)unused;
    oak_with_ctx (shutdown_ctx)
        if (oak_recv(oak_make(int, 0), &v) != -ECANCELED)
            abort();
}

static void build_context(void *unused)
{
    (void)unused;
    shutdown_ctx = oak_ctx_new(NULL);
    go("cancelled", wait_alone, NULL);
    settle("cancelled", 1);
}

static void from_context(struct scene *s)
{
    build(build_context);
    ask(s, "cancelled");
    oak_ctx_cancel(shutdown_ctx, 0);
    settle("cancelled", 0);
    oak_ctx_unref(shutdown_ctx);
}

static void a_context(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(from_context, 0);
    TOLD("    global shutdown_ctx (" SOURCE ":", "\n    -> context 0x", "\n    -> goroutine ",
         "\"cancelled\" (chan receive), whose wait ends with its end\n");
}

/* A static mutex, held by one that sleeps. */
static oak_mutex lock;

static void hold(void *unused)
{
    (void)unused;
    if (oak_mutex_lock(&lock))
        abort();
    while (!let_go)
        oak_sleep(OAK_MILLISECOND);
    oak_mutex_unlock(&lock);
}

static void want(void *unused)
{
    (void)unused;
    if (oak_mutex_lock(&lock))
        abort();
    oak_mutex_unlock(&lock);
}

static void from_holder(struct scene *s)
{
    let_go = false;
    go("holder", hold, NULL);
    settle("holder", 1);
    go("wanter", want, NULL);
    settle("wanter", 1);
    ask(s, "wanter");
    let_go = true;
    settle("wanter", 0);
}

static void a_lock_s_holder(void **state)
{
    (void)state;
    tell(from_holder, 0);
    TOLD("    goroutine ", "\"holder\"", "\n    -> goroutine ",
         "\"wanter\" (sync.Mutex.Lock), which waits for a lock that it holds\n");
}

/* ---- no chain ---- */

static void leak_one(void *unused)
{
    (void)unused;
    serve_new("lost", oak_make(int, 0));
}

static void of_leaked(struct scene *s)
{
    build(leak_one);
    ask(s, "lost");
}

static void a_leaked_one(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell(of_leaked, 1);
    TOLD("\"lost\" (chan receive) is leaked (proven): no reference to channel 0x");
}

static void of_itself(struct scene *s)
{
    let_go = false;
    go("sleeper", sleeper, NULL);
    settle("slept for", 1);
    ask(s, "sleeper");
    let_go = true;
    settle("sleeper", 0);
}

static void one_that_sleeps(void **state)
{
    (void)state;
    tell(of_itself, 0);
    TOLD("is not leaked. What keeps it alive:\n    goroutine ");
    assert_null(strstr(told, "->"));
}

static void of_nobody(struct scene *s)
{
    ask(s, "nobody"); /* id 0 */
    if (result == -EINVAL && oak_leak_why_live(1, NULL) == -EINVAL)
        result = oak_leak_why_live(1 << 30, stderr);
}

static void no_such_goroutine(void **state)
{
    (void)state;
    tell(of_nobody, -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaked_one),
        cmocka_unit_test(a_global_over_a_struct),
        cmocka_unit_test(a_static_array_over_a_list),
        cmocka_unit_test(of_a_long_list_the_ends),
        cmocka_unit_test(a_live_stack),
        cmocka_unit_test(a_blocked_one_that_a_global_keeps),
        cmocka_unit_test(a_context),
        cmocka_unit_test(a_lock_s_holder),
        cmocka_unit_test(one_that_sleeps),
        cmocka_unit_test(no_such_goroutine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
