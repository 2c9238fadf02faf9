/* Cancellation is a contract: every blocking call ends with its context, now and later, and loses nothing. */
#include "../support/goroutine.h"
#include "../support/partner.h"

#include "sched/park.h"

/* ---- each blocking call ---- */

struct world {
    oak_chan(int) empty, full;
    oak_mutex taken;
    oak_rwmutex written;
    oak_cond cond;
    oak_waitgroup pending;
    oak_sem none;
    oak_scope
        *crowded;
};

static int on_sleep(struct world *w)
{
    (void)w;
    return oak_sleep(OAK_HOUR);
}

static int on_send(struct world *w)
{
    return oak_send(w->full, 2);
}

static int on_recv(struct world *w)
{
    int v = 7, err = oak_recv(w->empty, &v);
    expect(v == 7);
    return err;
}

static int on_nil(struct world *w)
{
    int v;
    (void)w;
    return oak_recv((oak_chan(int))NULL, &v);
}

static int on_select(struct world *w)
{
    int v;
    return oak_select(oak_on_recv(w->empty, &v), oak_on_send(w->full, 3));
}

static int on_empty_select(struct world *w)
{
    (void)w;
    return oak_select_n(NULL, 0);
}

static int on_mutex(struct world *w)
{
    return oak_mutex_lock(&w->taken);
}

static int on_rlock(struct world *w)
{
    return oak_rwmutex_rlock(&w->written);
}

static int on_wlock(struct world *w)
{
    return oak_rwmutex_lock(&w->written);
}

static int on_cond(struct world *w)
{
    oak_mutex m = {0};
    expect(oak_mutex_trylock(&m) == 0);
    int err = oak_cond_wait(&w->cond, &m);
    oak_mutex_unlock(&m);
    return err;
}

static int on_waitgroup(struct world *w)
{
    return oak_waitgroup_wait(&w->pending);
}

static int on_sem(struct world *w)
{
    return oak_sem_acquire(&w->none, 1);
}

static void nothing(void *arg)
{
    (void)arg;
}

static int on_scope_limit(struct world *w)
{
    return oak_spawn_with(&(struct oak_spawn_opts){.scope = w->crowded}, nothing, NULL);
}

static int (*const calls[])(struct world *) = {
    on_sleep, on_send,  on_recv, on_nil,       on_select, on_empty_select, on_mutex,
    on_rlock, on_wlock, on_cond, on_waitgroup, on_sem,    on_scope_limit,
};
enum { CALLS = sizeof calls / sizeof calls[0] };

struct caller {
    struct world *w;
    oak_ctx *c;
    int expected;
    _Atomic int arrived;
    oak_waitgroup wg;
};

OAK_TASK(call, struct caller *, c, int, i)
{
    oak_with_ctx (c->c) {
        c->arrived++;
        int err = calls[i](c->w);
        if (err != c->expected)
            dprintf(2, "call %d: %d\n", i, err);
        expect(err == c->expected);
        expect(calls[i](c->w) == c->expected); /* level triggered */
    }
    oak_waitgroup_done(&c->wg);
}

static void make_world(struct world *w)
{
    w->empty = oak_make(int, 0);
    w->full = oak_make(int, 1);
    oak_waitgroup_add(&w->pending, 1);
    expect(oak_send(w->full, 1) == 0);
    expect(oak_mutex_lock(&w->taken) == 0);
    expect(oak_rwmutex_lock(&w->written) == 0);
}

static void end_world(struct world *w)
{
    oak_mutex_unlock(&w->taken);
    oak_rwmutex_unlock(&w->written);
    expect(w->none.oak__count == 0);
    expect(oak_chan_free(w->empty) == 0 && oak_chan_free(w->full) == 0);
}

OAK_TASK(sit, oak_chan(int), leave)
{
    int v;
    expect(oak_recv(leave, &v) == -EPIPE);
}

static void call_all(oak_ctx *c, int expected, bool cancel)
{
    struct world w = {0};
    oak_chan(int) leave = oak_make(int, 0);
    make_world(&w);
    oak_scope (s, .limit = 1) {
        expect(oak_go(s, sit, leave) == 0);
        w.crowded = s;
        struct caller all = {.w = &w, .c = c, .expected = expected};
        oak_waitgroup_add(&all.wg, CALLS);
        for (int i = 0; i < CALLS; i++)
            expect(oak_go_detached(call, &all, i) == 0);
        wait_until(all.arrived == CALLS);
        if (cancel)
            expect(oak_ctx_cancel(c, 0) == 0);
        expect(oak_waitgroup_wait(&all.wg) == 0);
        oak_chan_close(leave);
    }
    end_world(&w);
    oak_chan_free(leave);
    oak_ctx_unref(c);
}

TEST(cancel_ends_every_blocking_call)
{
    call_all(oak_ctx_new(NULL), -ECANCELED, true);
}

TEST(deadline_ends_every_blocking_call)
{
    call_all(oak_ctx_with_timeout(NULL, 5 * OAK_MILLISECOND), -ETIMEDOUT, false);
}

TEST(end_of_an_ancestor_ends_every_blocking_call)
{
    oak_ctx *top = oak_ctx_with_timeout(NULL, 5 * OAK_MILLISECOND), *mid = oak_ctx_new(top);
    call_all(oak_ctx_with_timeout(mid, OAK_HOUR), -ETIMEDOUT, false);
    oak_ctx_unref(mid);
    oak_ctx_unref(top);
}

TEST(call_under_an_ended_context_does_not_begin)
{
    struct world w = {0};
    make_world(&w);
    int v;
    oak_with_timeout (0) {
        expect(oak_recv(w.full, &v) == -ETIMEDOUT); /* although a value is there */
        expect(oak_chan_len(w.full) == 1);
        expect(oak_try_recv(w.full, &v) == 0 && v == 1); /* never blocks: goes on */
        expect(oak_send(w.full, 5) == -ETIMEDOUT);
        expect(oak_select(oak_on_send(w.full, 6)) == -ETIMEDOUT);
        expect(oak_chan_len(w.full) == 0);
    }
    end_world(&w);
}

/* ---- cancel against hand-over: exactly one of the two happens ---- */

struct handover {
    oak_chan(int) ch;
    oak_ctx *c;
    oak_waitgroup wg;
    _Atomic bool about;
    int err, value;
};

OAK_TASK(send_one, struct handover *, h)
{
    oak_with_ctx (h->c) {
        h->about = true;
        h->err = oak_send(h->ch, 11);
    }
    oak_waitgroup_done(&h->wg);
}

OAK_TASK(recv_one, struct handover *, h)
{
    oak_with_ctx (h->c) {
        h->about = true;
        h->err = oak_recv(h->ch, &h->value);
    }
    oak_waitgroup_done(&h->wg);
}

OAK_TASK(select_one, struct handover *, h)
{
    oak_with_ctx (h->c) {
        oak_chan(int) other = oak_make(int, 0);
        int v;
        h->about = true;
        h->err = oak_select(oak_on_recv(other, &v), oak_on_recv(h->ch, &h->value));
        h->err = h->err == 1 ? 0 : h->err;
        expect(oak_chan_free(other) == 0);
    }
    oak_waitgroup_done(&h->wg);
}

static void begin(struct handover *h)
{
    oak_waitgroup_add(&h->wg, 1);
    h->ch = oak_make(int, 0);
    h->c = oak_ctx_new(NULL);
}

static void end(struct handover *h, struct partner *p)
{
    partner_wait(p);
    expect(oak_waitgroup_wait(&h->wg) == 0);
    expect(h->err == 0 || h->err == -ECANCELED);
    expect(oak_chan_free(h->ch) == 0);
    oak_ctx_unref(h->c);
}

TEST(cancelled_send_and_its_receiver_agree)
{
    int sent = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct handover h = {0};
        begin(&h);
        expect(oak_go_detached(send_one, &h) == 0);
        while (!h.about)
            oak_yield();
        partner_go(&p, h.c, i);
        int v = 0, err = oak_try_recv(h.ch, &v);
        end(&h, &p);
        expect((err == 0 && v == 11 && h.err == 0) || (err == -EAGAIN && v == 0 && h.err == -ECANCELED));
        sent += err == 0;
        partner_balance(&p, err != 0);
    }
    partner_stop(&p);
    print_message("           sent before the cancel: %d of %d\n", sent, PARTNER_ROUNDS);
}

static void receive_rounds(int (*start)(struct handover *))
{
    int received = 0;
    struct partner p;
    partner_start(&p, cancel_it);
    for (int i = 0; i < PARTNER_ROUNDS; i++) {
        struct handover h = {0};
        begin(&h);
        expect(start(&h) == 0);
        while (!h.about)
            oak_yield();
        partner_go(&p, h.c, i);
        int err = oak_try_send(h.ch, 12);
        end(&h, &p);
        expect((err == 0 && h.value == 12 && h.err == 0) ||
               (err == -EAGAIN && h.value == 0 && h.err == -ECANCELED));
        received += err == 0;
        partner_balance(&p, err != 0);
    }
    partner_stop(&p);
    print_message("           received before the cancel: %d of %d\n", received, PARTNER_ROUNDS);
}

static int start_recv(struct handover *h)
{
    return oak_go_detached(recv_one, h);
}

static int start_select(struct handover *h)
{
    return oak_go_detached(select_one, h);
}

TEST(cancelled_receive_and_its_sender_agree)
{
    receive_rounds(start_recv);
}

TEST(cancelled_select_and_its_sender_agree)
{
    receive_rounds(start_select);
}

/* A deadline races with each park; nobody may be left behind. */
OAK_TASK(sleepy, int64_t, limit, oak_waitgroup *, wg)
{
    oak_with_timeout (limit)
        expect(oak_sleep(OAK_HOUR) == -ETIMEDOUT);
    oak_waitgroup_done(wg);
}

TEST(deadlines_reach_everybody)
{
    oak_waitgroup wg = {0};
    for (int i = 0; i < 5000; i++) {
        oak_waitgroup_add(&wg, 1);
        expect(oak_go_detached(sleepy, i % 500 * 10 * OAK_MICROSECOND, &wg) == 0);
        if (i % 100 == 0)
            oak_yield();
    }
    expect(oak_waitgroup_wait(&wg) == 0);
}

OAK_TASK(park_in, oak_ctx *, c, _Atomic int *, parked, oak_waitgroup *, wg)
{
    oak_with_ctx (c) {
        ++*parked;
        expect(oak_sleep(OAK_HOUR) == -ECANCELED);
    }
    oak_waitgroup_done(wg);
}

TEST(cancel_wakes_a_crowd)
{
    enum { CROWD = OAK_TSAN ? 3000 : 10000 }; /* its limit: some 8,000 fibers */
    oak_ctx *c = oak_ctx_new(NULL);
    oak_waitgroup wg = {0};
    _Atomic int parked = 0;
    oak_waitgroup_add(&wg, CROWD);
    for (int i = 0; i < CROWD; i++)
        expect(oak_go_detached(park_in, c, &parked, &wg) == 0);
    wait_until(parked == CROWD);
    expect(oak_ctx_cancel(c, 0) == 0);
    expect(oak_waitgroup_wait(&wg) == 0);
    oak_ctx_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_ends_every_blocking_call),
        cmocka_unit_test(deadline_ends_every_blocking_call),
        cmocka_unit_test(end_of_an_ancestor_ends_every_blocking_call),
        cmocka_unit_test(call_under_an_ended_context_does_not_begin),
        cmocka_unit_test(cancelled_send_and_its_receiver_agree),
        cmocka_unit_test(cancelled_receive_and_its_sender_agree),
        cmocka_unit_test(cancelled_select_and_its_sender_agree),
        cmocka_unit_test(deadlines_reach_everybody),
        cmocka_unit_test(cancel_wakes_a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
