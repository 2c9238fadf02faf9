/* What oak_goroutines says of goroutines that stand still, and that it says nothing wrong of those that do
 * not. */
#include "../support/goroutine.h"

#include "base/os.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MANY = 500 };

static struct oak_goroutine_info found;
static char found_name[64];

struct wanted {
    const void *entry;
    int n;
};

static bool by_entry(const struct oak_goroutine_info *g, void *arg)
{
    struct wanted *w = arg;
    if (g->entry != w->entry)
        return true;
    w->n++;
    found = *g;
    snprintf(found_name, sizeof found_name, "%s", g->name ? g->name : "");
    return true;
}

/* How many goroutines run this function; the last of them is in `found`. */
static int look_for(void (*fn)(void *))
{
    struct wanted w = {.entry = (const void *)(uintptr_t)fn};
    expect(oak_goroutines(by_entry, &w) >= w.n);
    return w.n;
}

static oak_chan(int) channel;

static void receiver(void *arg)
{
    int v;
    (void)arg;
    oak_set_name("receiver");
    (void)!oak_recv(channel, &v);
}

static __attribute__((noinline)) void start_receivers(int n)
{
    channel = oak_make(int, 0);
    for (int i = 0; i < n; i++)
        expect(oak_spawn(receiver, NULL) == 0);
}

static void end_receivers(void)
{
    oak_chan_close(channel);
    wait_until(look_for(receiver) == 0);
    expect(oak_chan_free(channel) == 0);
}

static bool waits(const struct oak_goroutine_info *g)
{
    return g->state == OAK_STATE_WAITING && g->nframes > 0;
}

static bool never_called(const struct oak_goroutine_info *g, void *arg)
{
    (void)g, (void)arg;
    return false;
}

static void before_the_runtime_starts_there_are_none(void **state)
{
    (void)state;
    assert_int_equal(oak_goroutines(never_called, NULL), 0);
    assert_int_equal(oak_goroutines(NULL, NULL), -EINVAL);
}

struct order {
    uint64_t last;
    int64_t n;
};

static bool ascending(const struct oak_goroutine_info *g, void *arg)
{
    struct order *o = arg;
    expect(g->id > o->last);
    o->last = g->id;
    o->n++;
    return true;
}

TEST(each_is_visited_once_in_order_of_id)
{
    start_receivers(MANY);
    struct order o = {0, 0};
    int64_t n = oak_goroutines(ascending, &o);
    expect(n == o.n && n >= MANY + 1);
    expect(look_for(receiver) == MANY);
    end_receivers();
}

static bool third_ends(const struct oak_goroutine_info *g, void *arg)
{
    (void)g;
    return ++*(int *)arg < 3;
}

/* call(fn): calls fn(), in a frame like any other. Copied to where no library is. */
#if defined(__x86_64__)
static const unsigned char call_code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
#else
static const uint32_t call_code[] = {0xa9bf7bfd, 0x910003fd, 0xd63f0000, 0xa8c17bfd, 0xd65f03c0};
#endif

static void receive_one(void)
{
    int v;
    (void)!oak_recv(channel, &v);
}

static void receive_from_made_code(void *code)
{
    void (*call)(void (*)(void));
    memcpy(&call, &code, sizeof call);
    call(receive_one);
    __asm__ volatile(""); /* not a tail call */
}

static int frames_within(const void *lo, size_t size)
{
    int n = 0;
    for (int i = 0; i < found.nframes; i++)
        n += (uintptr_t)found.frames[i] - (uintptr_t)lo < size;
    return n;
}

/* Which addresses hold code is kept from one look to the next, and found out anew for code that has come since. */
TEST(code_that_was_made_meanwhile_is_on_the_stack)
{
    const size_t page = oak__os_page_size();
    (void)look_for(receive_from_made_code);
    for (int round = 0; round < 2; round++) {
        void *code = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        expect(code != MAP_FAILED);
        memcpy(code, call_code, sizeof call_code);
        expect(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
        __builtin___clear_cache(code, (char *)code + sizeof call_code);
        channel = oak_make(int, 0);
        expect(oak_spawn(receive_from_made_code, code) == 0);
        wait_until(look_for(receive_from_made_code) == 1 && waits(&found));
        expect(frames_within(code, page) == 1);
        /* (receive_one may lie within these 256 bytes, too) */
        expect(frames_within((const void *)(uintptr_t)receive_from_made_code, 256) >= 1);
        oak_chan_close(channel);
        wait_until(look_for(receive_from_made_code) == 0);
        expect(oak_chan_free(channel) == 0);
        munmap(code, page);
    }
}

TEST(stops_when_told_to)
{
    start_receivers(10);
    int n = 0;
    expect(oak_goroutines(third_ends, &n) == 3 && n == 3);
    end_receivers();
}

TEST(a_parked_one_is_told_in_full)
{
    int64_t before = oak_now();
    start_receivers(1);
    wait_until(look_for(receiver) == 1 && waits(&found));
    expect(found.reason == OAK_WAIT_CHAN_RECV);
    expect(found.wait_object == (const void *)(uintptr_t)channel);
    expect(found.wait_since >= before - 10 * OAK_SECOND && found.wait_since <= oak_now());
    expect(!found.has_deadline);
    expect(found.parent == oak_self());
    expect(strcmp(found_name, "receiver") == 0);
    char text[256];
    oak_symbolize(found.created_at, text, sizeof text);
    expect(strncmp(text, "start_receivers", 15) == 0);
    bool seen = false;
    for (int i = 0; i < found.nframes; i++) {
        oak_symbolize(found.frames[i], text, sizeof text);
        seen = seen || strncmp(text, "receiver", 8) == 0;
    }
    expect(seen);
    end_receivers();
}

static void with_limit(void *arg)
{
    int v;
    (void)arg;
    (void)!oak_recv_timeout(channel, &v, OAK_HOUR);
}

static void sleeper(void *arg)
{
    (void)arg;
    oak_sleep(200 * OAK_MILLISECOND);
}

TEST(a_wait_that_ends_by_itself_is_marked)
{
    channel = oak_make(int, 0);
    expect(oak_spawn(with_limit, NULL) == 0);
    expect(oak_spawn(sleeper, NULL) == 0);
    wait_until(look_for(with_limit) == 1 && waits(&found));
    expect(found.has_deadline && found.reason == OAK_WAIT_CHAN_RECV);
    wait_until(look_for(sleeper) == 0 ||
               (waits(&found) && found.has_deadline && found.reason == OAK_WAIT_SLEEP));
    oak_chan_close(channel);
    wait_until(look_for(with_limit) == 0 && look_for(sleeper) == 0);
    expect(oak_chan_free(channel) == 0);
}

static bool myself(const struct oak_goroutine_info *g, void *arg)
{
    if (g->id != *(uint64_t *)arg)
        return true;
    found = *g;
    return false;
}

TEST(the_caller_is_running_and_has_no_frames)
{
    uint64_t id = oak_self();
    oak_goroutines(myself, &id);
    expect(found.id == id && found.state == OAK_STATE_RUNNING && found.nframes == 0);
    expect(found.wait_since == 0 && !found.has_deadline);
}

static _Atomic bool stop;

static void hog(void *arg)
{
    (void)arg;
    while (!load_acquire(&stop))
        cpu_relax();
}

static bool in_syscall(const struct oak_goroutine_info *g, void *arg)
{
    if (g->entry != (const void *)(uintptr_t)hog || g->state != OAK_STATE_SYSCALL)
        return true;
    expect(g->nframes == 0 && g->wait_object == NULL);
    *(bool *)arg = true;
    return false;
}

/* With more of them than Ps, and the test itself going on, some have lost theirs. */
TEST(a_hog_is_in_syscall_once_its_P_was_taken)
{
    bool any = false;
    store_release(&stop, false);
    for (int i = 0; i <= oak_procs(); i++)
        expect(oak_spawn(hog, NULL) == 0);
    wait_until((oak_goroutines(in_syscall, &any), any));
    store_release(&stop, true);
    wait_until(look_for(hog) == 0);
}

TEST(out_of_memory_is_an_error)
{
    oak__fault_set(OAK__FAULT_MALLOC, 0, 1, ENOMEM);
    int64_t n = oak_goroutines(never_called, NULL);
    oak__fault_set(OAK__FAULT_MALLOC, 0, 0, 0);
    expect(n == -ENOMEM);
}

/* ---- while everything moves ---- */

/* Two kinds of goroutine that differ in all that is told: a mixture of them would show. */
static oak_chan(int) left, right;

static void lefty(void *arg)
{
    int v;
    oak_set_name("left");
    (void)!oak_recv(left, &v);
    (void)arg;
}

static void righty(void *arg)
{
    int v;
    oak_set_name("right");
    (void)!oak_send(right, 1);
    (void)!oak_recv(right, &v);
    (void)arg;
}

static const void *left_site, *right_site;

static _Atomic bool seen; /* one of them, at least once */

static bool agrees(const struct oak_goroutine_info *g, void *arg)
{
    (void)arg;
    bool is_left = g->entry == (const void *)(uintptr_t)lefty,
         is_right = g->entry == (const void *)(uintptr_t)righty;
    if (!is_left && !is_right)
        return true;
    store_release(&seen, true);
    if (!left_site && is_left)
        left_site = g->created_at;
    if (!right_site && is_right)
        right_site = g->created_at;
    expect(g->created_at == (is_left ? left_site : right_site));
    if (g->name)
        expect(strcmp(g->name, is_left ? "left" : "right") == 0);
    if (g->state == OAK_STATE_WAITING) {
        const void *object = (const void *)(is_left ? (uintptr_t)left : (uintptr_t)right);
        expect(g->reason == OAK_WAIT_NONE || g->wait_object == object || g->nframes == 0);
        expect(!is_left || g->reason != OAK_WAIT_CHAN_SEND);
    } else {
        expect(g->wait_object == NULL && g->wait_since == 0);
    }
    return true;
}

static void *observe(void *arg)
{
    while (!load_acquire(&stop))
        oak_goroutines(agrees, NULL);
    return arg;
}

static void spawn_pair(void)
{
    expect(oak_spawn(lefty, NULL) == 0);
    expect(oak_spawn(righty, NULL) == 0);
}

TEST(nothing_wrong_is_told_while_goroutines_come_and_go)
{
    pthread_t thread;
    left = oak_make(int, 0);
    right = oak_make(int, 0);
    store_release(&stop, false);
    expect(pthread_create(&thread, NULL, observe, NULL) == 0);
    int rounds = getenv("OAK_TEST_EMULATED") ? 200 : 20000;
    for (int round = 0; round < rounds || !load_acquire(&seen); round++) {
        int v;
        spawn_pair();
        expect(oak_send(left, 1) == 0);
        expect(oak_recv(right, &v) == 0);
        expect(oak_send(right, 1) == 0);
    }
    store_release(&stop, true);
    pthread_join(thread, NULL);
    wait_until(look_for(lefty) == 0 && look_for(righty) == 0);
    expect(oak_chan_free(left) == 0 && oak_chan_free(right) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_runtime_starts_there_are_none),
        cmocka_unit_test(each_is_visited_once_in_order_of_id),
        cmocka_unit_test(code_that_was_made_meanwhile_is_on_the_stack),
        cmocka_unit_test(stops_when_told_to),
        cmocka_unit_test(a_parked_one_is_told_in_full),
        cmocka_unit_test(a_wait_that_ends_by_itself_is_marked),
        cmocka_unit_test(the_caller_is_running_and_has_no_frames),
        cmocka_unit_test(a_hog_is_in_syscall_once_its_P_was_taken),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(nothing_wrong_is_told_while_goroutines_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
