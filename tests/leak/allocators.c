/*
 * The same program over allocators and ways of setting glibc's: this one runs itself again for each. With glibc's everything
 * is proven; with another's what needs no heap is, the report says that it proved less, and nothing healthy is proven
 * anywhere.
 */
#include "leaktest.h"

#include "base/os.h"

#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

typedef oak_chan(int) ints;

#if defined(__x86_64__)
    #define OWN_ARCH "x86_64"
#elif defined(__aarch64__)
    #define OWN_ARCH "aarch64"
#endif

/* ---- the program ---- */

enum { THREADS = 4, ROUNDS = 3000, SIZES = 24, LOST = 16 };

/* A heap as a service has it: pieces of all sizes, half of them free, by several threads, some with mappings of their own. */
static void *make_a_mess(void *kept)
{
    static const size_t more[SIZES] = {24, 40, 100, 1000, 5000, 70000, 300000, 24, 56, 88, 120, 1032};
    void *p[200] = {NULL};
    for (size_t i = 0; i < ROUNDS; i++) {
        void **at = &p[i * 7919 % countof(p)];
        if (i % 3 == 0) {
            free(*at);
            *at = NULL;
            continue;
        }
        void *grown = realloc(*at, more[i % SIZES] + 8);
        if (!grown)
            abort();
        *at = grown;
        /* Wholly: what malloc's own links left there may be the address of a channel to come. */
        memset(grown, 0x5a, malloc_usable_size(grown));
    }
    for (size_t i = 0; i < countof(p); i += 2)
        free(p[i]);
    void **head = calloc(countof(p) / 2 + 1, sizeof *head);
    if (!head)
        abort();
    for (size_t i = 1; i < countof(p); i += 2)
        head[i / 2] = p[i];
    *(void **)kept = head;
    return NULL;
}

static void *messes[THREADS];
static struct known {
    ints ch;
    char rest[500];
} * known, *known_large;
static oak_mutex mu;

static void *allocate_known(void *unused)
{
    (void)unused;
    known = calloc(1, sizeof *known);
    known_large = calloc(1, 1 << 20);
    if (!known || !known_large)
        abort();
    return NULL;
}

static void receive_from(void *ch)
{
    int v;
    if (oak_recv((ints)(uintptr_t)ch, &v) == 0)
        abort();
}

static void lock_twice(void *unused)
{
    (void)unused;
    if (oak_mutex_lock(&mu) == 0 && oak_mutex_lock(&mu) == 0)
        abort();
}

/* In a frame of its own, so that the stack forgets it. */
static NOINLINE void lose_one(void)
{
    for (int i = 0; i < LOST; i++)
        go("lost", receive_from, (void *)(uintptr_t)oak_make(int, 0));
    settle("lost", LOST);
}

static NOINLINE void start_all(void)
{
    known->ch = oak_make(int, 0);
    known_large->ch = oak_make(int, 1);
    go("nil", receive_from, NULL);
    go("self", lock_twice, NULL);
    go("known", receive_from, (void *)(uintptr_t)known->ch);
    go("known", receive_from, (void *)(uintptr_t)known_large->ch);
    settle("nil", 1);
    settle("self", 1);
    settle("known", 2);
}

static void all_kinds(struct scene *s)
{
    lose_one();
    start_all();
    check_now(s);
}

static void proves_what_this_allocator_lets_it_prove(void **state)
{
    (void)state;
    const bool exact = getenv("OAK_TEST_EXACT") != NULL;
    pthread_t t[THREADS + 1];
    pthread_attr_t attr;
    /* More than the C library keeps of a thread that has ended: what lies on such a stack looks like references. */
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, (size_t)48 << 20), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], &attr, make_a_mess, &messes[i]), 0);
    assert_int_equal(pthread_create(&t[THREADS], &attr, allocate_known, NULL), 0);
    pthread_attr_destroy(&attr);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(t[i], NULL);
    malloc_trim(0);
    struct scene *s = play(all_kinds);
    if (oak_leak_exact_heap(s->report) != exact || (exact && proven(s, "lost") < LOST / 4))
        fprintf(stderr, "%s", s->text);
    assert_int_equal(oak_leak_exact_heap(s->report), exact);
    assert_int_equal(proven(s, "nil"), 1);
    assert_int_equal(proven(s, "self"), 1);
    /* A stale word on some thread's stack may hide some. */
    assert_true(exact ? proven(s, "lost") >= LOST / 4 : proven(s, "lost") == 0);
    assert_int_equal(proven(s, "known"), 0);
    assert_int_equal(strstr(s->text, "Less is proven") == NULL, exact);
    done(s);
}

/* ---- over and over ---- */

static const struct row {
    const char *name, *library, *set;
    bool exact;
} rows[] = {
    {"glibc", NULL, "OAK_TEST_NONE=1", true},
    {"glibc, one arena", NULL, "MALLOC_ARENA_MAX=1", true},
    {"glibc, an arena a thread", NULL, "MALLOC_ARENA_TEST=64", true},
    {"glibc, free blocks overwritten", NULL, "MALLOC_PERTURB_=165", true},
    {"glibc, trimmed at once", NULL, "MALLOC_TRIM_THRESHOLD_=0", true},
    {"glibc, many mappings", NULL, "MALLOC_MMAP_THRESHOLD_=4096", true},
    {"glibc, no mappings", NULL, "MALLOC_MMAP_MAX_=0", true},
    {"glibc, no caches", NULL, "GLIBC_TUNABLES=glibc.malloc.tcache_count=0", true},
    {"glibc, long caches", NULL, "GLIBC_TUNABLES=glibc.malloc.tcache_count=100", true},
    {"glibc, large fastbins", NULL, "GLIBC_TUNABLES=glibc.malloc.mxfast=160:glibc.malloc.tcache_count=0",
     true},
    {"jemalloc", "libjemalloc.so.2", NULL, false},
    {"mimalloc", "libmimalloc.so.2.0", NULL, false},
};

/* Where it is installed, as the loader would find it; empty: nowhere. */
static void find_library(const char *name, char *path, size_t size)
{
    static const char *const folders[] = {"/usr/lib/" OWN_ARCH "-linux-gnu", "/usr/lib64", "/usr/lib",
                                          "/usr/local/lib"};
    for (size_t i = 0; i < countof(folders); i++) {
        snprintf(path, size, "%s/%s", folders[i], name);
        if (access(path, R_OK) == 0)
            return;
    }
    path[0] = 0;
}

/* The program itself, behind the words of the emulator that meson names where it takes one. */
enum { MOST_WORDS = 16 };
static void command(const char *self, char *wrapper, size_t size, char **args)
{
    const char *set = getenv("MESON_EXE_WRAPPER");
    size_t n = 0;
    snprintf(wrapper, size, "%s", set ? set : "");
    for (char *rest = wrapper, *word; n + 1 < MOST_WORDS && (word = strtok_r(rest, " ", &rest));)
        args[n++] = word;
    args[n] = (char *)(uintptr_t)self;
}

static int run_row(const struct row *r, const char *self)
{
    char preload[300] = "LD_PRELOAD=", row[] = "OAK_TEST_ROW=1", exact[] = "OAK_TEST_EXACT=1", set[200];
    if (r->library)
        find_library(r->library, preload + 11, sizeof preload - 11);
    if (r->library && !preload[11]) {
        fprintf(stderr, "skipped: %s is not installed\n", r->library);
        return 0;
    }
    snprintf(set, sizeof set, "%s", r->library ? preload : r->set);
    char *env[] = {row, set, r->exact ? exact : NULL, NULL};
    char *args[MOST_WORDS + 1] = {NULL}, wrapper[1000];
    command(self, wrapper, sizeof wrapper, args);
    pid_t pid;
    int status = -1;
    assert_int_equal(posix_spawnp(&pid, args[0], NULL, NULL, args, env), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status)
        fprintf(stderr, "%s: status %x\n", r->name, (unsigned)status);
    return status != 0;
}

static void over_allocators(void **state)
{
    (void)state;
    int failed = 0;
    if (OAK_ASAN || OAK_TSAN) {
        fprintf(stderr, "skipped: a sanitizer brings an allocator of its own\n");
        return;
    }
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    for (size_t i = 0; i < countof(rows); i++)
        failed += run_row(&rows[i], self);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest once[] = {cmocka_unit_test(proves_what_this_allocator_lets_it_prove)};
    const struct CMUnitTest tests[] = {cmocka_unit_test(over_allocators)};
    if (getenv("OAK_TEST_ROW") || OAK_ASAN || OAK_TSAN)
        return cmocka_run_group_tests(once, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
