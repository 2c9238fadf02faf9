/*
 * The same handler, repaired: the goroutine that asks is a child of a scope with a time limit. At the limit, or
 * when the client hangs up, the scope's context ends: the child's sleep in the backend and its send return an
 * error, it cleans up and ends, and the scope is not left before it has.
 */
#include "gateway.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef oak_chan(char *) reply_chan;

OAK_TASK_ERR(ask, reply_chan, reply, int, question)
{
    char *answer;
    oak_set_name("ask");
    int rc = backend_ask(question, &answer);
    if (rc)
        return rc;
    rc = oak_send(reply, answer);
    if (rc)
        free(answer);
    return rc;
}

int repaired_handler(oak_http_request *q, oak_http_response *p, void *arg)
{
    static _Atomic int questions;
    char *answer = NULL;
    int rc = 0, err = 0;
    (void)q, (void)arg;
    reply_chan reply = oak_make(char *, 0);
    if (!reply)
        return -ENOMEM;
    oak_scope (s, .name = "request", .timeout = GIVE_UP, .err = &err) {
        rc = oak_go(s, ask, reply, atomic_fetch_add(&questions, 1));
        if (rc == 0)
            rc = oak_recv(reply, &answer);
    }
    oak_chan_free(reply);
    rc = rc ? rc : err;
    if (rc == 0)
        rc = oak_http_printf(p, "%.64s\n", answer);
    free(answer);
    return rc;
}
