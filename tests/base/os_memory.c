/* Reserving, guarding and giving back memory; the core's malloc; fault injection. */
#include "base/os.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { MIB = 1 << 20 };

/* The signal that ends a child which writes to p; 0 when it may. */
static int signal_of_write(char *p)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would report it */
        *(volatile char *)p = 1;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void reserve_is_aligned_zero_and_writable(void **state)
{
    (void)state;
    for (size_t align = 4096; align <= 64 * MIB; align *= 4) {
        char *p = oak__os_reserve(3 * MIB, align);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % align, 0);
        assert_int_equal(p[0] | p[3 * MIB - 1], 0);
        memset(p + 3 * MIB - 4096, 1, 4096);
        oak__os_unreserve(p, 3 * MIB);
    }
}

static void reserve_beyond_the_machine_costs_nothing(void **state)
{
    (void)state;
    size_t size = (size_t)64 << 30;
    char *p = oak__os_reserve(size, 1 << 21);
    if (!p)
        skip(); /* vm.overcommit_memory=2, or a small address space */
    p[size - 1] = 1;
    oak__os_unreserve(p, size);
}

static void reserve_of_too_much_is_null(void **state)
{
    (void)state;
    assert_null(oak__os_reserve(SIZE_MAX - 4096, 1 << 21));
    assert_null(oak__os_reserve((size_t)1 << 62, 1 << 21));
}

static void guard_stops_writes_and_spares_its_neighbours(void **state)
{
    (void)state;
    size_t page = oak__os_page_size();
    bool light = oak__os_guard_light_works();
    print_message("light guards: %s\n", light ? "yes" : "no");
    for (int kind = 0; kind <= light; kind++) {
        char *p = oak__os_reserve(4 * page, page);
        p[page] = 1;
        assert_int_equal(oak__os_guard(p + page, page, kind), 0);
        assert_int_equal(signal_of_write(p + page), SIGSEGV);
        assert_int_equal(signal_of_write(p + page - 1), 0);
        assert_int_equal(signal_of_write(p + 2 * page), 0);
        oak__os_unreserve(p, 4 * page);
    }
}

static void discard_gives_pages_back_and_keeps_guards(void **state)
{
    (void)state;
    size_t page = oak__os_page_size();
    char *p = oak__os_reserve(4 * page, page);
    bool light = oak__os_guard_light_works();
    assert_int_equal(oak__os_guard(p, page, light), 0);
    memset(p + page, 7, 3 * page);
    oak__os_discard(p + page, 2 * page);
    assert_int_equal(p[page] | p[3 * page - 1], 0);
    assert_int_equal(p[3 * page], 7);
    assert_int_equal(signal_of_write(p), SIGSEGV);
    oak__os_unreserve(p, 4 * page);
}

static void faults_hit_the_calls_that_were_asked_for(void **state)
{
    (void)state;
    oak__fault_set(OAK__FAULT_MALLOC, 1, 2, ENOMEM);
    void *before = oak__malloc(8);
    assert_non_null(before);
    assert_null(oak__malloc(8));
    assert_null(oak__calloc(8));
    void *after = oak__calloc(8);
    assert_non_null(after);
    assert_int_equal(*(char *)after, 0);
    oak__free(before);
    oak__free(after);
    oak__free(NULL);
}

static void faults_of_one_kind_leave_the_others_alone(void **state)
{
    (void)state;
    oak__fault_set(OAK__FAULT_MMAP, 0, 1, ENOMEM);
    oak__fault_set(OAK__FAULT_SOCKET, 0, 1, EMFILE);
    void *p = oak__malloc(8);
    assert_non_null(p);
    oak__free(p);
    assert_int_equal(oak__os_socket(AF_UNIX, SOCK_STREAM, 0), -EMFILE);
    assert_null(oak__os_reserve(4096, 4096));
    p = oak__os_reserve(4096, 4096);
    assert_non_null(p);
    oak__os_unreserve(p, 4096);
}

static void every_kind_reaches_its_call(void **state)
{
    (void)state;
    oak__fault_set(OAK__FAULT_THREAD, 0, 1, EAGAIN);
    assert_int_equal(oak__os_thread(NULL, NULL, ""), -EAGAIN);
    oak__fault_set(OAK__FAULT_EPOLL, 0, 2, EMFILE);
    assert_int_equal(oak__os_epoll_create(), -EMFILE);
    assert_int_equal(oak__os_epoll_ctl(-1, EPOLL_CTL_ADD, -1, 0, 0), -EMFILE);
    oak__fault_set(OAK__FAULT_ACCEPT, 0, 1, ENFILE);
    assert_int_equal(oak__os_accept(-1, NULL, NULL), -ENFILE);
    oak__fault_set(OAK__FAULT_FORK, 0, 1, EAGAIN);
    assert_int_equal(oak__fault_hit(OAK__FAULT_FORK), -EAGAIN);
    assert_int_equal(oak__fault_hit(OAK__FAULT_FORK), 0);
}

static void fault_taken_back_before_it_hits(void **state)
{
    (void)state;
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 0, 0);
    void *p = oak__malloc(8);
    assert_non_null(p);
    oak__free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_is_aligned_zero_and_writable),
        cmocka_unit_test(reserve_beyond_the_machine_costs_nothing),
        cmocka_unit_test(reserve_of_too_much_is_null),
        cmocka_unit_test(guard_stops_writes_and_spares_its_neighbours),
        cmocka_unit_test(discard_gives_pages_back_and_keeps_guards),
        cmocka_unit_test(faults_hit_the_calls_that_were_asked_for),
        cmocka_unit_test(faults_of_one_kind_leave_the_others_alone),
        cmocka_unit_test(every_kind_reaches_its_call),
        cmocka_unit_test(fault_taken_back_before_it_hits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
