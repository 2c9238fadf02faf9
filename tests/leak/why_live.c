/* What keeps a goroutine alive is told, link by link. Each scene is built by a goroutine that then ends, so that nothing of
 * it is left on a live stack. */
#include "leaktest.h"

#include <pthread.h>
#include <sys/mman.h>

typedef oak_chan(int) ints;

static char told[1 << 14];
static int result;

struct search {
    const char *name;
    uint64_t id;
};

static bool is_named(const struct oak_goroutine_info *g, void *arg)
{
    struct search *s = arg;
    if (g->name && strcmp(g->name, s->name) == 0)
        s->id = g->id;
    return true;
}

static uint64_t id_of(const char *name)
{
    struct search s = {.name = name};
    /* Of one that moves just now the name may not be had. */
    for (int i = 0; i < 1000 && s.id == 0; i++)
        oak_goroutines(is_named, &s);
    return s.id;
}

static void ask(struct scene *s, const char *name)
{
    FILE *f = fmemopen(told, sizeof told, "w");
    result = oak_leak_why_live(id_of(name), f);
    fclose(f);
    check_now(s);
}

static void build(void (*fn)(void *))
{
    go("builder", fn, NULL);
    settle("builder", 0);
}

/* Told is each of these, in this order. */
static void assert_told(const char *const *parts, size_t n)
{
    const bool lines = lines_are_known();
    const char *at = told;
    for (size_t i = 0; i < n; i++) {
        char part[300];
        snprintf(part, sizeof part, "%s", parts[i]);
        char *line = lines ? NULL : strstr(part, "why_live.c:");
        if (line)
            *line = 0;
        const char *found = strstr(at, part);
        if (!found)
            fprintf(stderr, "not there: %s\n%s", part, told);
        assert_non_null(found);
        at = found + strlen(part);
    }
}
#define TOLD(...)                                                                                            \
    assert_told((const char *const[]){__VA_ARGS__}, countof(((const char *const[]){__VA_ARGS__})))

static void tell(void (*fn)(struct scene *s), int expected)
{
    struct scene *s = play(fn);
    if (result != expected)
        fprintf(stderr, "%d: %s", result, told);
    assert_int_equal(result, expected);
    done(s);
}

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

static void serve(void *arg)
{
    int v;
    if (oak_recv((ints)(uintptr_t)arg, &v))
        abort();
}

static NOINLINE void serve_new(const char *name, ints c)
{
    go(name, serve, (void *)(uintptr_t)c);
    settle(name, 1);
}

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
    TOLD("\"server\" (chan receive) is not leaked. What keeps it alive:\n    global registry +8 (why_live.c:",
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
    TOLD("    global list_of_lists +24 (why_live.c:", "\n    -> block 0x", " bytes) +0\n    -> block 0x",
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
    TOLD("    global list_of_lists +24 (why_live.c:", more, "-> channel 0x");
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
    TOLD("    global gate (why_live.c:", "-> channel 0x", "-> goroutine ",
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
    TOLD("    global shutdown_ctx (why_live.c:", "\n    -> context 0x", "\n    -> goroutine ",
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

/* ---- other roots ---- */

static ints *mapped;

static void build_mapped(void *unused)
{
    (void)unused;
    *mapped = oak_make(int, 0);
    serve_new("mapped", *mapped);
}

static void from_mapped(struct scene *s)
{
    build(build_mapped);
    ask(s, "mapped");
    if (oak_send(*mapped, 1))
        abort();
}

static void tell_of_mapped(int kind, const char *what)
{
    mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    tell(from_mapped, 0);
    TOLD(what, "-> channel 0x", "\"mapped\"");
    munmap(mapped, 4096);
}

static void shared_memory(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell_of_mapped(MAP_SHARED, "    shared memory, at 0x");
}

static void mapped_memory(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    tell_of_mapped(MAP_PRIVATE, "    memory that the program has mapped, at 0x");
}

static void *hold_mapped(void *go_on)
{
    ints volatile kept = *(ints *)mapped;
    *mapped = NULL;
    pthread_mutex_lock(go_on);
    if (oak_send(kept, 1))
        abort();
    return NULL;
}

static pthread_mutex_t go_on = PTHREAD_MUTEX_INITIALIZER;

static void from_thread(struct scene *s)
{
    pthread_t t;
    build(build_mapped);
    pthread_mutex_lock(&go_on);
    if (pthread_create(&t, NULL, hold_mapped, &go_on))
        abort();
    while (*(ints volatile *)mapped)
        oak_sleep(OAK_MILLISECOND);
    ask(s, "mapped");
    pthread_mutex_unlock(&go_on);
    pthread_join(t, NULL);
    pthread_mutex_unlock(&go_on);
}

static void a_thread(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tell(from_thread, 0);
    assert_true(strstr(told, "registers of thread ") ||
                strstr(told, "stack or thread-local storage of thread "));
    munmap(mapped, 4096);
}

static __thread ints local;
static ints *local_of_test;

static void build_local(void *unused)
{
    (void)unused;
    *local_of_test = oak_make(int, 0);
    serve_new("local", *local_of_test);
}

static void from_local(struct scene *s)
{
    build(build_local);
    ask(s, "local");
    if (oak_send(*local_of_test, 1))
        abort();
}

static void thread_local_storage(void **state)
{
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    local_of_test = &local;
    tell(from_local, 0);
#if defined(__x86_64__)
    TOLD("    thread-local storage, at 0x");
#endif
    TOLD("-> channel 0x", "\"local\"");
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
        cmocka_unit_test(shared_memory),
        cmocka_unit_test(mapped_memory),
        cmocka_unit_test(a_thread),
        cmocka_unit_test(thread_local_storage),
        cmocka_unit_test(one_that_sleeps),
        cmocka_unit_test(no_such_goroutine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
