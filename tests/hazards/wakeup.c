/*
 * Hazard 2: between "no work" and "asleep" a worker must not miss what is queued. Each program below lets workers go to
 * sleep again and again while work arrives from every side it can come from: plain threads, goroutines of another P, timers,
 * descriptors. A lost wake-up is a hang, and the child is ended.
 */
#include "../support/part.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What is looked for needs many tries; who looks for data races sees them in fewer. */
enum { TIMES = UNDER_TSAN ? 4000 : 20000, FEW = UNDER_TSAN ? 400 : 2000 };

struct pair {
    oak_chan(int) there, back;
    uint64_t random;
    int times;
};

/* Answers each value after a random moment of work. */
static void echo(void *arg)
{
    struct pair *p = arg;
    uint64_t random = (uintptr_t)p;
    oak_range (p->there, v) {
        spin(random_below(&random, 100));
        require(oak_send(p->back, v + 1) == 0);
    }
    require(oak_chan_close(p->back) == 0);
}

static void ask(struct pair *p)
{
    for (int i = 0; i < p->times; i++) {
        int v = 0;
        spin(random_below(&p->random, 100));
        require(oak_send(p->there, i) == 0);
        require(oak_recv(p->back, &v) == 0 && v == i + 1);
    }
    int rest;
    require(oak_chan_close(p->there) == 0);
    require(oak_recv(p->back, &rest) == -EPIPE);
}

static void open_pair(struct pair *p, int times, size_t room)
{
    *p = (struct pair){oak_make(int, room), oak_make(int, room), 5, times};
    require(p->there && p->back);
    require(oak_spawn(echo, p) == 0);
}

static void *asking_thread(void *arg)
{
    ask(arg);
    return NULL;
}

/* Plain threads ask, goroutines answer: every question comes from outside, to workers that have nothing else to do. */
static int threads_ask(void)
{
    static struct pair pairs[3];
    pthread_t ids[3];
    for (int i = 0; i < 3; i++) {
        open_pair(&pairs[i], TIMES, (size_t)i);
        require(pthread_create(&ids[i], NULL, asking_thread, &pairs[i]) == 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    return 0;
}

static void one_wait(void *arg)
{
    oak_waitgroup_done(arg);
}

/* Short-lived goroutines while the one that starts them spins: other Ps have to come for them. */
static int spawn_and_spin(void)
{
    uint64_t random = 3;
    for (int i = 0; i < TIMES; i++) {
        static oak_waitgroup wg;
        oak_waitgroup_add(&wg, 2);
        require(oak_spawn(one_wait, &wg) == 0);
        spin(random_below(&random, 30));
        require(oak_spawn(one_wait, &wg) == 0);
        spin(random_below(&random, 200));
        require(oak_waitgroup_wait(&wg) == 0);
    }
    return 0;
}

static int sleeps(void)
{
    static struct pair p;
    open_pair(&p, FEW, 0);
    for (int i = 0; i < p.times; i++) {
        int v = 0;
        require(oak_sleep(random_below(&p.random, 50) * OAK_MICROSECOND) == 0);
        require(oak_send(p.there, i) == 0);
        require(oak_recv_timeout(p.back, &v, OAK_MINUTE) == 0 && v == i + 1);
    }
    return oak_chan_close(p.there);
}

static void nothing(void *unused)
{
    (void)unused;
}

/* A worker goes to sleep until a timer that is cancelled at this moment; the next timer is a later one. */
static int cancelled_timers(void)
{
    uint64_t random = 13;
    for (int i = 0; i < FEW; i++) {
        require(oak_spawn(nothing, NULL) == 0);
        require(oak_spawn(nothing, NULL) == 0); /* somebody comes for this one, and goes to sleep again */
        oak_ctx *c = oak_ctx_with_timeout(NULL, OAK_MILLISECOND);
        spin(random_below(&random, 4000));
        require(c);
        (void)oak_ctx_cancel(c, 0); /* unless it has ended by itself */
        oak_ctx_unref(c);
        require(oak_sleep(1500 * OAK_MICROSECOND) == 0);
    }
    return 0;
}

static void *writing_thread(void *arg)
{
    int fd = *(int *)arg;
    uint64_t random = 9;
    for (int i = 0; i < FEW * 2; i++) {
        char c = (char)i;
        spin(random_below(&random, 2000));
        require(write(fd, &c, 1) == 1);
    }
    close(fd);
    return NULL;
}

/* A worker that is blocked in the poller is also the one that must hear of queued work. */
static int reads(void)
{
    static struct pair p;
    int ends[2];
    oak_conn *c = NULL;
    pthread_t writer, asker;
    require(pipe(ends) == 0);
    require(oak_conn_from_fd(ends[0], &c) == 0);
    open_pair(&p, TIMES, 0);
    require(pthread_create(&writer, NULL, writing_thread, &ends[1]) == 0);
    require(pthread_create(&asker, NULL, asking_thread, &p) == 0);
    ssize_t n, total = 0;
    char buf[16];
    while ((n = oak_read(c, buf, sizeof buf)) > 0)
        total += n;
    require(n == 0 && total == FEW * 2);
    require(oak_conn_close(c) == 0);
    pthread_join(writer, NULL);
    pthread_join(asker, NULL);
    return 0;
}

struct job {
    int (*fn)(void);
    int procs;
};

static int (*job_fn)(void);
static int job_app(int argc, char **argv)
{
    (void)argc, (void)argv;
    return job_fn();
}

static int run_job(void *arg)
{
    struct job *j = arg;
    set_procs(j->procs);
    job_fn = j->fn;
    return oak_run(job_app, 0, NULL);
}

static void on_any_number_of_ps(int (*fn)(void))
{
    for (int procs = 1; procs <= 4; procs *= 2) {
        struct job j = {fn, procs};
        assert_true(child_succeeds(run_job, &j, false));
    }
}

static void questions_of_plain_threads_wake_sleeping_workers(void **state)
{
    (void)state;
    on_any_number_of_ps(threads_ask);
}

static void spawns_of_a_busy_goroutine_wake_other_workers(void **state)
{
    (void)state;
    on_any_number_of_ps(spawn_and_spin);
}

static void timers_wake_sleeping_workers(void **state)
{
    (void)state;
    on_any_number_of_ps(sleeps);
}

static void a_cancelled_timer_hides_no_later_one(void **state)
{
    (void)state;
    on_any_number_of_ps(cancelled_timers);
}

static void the_worker_in_the_poller_hears_of_work(void **state)
{
    (void)state;
    on_any_number_of_ps(reads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_of_plain_threads_wake_sleeping_workers),
        cmocka_unit_test(spawns_of_a_busy_goroutine_wake_other_workers),
        cmocka_unit_test(timers_wake_sleeping_workers),
        cmocka_unit_test(a_cancelled_timer_hides_no_later_one),
        cmocka_unit_test(the_worker_in_the_poller_hears_of_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
