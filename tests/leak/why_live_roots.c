/* What keeps a goroutine alive from elsewhere than a global: mapped memory, threads. */
#define SOURCE "why_live_roots.c"
#include "whytest.h"

#include <pthread.h>
#include <sys/mman.h>

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
    if (OAK_ASAN || OAK_TSAN || getenv("OAK_TEST_EMULATED")) /* an emulator does not let it be copied */
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

/* More than a check copies: what only such memory knows is neither leaked nor explained; what else is known is. */
static void too_much_shared_memory(void **state)
{
    enum { MUCH = 40 << 20 };
    (void)state;
    if (OAK_ASAN || OAK_TSAN)
        skip();
    mapped = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    ints *much = mapped;
    tell(from_mapped, 0);
    TOLD("\"mapped\"", " is not proven leaked: there is much shared memory");
    tell_of_mapped(MAP_PRIVATE, "    memory that the program has mapped, at 0x");
    munmap(much, MUCH);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_memory),          cmocka_unit_test(mapped_memory),
        cmocka_unit_test(too_much_shared_memory), cmocka_unit_test(a_thread),
        cmocka_unit_test(thread_local_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
