/*
 * A program of somebody who has only what is installed: each macro and the version, in use. What they expand to must
 * compile without a warning in every C mode, and do what it says.
 */
#include <oakum.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct point {
    int x, y;
};

OAK_TASK(nothing)
{
    oak_yield();
}

OAK_TASK(producer, oak_chan(int), ch, int, id)
{
    for (int i = 0; i < 3; i++)
        if (oak_send(ch, id * 10 + i))
            return;
}

OAK_TASK(point_sender, oak_chan(struct point), ch, struct point, p)
{
    if (oak_send(ch, p) || oak_send(ch, (struct point){1, 2}))
        oak_panic("a point was not sent: %d, %d", p.x, p.y);
}

OAK_TASK_ERR(fails_with, int, err, oak_sem *, sem)
{
    return oak_sem_acquire(sem, 1) ? -EIO : err;
}

OAK_TASK(six, char, a, short, b, int, c, long, d, const char *, e, oak_waitgroup *, wg)
{
    printf("%c %d %d %ld %s\n", a, b, c, d, e);
    oak_waitgroup_done(wg);
}

static int versions(void)
{
    return strcmp(oak_version(), OAK_VERSION_STRING) ? -EIO : 0;
}

static int ints(void)
{
    int sum = 0;
    oak_chan(int) ch = oak_make(int, 5);
    if (!ch)
        return -ENOMEM;
    oak_scope (s) {
        if (oak_go(s, producer, ch, 1) || oak_go(s, producer, ch, 2) || oak_go(s, nothing))
            sum = -1000;
        for (int i = 0; i < 6; i++) {
            int v;
            if (oak_recv_timeout(ch, &v, 10 * OAK_SECOND) == 0)
                sum += v;
        }
    }
    oak_chan_close(ch);
    oak_range (ch, v)
        sum += v;
    oak_chan_free(ch);
    return sum == 96 ? 0 : -EIO;
}

static int structs(void)
{
    int err = 0;
    struct point sum = {0, 0};
    oak_chan(struct point) ch = oak_make(struct point, 0);
    oak_scope (s, .name = "points", .policy = OAK_SUPERVISE, .err = &err) {
        if (oak_go(s, point_sender, ch, (struct point){3, 4}))
            return -EAGAIN;
        for (int i = 0; i < 2; i++) {
            struct point p;
            bool open;
            switch (oak_select(oak_on_recv_ok(ch, &p, &open), oak_on_timeout(10 * OAK_SECOND))) {
            case 0:
                sum.x += p.x;
                sum.y += p.y;
                break;
            default:
                return -EIO;
            }
        }
    }
    oak_chan_free(ch);
    return err ? err : sum.x == 4 && sum.y == 6 ? 0 : -EIO;
}

static int try_forms(void)
{
    oak_chan(const char *) ch = oak_make(const char *, 1);
    const char *text = NULL;
    int first = oak_try_send(ch, "one"), second = oak_try_send(ch, "two");
    int third = oak_send_timeout(ch, "three", 0);
    bool full = oak_chan_len(ch) == 1 && oak_chan_cap(ch) == 1;
    int got = oak_try_recv(ch, &text);
    int chosen = oak_select(oak_on_recv(ch, &text), oak_on_default());
    int sent = oak_select(oak_on_send(ch, "four"), oak_on_default());
    oak_chan_free(ch);
    return first == 0 && second == -EAGAIN && third == -ETIMEDOUT && full && got == 0 && chosen == 1 &&
                   sent == 0
               ? 0
               : -EIO;
}

static int contexts(void)
{
    int slept = 0, shielded = -1;
    oak_with_timeout (OAK_MILLISECOND) {
        slept = oak_sleep(10 * OAK_SECOND);
        oak_shield (OAK_SECOND)
            shielded = oak_sleep(0);
    }
    oak_ctx *c = oak_ctx_new(NULL);
    char ended;
    oak_ctx_cancel(c, 0);
    int done = oak_recv(oak_ctx_done(c), &ended);
    oak_with_ctx (c)
        done += oak_sleep(OAK_SECOND);
    oak_ctx_unref(c);
    return slept == -ETIMEDOUT && shielded == 0 && done == -EPIPE - ECANCELED ? 0 : -EIO;
}

static void put(void *where)
{
    ++*(int *)where;
}

static void defers_and_panics(void *where)
{
    oak_defer(put, where);
    oak_defer(put, where);
    oak_panic("on purpose: %d", 1);
}

static int panics(void)
{
    int count = 0;
    struct oak_panic_info info;
    int rc = oak_recover(defers_and_panics, &count, &info);
    oak_blocking {
        count++;
    }
    return rc == -ENOTRECOVERABLE && count == 3 ? 0 : -EIO;
}

static int locks(void)
{
    static oak_mutex mutex;
    oak_sem sem = OAK_SEM_INIT(1);
    oak_waitgroup wg = {0};
    int err = 0;
    oak_waitgroup_add(&wg, 1);
    if (oak_mutex_lock(&mutex))
        return -EIO;
    oak_mutex_unlock(&mutex);
    oak_scope (s, .err = &err, .limit = 2, .timeout = OAK_MINUTE)
        if (oak_go(s, fails_with, -EDOM, &sem))
            return -EIO;
    if (oak_go_detached(six, 'a', 2, 3, 4L, "five", &wg) || oak_waitgroup_wait(&wg))
        return -EIO;
    return err == -EDOM ? 0 : err;
}

static int app(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } parts[] = {{"versions", versions}, {"ints", ints},     {"structs", structs}, {"try forms", try_forms},
                 {"contexts", contexts}, {"panics", panics}, {"locks", locks}};
    (void)argc, (void)argv;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int rc = parts[i].run();
        if (rc) {
            fprintf(stderr, "%s: %d\n", parts[i].name, rc);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    return oak_run(app, argc, argv);
}
