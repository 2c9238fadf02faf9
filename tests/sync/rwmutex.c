/* The read-write mutex: who excludes whom, who queues behind whom, cancellation, ownership. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "sched/sched.h"
#include "sync/reads.h"
#include "sync/rwmutex.h"

#include <string.h>

static const oak_rwmutex zero;

static bool idle(const oak_rwmutex *m)
{
    return memcmp(m, &zero, sizeof zero) == 0;
}

TEST(readers_share_and_writers_do_not)
{
    oak_rwmutex m = {0};
    expect(oak_rwmutex_rlock(&m) == 0);
    expect(oak_rwmutex_tryrlock(&m) == 0);
    expect(oak_rwmutex_trylock(&m) == -EBUSY);
    oak_rwmutex_runlock(&m);
    oak_rwmutex_runlock(&m);
    expect(oak_rwmutex_lock(&m) == 0);
    expect(oak__self()->held_locks == 1);
    expect(oak_rwmutex_trylock(&m) == -EBUSY);
    expect(oak_rwmutex_tryrlock(&m) == -EBUSY);
    oak_rwmutex_unlock(&m);
    expect(oak__self()->held_locks == 0 && oak__self()->reads == 0);
    expect(idle(&m));
}

TEST(null_is_refused)
{
    expect(oak_rwmutex_lock(NULL) == -EINVAL);
    expect(oak_rwmutex_lock_timeout(NULL, 1) == -EINVAL);
    expect(oak_rwmutex_trylock(NULL) == -EINVAL);
    expect(oak_rwmutex_rlock(NULL) == -EINVAL);
    expect(oak_rwmutex_rlock_timeout(NULL, 1) == -EINVAL);
    expect(oak_rwmutex_tryrlock(NULL) == -EINVAL);
}

TEST(waits_no_longer_than_its_limit)
{
    oak_rwmutex m = {0};
    expect(oak_rwmutex_lock_timeout(&m, 0) == 0);
    expect(oak_rwmutex_rlock_timeout(&m, 0) == -ETIMEDOUT);
    expect(oak_rwmutex_rlock_timeout(&m, OAK_MILLISECOND) == -ETIMEDOUT);
    expect(oak_rwmutex_lock_timeout(&m, OAK_MILLISECOND) == -ETIMEDOUT);
    oak_rwmutex_unlock(&m);
    expect(oak_rwmutex_rlock_timeout(&m, 0) == 0);
    expect(oak_rwmutex_lock_timeout(&m, OAK_MILLISECOND) == -ETIMEDOUT);
    oak_rwmutex_runlock(&m);
    expect(idle(&m));
}

/* ---- the queue ---- */

struct scene {
    oak_rwmutex m;
    oak_ctx *c;
    oak_waitgroup wg;
    _Atomic int readers_in, order, writer_turn, reader_turn;
    _Atomic int writer_result;
    _Atomic bool go;
};

static bool queued(struct scene *s)
{
    return load_relaxed(&rwmutex_of(&s->m)->state) & OAK__RW_QUEUED;
}

static int queue_length(struct scene *s)
{
    int n = 0;
    struct oak__rwmutex *m = rwmutex_of(&s->m);
    oak__enter();
    lock(&m->lock);
    for (struct oak__link *l = m->queue.next; l && l != &m->queue; l = l->next)
        n++;
    unlock(&m->lock);
    oak__exit();
    return n;
}

OAK_TASK(writer, struct scene *, s)
{
    oak_with_ctx (s->c) {
        /* Its own: another writer may store its result between two looks. */
        int err = oak_rwmutex_lock(&s->m);
        if (!err) {
            s->writer_turn = ++s->order;
            oak_rwmutex_unlock(&s->m);
        }
        s->writer_result = err;
    }
    oak_waitgroup_done(&s->wg);
}

OAK_TASK(reader, struct scene *, s)
{
    expect(oak_rwmutex_rlock(&s->m) == 0);
    s->reader_turn = ++s->order;
    s->readers_in++;
    wait_until(s->go);
    oak_rwmutex_runlock(&s->m);
    oak_waitgroup_done(&s->wg);
}

TEST(readers_that_come_later_queue_behind_a_waiting_writer)
{
    struct scene s = {.go = true};
    oak_waitgroup_add(&s.wg, 2);
    expect(oak_rwmutex_rlock(&s.m) == 0);
    expect(oak_go_detached(writer, &s) == 0);
    wait_until(queued(&s));
    expect(oak_rwmutex_tryrlock(&s.m) == -EBUSY);
    expect(oak_go_detached(reader, &s) == 0);
    wait_until(queue_length(&s) == 2);
    oak_rwmutex_runlock(&s.m);
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(s.writer_turn == 1 && s.reader_turn == 2);
    expect(idle(&s.m));
}

TEST(queued_readers_go_on_together)
{
    struct scene s = {0};
    oak_waitgroup_add(&s.wg, 5);
    expect(oak_rwmutex_lock(&s.m) == 0);
    for (int i = 0; i < 5; i++)
        expect(oak_go_detached(reader, &s) == 0);
    wait_until(queue_length(&s) == 5);
    oak_rwmutex_unlock(&s.m);
    wait_until(s.readers_in == 5); /* all at the same time: each waits for go */
    s.go = true;
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(idle(&s.m));
}

TEST(cancelled_writer_lets_the_readers_behind_it_in)
{
    struct scene s = {.c = oak_ctx_new(NULL)};
    oak_waitgroup_add(&s.wg, 3);
    expect(oak_rwmutex_rlock(&s.m) == 0);
    expect(oak_go_detached(writer, &s) == 0);
    wait_until(queued(&s));
    expect(oak_go_detached(reader, &s) == 0);
    expect(oak_go_detached(reader, &s) == 0);
    wait_until(queue_length(&s) == 3);
    expect(oak_ctx_cancel(s.c, 0) == 0);
    wait_until(s.readers_in == 2); /* while this goroutine still reads */
    s.go = true;
    oak_rwmutex_runlock(&s.m);
    expect(oak_waitgroup_wait(&s.wg) == 0);
    expect(s.writer_result == -ECANCELED);
    expect(idle(&s.m));
    oak_ctx_unref(s.c);
}

/* ---- exclusion under load, with some who give up ---- */

enum { WORKERS = 8, ROUNDS = 5000 };

struct table {
    oak_rwmutex m;
    oak_waitgroup wg;
    long a, b; /* equal whenever no writer is in */
    _Atomic long writes;
};

static void write_once(struct table *t, int64_t limit)
{
    int err = oak_rwmutex_lock_timeout(&t->m, limit);
    if (err) {
        expect(err == -ETIMEDOUT);
        return;
    }
    t->a++;
    if (t->a % 64 == 0)
        oak_yield();
    t->b++;
    t->writes++;
    oak_rwmutex_unlock(&t->m);
}

static void read_once(struct table *t, int64_t limit)
{
    int err = oak_rwmutex_rlock_timeout(&t->m, limit);
    if (err) {
        expect(err == -ETIMEDOUT);
        return;
    }
    long a = t->a;
    if (a % 64 == 1)
        oak_yield();
    expect(a == t->b);
    oak_rwmutex_runlock(&t->m);
}

OAK_TASK(use, struct table *, t, int, seed)
{
    for (int i = 0; i < ROUNDS; i++) {
        int64_t limit = (i + seed) % 7 == 0 ? i % 50 * OAK_MICROSECOND : OAK_FOREVER;
        if ((i + seed) % 5 == 0)
            write_once(t, limit);
        else
            read_once(t, limit);
    }
    oak_waitgroup_done(&t->wg);
}

TEST(nobody_sees_a_write_half_done)
{
    struct table t = {0};
    oak_waitgroup_add(&t.wg, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        expect(oak_go_detached(use, &t, i) == 0);
    expect(oak_waitgroup_wait(&t.wg) == 0);
    expect(t.a == t.b && t.a == t.writes);
    expect(idle(&t.m));
}

/* ---- cancel against unlock ---- */

TEST(cancel_against_unlock_loses_nothing)
{
    int cancelled = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct scene s = {.c = oak_ctx_new(NULL), .go = true};
        oak_waitgroup_add(&s.wg, 3);
        expect(oak_rwmutex_rlock(&s.m) == 0);
        expect(oak_go_detached(writer, &s) == 0);
        while (!queued(&s))
            oak_yield();
        expect(oak_go_detached(reader, &s) == 0);
        expect(oak_go_detached(writer, &s) == 0);
        if (i % 2)
            oak_yield();
        partner_go(&p, s.c, i);
        oak_rwmutex_runlock(&s.m);
        expect(oak_rwmutex_lock(&s.m) == 0); /* or: never ends */
        oak_rwmutex_unlock(&s.m);
        partner_wait(&p);
        expect(oak_waitgroup_wait(&s.wg) == 0);
        expect(s.readers_in == 1);
        expect(idle(&s.m));
        cancelled += s.order < 3;
        partner_balance(&p, s.order < 3);
        oak_ctx_unref(s.c);
    }
    partner_stop(&p);
    print_message("           a writer cancelled first: %d of %d\n", cancelled, PARTNER_ROUNDS);
}

/* ---- ownership ---- */

static void unlock_it(void *m)
{
    oak_rwmutex_unlock(m);
}

static void runlock_it(void *m)
{
    oak_rwmutex_runlock(m);
}

static void expect_panic(void (*fn)(void *), void *arg, const char *text)
{
    struct oak_panic_info p;
    expect(oak_recover(fn, arg, &p) == -ENOTRECOVERABLE);
    expect(strstr(p.message, text));
    expect(strstr(p.message, "called from 0x"));
}

OAK_TASK(give_back_what_others_hold, oak_rwmutex *, written, oak_rwmutex *, read, oak_waitgroup *, wg)
{
    expect_panic(unlock_it, written, ", which goroutine ");
    expect_panic(runlock_it, written, ", which no reader holds");
    expect_panic(runlock_it, read, ", which others hold");
    expect_panic(unlock_it, read, ", which no writer holds");
    oak_waitgroup_done(wg);
}

TEST(only_holders_may_unlock)
{
    oak_rwmutex written = {0}, read = {0}, none = {0};
    oak_waitgroup wg = {0};
    expect_panic(unlock_it, NULL, "unlock of a NULL rwmutex");
    expect_panic(runlock_it, NULL, "read-unlock of a NULL rwmutex");
    expect_panic(unlock_it, &none, ", which no writer holds");
    expect_panic(runlock_it, &none, ", which no reader holds");
    expect(oak_rwmutex_lock(&written) == 0 && oak_rwmutex_rlock(&read) == 0);
    oak_waitgroup_add(&wg, 1);
    expect(oak_go_detached(give_back_what_others_hold, &written, &read, &wg) == 0);
    expect(oak_waitgroup_wait(&wg) == 0);
    oak_rwmutex_unlock(&written);
    oak_rwmutex_runlock(&read);
    expect(idle(&written) && idle(&read) && idle(&none));
}

TEST(eight_read_locks_are_known_and_more_work)
{
    enum { MANY = 12 };
    oak_rwmutex m[MANY] = {0}, other = {0};
    struct oak__g *g = oak__self();
    for (int i = 0; i < MANY; i++) {
        expect(oak_rwmutex_rlock(&m[i]) == 0);
        for (int k = 0; k <= i && k < OAK__READS; k++)
            expect(oak__reads_at(g, k) == &m[k]);
        expect(oak__reads_at(g, i + 1) == NULL);
    }
    expect_panic(runlock_it, &other, ", which no reader holds");
    for (int i = 0; i < MANY; i++)
        oak_rwmutex_runlock(&m[i]);
    expect(g->reads == 0);
    for (int i = 0; i < MANY; i++)
        expect(idle(&m[i]));
}

OAK_TASK(end_while_reading, oak_rwmutex *, a, oak_rwmutex *, b, oak_waitgroup *, wg)
{
    expect(oak_rwmutex_rlock(a) == 0 && oak_rwmutex_rlock(b) == 0);
    oak_waitgroup_done(wg);
}

static bool no_reads_left(struct oak__g *g, void *arg)
{
    (void)arg;
    return load_relaxed(&g->id) != 0 || g->reads == 0;
}

/* The next goroutine with that descriptor must not inherit them. */
TEST(read_locks_of_a_goroutine_that_ended_are_nobodys)
{
    oak_rwmutex a = {0}, b = {0};
    oak_waitgroup wg = {0};
    oak_waitgroup_add(&wg, 1);
    expect(oak_go_detached(end_while_reading, &a, &b, &wg) == 0);
    expect(oak_waitgroup_wait(&wg) == 0);
    expect(oak_rwmutex_trylock(&a) == -EBUSY);
    oak_sleep(OAK_MILLISECOND);
    oak__each_g(no_reads_left, NULL);
    expect_panic(runlock_it, &a, ", which others hold");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_share_and_writers_do_not),
        cmocka_unit_test(null_is_refused),
        cmocka_unit_test(waits_no_longer_than_its_limit),
        cmocka_unit_test(readers_that_come_later_queue_behind_a_waiting_writer),
        cmocka_unit_test(queued_readers_go_on_together),
        cmocka_unit_test(cancelled_writer_lets_the_readers_behind_it_in),
        cmocka_unit_test(nobody_sees_a_write_half_done),
        cmocka_unit_test(cancel_against_unlock_loses_nothing),
        cmocka_unit_test(only_holders_may_unlock),
        cmocka_unit_test(eight_read_locks_are_known_and_more_work),
        cmocka_unit_test(read_locks_of_a_goroutine_that_ended_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
