/*
 * Name look-up: getaddrinfo(3), which blocks and wants more stack than a goroutine has, on the thread's own
 * stack.
 *
 * It cannot be interrupted. A caller whose ambient context can end therefore leaves the call to another
 * goroutine and waits for that one; when the context ends first, the caller goes and the other finishes for
 * nobody.
 */
#include "net/addr.h"
#include "net/conn.h"
#include "sched/park.h"

#include <oakum/ctx.h>
#include <netdb.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FOUND = 32 };

struct question {
    char host[OAK__HOST_MAX + 1];
    int result; /* how many, or negative errno */
    char found[MAX_FOUND][INET6_ADDRSTRLEN];
};

/* A question that two goroutines hold. */
struct shared {
    struct question q;
    _Atomic int references;
    oak__lock lock;
    bool answered;
    struct oak__waiter *asker; /* NULL: has not yet begun to wait, or has gone */
};

static int error_of(int gai, int system_error)
{
    switch (gai) {
    case EAI_AGAIN:
        return -EAGAIN;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SYSTEM:
        return system_error ? -system_error : -EIO;
    case EAI_FAIL:
        return -EIO;
    default:
        return -ENOENT;
    }
}

static void ask(void *arg)
{
    struct question *q = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int gai = getaddrinfo(q->host, NULL, &hints, &list);
    if (gai) {
        q->result = error_of(gai, errno);
        return;
    }
    for (struct addrinfo *a = list; a && q->result < MAX_FOUND; a = a->ai_next) {
        const void *ip = NULL;
        if (a->ai_family == AF_INET)
            ip = &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr;
        else if (a->ai_family == AF_INET6)
            ip = &((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr;
        if (ip && inet_ntop(a->ai_family, ip, q->found[q->result], INET6_ADDRSTRLEN))
            q->result++;
    }
    freeaddrinfo(list);
    if (q->result == 0)
        q->result = -ENOENT;
}

/* ---- asked by another goroutine ---- */

static void let_go(struct shared *s)
{
    if (fetch_sub_seq(&s->references, 1) == 1)
        oak__free(s);
}

static int answer(void *args)
{
    struct shared *s = *(struct shared **)args;
    (void)oak_on_thread_stack(ask, &s->q);
    oak__enter();
    lock(&s->lock);
    s->answered = true;
    struct oak__waiter *w = s->asker;
    struct oak__g *g = w && oak__wait_claim(w->g, w->ticket) ? w->g : NULL;
    unlock(&s->lock);
    if (g)
        oak__wait_wake(g, 0);
    oak__exit();
    let_go(s);
    return 0;
}

static int await_answer(struct shared *s)
{
    struct oak__g *g = oak__enter();
    if (!g)
        return -ENOMEM;
    int err = oak__ctx_check(g);
    if (!err) {
        lock(&s->lock);
        bool answered = s->answered;
        if (!answered)
            s->asker = oak__wait_begin(g, OAK_WAIT_IO, s, OAK_FOREVER);
        unlock(&s->lock);
        if (!answered)
            err = oak__wait_park(g);
        lock(&s->lock);
        s->asker = NULL;
        unlock(&s->lock);
    }
    oak__exit();
    return err;
}

/* Copies the answer; how many, or its error. */
static int take_answer(const struct question *q, char (*out)[46], int max)
{
    int n = q->result < max ? q->result : max;
    for (int i = 0; i < n; i++)
        memcpy(out[i], q->found[i], sizeof out[i]);
    return q->result < 0 ? q->result : n;
}

static int ask_apart(const char *host, char (*out)[46], int max)
{
    struct shared *s = oak__calloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    memcpy(s->q.host, host, strlen(host) + 1);
    store_relaxed(&s->references, 2);
    struct oak__spawn spawn = {
        .entry = answer,
        .fn = (const void *)(uintptr_t)ask,
        .args = &s,
        .args_size = sizeof s,
        .created_at = caller_pc(),
        .name = "oakum look-up",
    };
    int err = oak__spawn(&spawn);
    if (err) {
        oak__free(s);
        return err;
    }
    err = await_answer(s);
    int n = err ? err : take_answer(&s->q, out, max);
    let_go(s);
    return n;
}

/* ---- the API ---- */

int oak_lookup_host(const char *host, char (*out)[46], int max)
{
    struct oak__endpoint numeric;
    if (!host || !*host || strlen(host) > OAK__HOST_MAX || !out || max < 1)
        return -EINVAL;
    int err = oak__may_block();
    if (err)
        return err;
    if (strlen(host) < sizeof out[0] && !strchr(host, '%') &&
        oak__parse_ip(host, 0, AF_UNSPEC, &numeric) == 0) {
        memcpy(out[0], host, strlen(host) + 1);
        return 1;
    }
    if (oak_ctx_current())
        return ask_apart(host, out, max);
    struct question q = {.result = 0};
    memcpy(q.host, host, strlen(host) + 1);
    err = oak_on_thread_stack(ask, &q);
    return err ? err : take_answer(&q, out, max);
}
