/*
 * Descriptors come and go while events for them are under way: no byte is lost, nobody waits for ever, whatever event
 * meets whatever later user of its descriptor. A plain thread breaks the poller's sleep all the while.
 */
#include "../net/check.h"
#include "poll/poll.h"

#include <pthread.h>
#include <sys/socket.h>

enum { PAIRS = 16, LIVES = 150, ROUNDS = 20 };

static oak_waitgroup all;
static _Atomic bool done;

static void echo(void *arg)
{
    oak_conn *c = arg;
    char buf[64];
    ssize_t n;
    while ((n = oak_read(c, buf, sizeof buf)) > 0)
        CHECK_INT(oak_write(c, buf, (size_t)n), n);
    CHECK_INT(n, 0);
    CHECK_INT(oak_conn_close(c), 0);
    oak_waitgroup_done(&all);
}

static void live(unsigned seed)
{
    int fd[2];
    oak_conn *end[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    for (int i = 0; i < 2; i++)
        CHECK_INT(oak_conn_from_fd(fd[i], &end[i]), 0);
    oak_waitgroup_add(&all, 1);
    CHECK_INT(oak_spawn(echo, end[1]), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char out[64], in[64];
        size_t size = 1 + (seed + i * 7) % sizeof out;
        memset(out, (int)(seed + i), sizeof out);
        CHECK_INT(oak_write(end[0], out, size), size);
        if (i % 4 == 0)
            CHECK_INT(oak_conn_set_deadline(end[0], oak_now() + OAK_HOUR), 0);
        for (size_t got = 0; got < size;) {
            ssize_t n = oak_read(end[0], in + got, sizeof in - got);
            CHECK(n > 0);
            got += (size_t)n;
        }
        CHECK(memcmp(in, out, size) == 0);
    }
    CHECK_INT(oak_conn_close(end[0]), 0);
}

static void lives(void *arg)
{
    for (unsigned i = 0; i < LIVES; i++)
        live((unsigned)(uintptr_t)arg * 1000 + i);
    oak_waitgroup_done(&all);
}

static void *breaker(void *arg)
{
    while (!done) {
        oak__poll_break();
        usleep(50);
    }
    return arg;
}

BOTH(no_byte_is_lost_while_descriptors_come_and_go)
{
    pthread_t thread;
    done = false;
    CHECK_INT(pthread_create(&thread, NULL, breaker, NULL), 0);
    oak_waitgroup_add(&all, PAIRS);
    for (uintptr_t i = 0; i < PAIRS; i++)
        CHECK_INT(oak_spawn(lives, (void *)i), 0);
    CHECK_INT(oak_waitgroup_wait(&all), 0);
    done = true;
    pthread_join(thread, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TESTS(no_byte_is_lost_while_descriptors_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
