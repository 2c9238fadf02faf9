/*
 * A reference that moves all the time, from one place to another and back, while checks are made: it is in one of the two at any
 * moment, so nothing may ever be proven. Once both have forgotten it, the goroutine is.
 */
#include "heldtest.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CHECKS = 12 };

/* Two places, and how it gets from one to the other. Nothing of it may stay behind anywhere else. */
struct route {
    const char *name;
    void (*open)(void); /* it is in the first one afterwards */
    void (*there)(void);
    void (*back)(void);
    void (*close)(void); /* forgets it */
    bool never_proven;   /* less is proven for as long as this route is open */
};

static void *volatile *first, *volatile *second;

/* The word goes through a register that this function's return leaves to others. */
static NOINLINE void move(void *volatile *from, void *volatile *to)
{
    *to = *from;
    *from = NULL;
}

static void to_second(void)
{
    move(first, second);
}

static void to_first(void)
{
    move(second, first);
}

/* ---- shared memory, and a variable ---- */

static void *volatile variable;
static char *mapped, *mapped_again;
static size_t length;

static void *map(size_t size, int flags, int fd)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

static void open_at(void *p, size_t size)
{
    mapped = p;
    length = size;
    first = (void *)(mapped + size / 2);
    second = &variable;
    put_at(first);
}

static void close_mapped(void)
{
    *first = *second = NULL;
    munmap(mapped, length);
    if (mapped_again)
        munmap(mapped_again, length);
    mapped_again = NULL;
}

static void open_shared(void)
{
    open_at(map(1 << 16, MAP_SHARED | MAP_ANONYMOUS, -1), 1 << 16);
}

/* A memory file that is mapped twice: it is read at one address, and written at the other. */
static void open_twice(void)
{
    int fd = memfd_create("moving", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 1 << 16))
        abort();
    mapped_again = map(1 << 16, MAP_SHARED, fd);
    open_at(map(1 << 16, MAP_SHARED, fd), 1 << 16);
    if (mprotect(mapped_again, 1 << 16, PROT_READ))
        abort();
    close(fd);
}

/* More than is copied while all threads stand still. */
static void open_large(void)
{
    open_at(map(80 << 20, MAP_SHARED | MAP_ANONYMOUS, -1), 80 << 20);
}

/* ---- without access most of the time ---- */

static void protect(int how)
{
    if (mprotect(mapped, length, how))
        abort();
}

static void open_protected(void)
{
    open_shared();
    protect(PROT_NONE);
}

static void protected_there(void)
{
    protect(PROT_READ | PROT_WRITE);
    move(first, second);
    protect(PROT_NONE);
}

static void protected_back(void)
{
    protect(PROT_READ | PROT_WRITE);
    move(second, first);
    protect(PROT_NONE);
}

static void close_protected(void)
{
    protect(PROT_READ | PROT_WRITE);
    close_mapped();
}

/* ---- who moves it ---- */

static const struct route *route;
static _Atomic bool stop;
static pthread_t mover;

static NOINLINE void rest(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    nanosleep(&(struct timespec){0, 20000 + (*seed >> 16) % 400000}, NULL);
}

static void *move_on(void *unused)
{
    unsigned seed = 1;
    (void)unused;
    while (!stop) {
        rest(&seed);
        route->there();
        rest(&seed);
        route->back();
    }
    return NULL;
}

static int wrong, checks;

static void travel(struct scene *s)
{
    held_start(route->name);
    route->open();
    scrub_stack();
    stop = false;
    if (pthread_create(&mover, NULL, move_on, NULL))
        abort();
    for (checks = 0; checks < CHECKS; checks++) {
        check_now(s);
        if (s->err)
            break;
        wrong += proven(s, route->name);
        oak_leak_report_free(s->report);
        s->report = NULL;
    }
    stop = true;
    if (pthread_join(mover, NULL))
        abort();
    route->close();
    scrub_stack();
    if (!s->err)
        check_now(s);
}

static void it_is_never_lost(void **state)
{
    route = *state;
    wrong = 0;
    struct scene *s = play(travel);
    const bool exact = oak_leak_exact_heap(s->report);
    if (wrong || (exact && proven(s, route->name) != 1))
        fprintf(stderr, "%s: %d of %d checks proved what was not so\n%s", route->name, wrong, checks,
                s->text);
    assert_int_equal(wrong, 0);
    if (exact)
        assert_int_equal(proven(s, route->name), 1);
    done(s);
}

int main(void)
{
    static const struct route routes[] = {
        {"shared memory", open_shared, to_second, to_first, close_mapped, false},
        {"a memory file mapped twice", open_twice, to_second, to_first, close_mapped, false},
        {"much shared memory", open_large, to_second, to_first, close_mapped, true},
        {"shared memory without access", open_protected, protected_there, protected_back, close_protected,
         false},
    };
    struct CMUnitTest tests[countof(routes)];
    for (size_t i = 0; i < countof(routes); i++)
        tests[i] =
            (struct CMUnitTest){routes[i].name, it_is_never_lost, NULL, NULL, (void *)(uintptr_t)&routes[i]};
    return _cmocka_run_group_tests("routes", tests, countof(routes), NULL, NULL);
}
