/* A process whose first thread has ended goes on, and so do checks in it: of that thread /proc tells nothing any more. */
#include "leaktest.h"

#include "base/os.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef oak_chan(int) ints;

static void wait_for(void *arg)
{
    int v;
    (void)!oak_recv((ints)(uintptr_t)arg, &v);
}

static NOINLINE void leak(void)
{
    ints ch = oak_make(int, 0);
    go("leaked", wait_for, (void *)(uintptr_t)ch);
    settle("leaked", 1);
}

/* Its only reference is in a private mapping, and later in one that is shared. */
static void *volatile *place;

static NOINLINE void keep(void)
{
    ints ch = oak_make(int, 0);
    go("kept", wait_for, (void *)(uintptr_t)ch);
    settle("kept", 1);
    *place = (void *)(uintptr_t)ch;
}

static int wrong;

static void expect(struct scene *s, const char *name, int n, const char *what)
{
    if (proven(s, name) != n || !s->report || oak_leak_count(s->report, OAK_LEAKED) == 0)
        wrong |= fprintf(stderr, "%s: %s: %d proven\n", what, name, proven(s, name));
}

static void look_in(struct scene *s, int flags, const char *what)
{
    place = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        abort();
    keep();
    scrub_stack();
    check_now(s);
    if (s->err) {
        wrong |= fprintf(stderr, "%s: %s\n", what, strerror(-s->err));
        return;
    }
    expect(s, "leaked", 1, what);
    expect(s, "kept", 0, what);
    oak_leak_report_free(s->report);
    ints ch;
    memcpy(&ch, (void *)place, sizeof ch);
    if (oak_send(ch, 1))
        abort();
    settle("kept", 0);
}

static void look(struct scene *s)
{
    leak();
    look_in(s, MAP_PRIVATE, "a private mapping");
    look_in(s, MAP_SHARED, "a shared mapping");
    if (madvise((void *)place, 1 << 16, MADV_DONTFORK))
        return;
    check_now(s);
    if (s->err || s->report->lost != OAK__LOST_MEMORY)
        wrong |= fprintf(stderr, "memory that a clone does not get is not missed\n");
}

static void *after_the_first(void *first)
{
    static struct scene s = {.play = look};
    pthread_join(*(pthread_t *)first, NULL);
    scene_now = &s;
    wrong |= oak_run(scene_app, 0, NULL);
    _exit(wrong ? 1 : 0);
}

static void it_is_checked_as_ever(void **state)
{
    (void)state;
    if (oak__os_advice_is_ignored() || OAK_TSAN || OAK_ASAN)
        skip(); /* qemu-user and the thread sanitizer need that thread; the heap must be glibc's */
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        static pthread_t first;
        pthread_t t;
        first = pthread_self();
        alarm(100);
        if (pthread_create(&t, NULL, after_the_first, &first))
            _exit(2);
        pthread_exit(NULL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_checked_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
