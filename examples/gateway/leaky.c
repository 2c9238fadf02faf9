/*
 * The handler as it is often written, a free goroutine for the slow call and a select with a time limit, and the
 * leak that comes with it.
 *
 * When the handler gives up, because the time is over or because its client has hung up, nobody will ever
 * receive from `reply`. The goroutine that asks does not know: it has no context that could tell it, and once it
 * has its answer it waits on that channel until the process ends, with its stack and the answer in its hands.
 */
#include "gateway.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef oak_chan(char *) reply_chan;

OAK_TASK(ask, reply_chan, reply, int, question)
{
    char *answer;
    oak_set_name("ask");
    if (backend_ask(question, &answer))
        answer = NULL;
    if (oak_send(reply, answer)) /* the leak: for ever, if the handler has given up */
        free(answer);
}

int leaky_handler(oak_http_request *q, oak_http_response *p, void *arg)
{
    static _Atomic int questions;
    char *answer;
    (void)q, (void)arg;
    reply_chan reply = oak_make(char *, 0);
    if (!reply)
        return -ENOMEM;
    int rc = oak_go_detached(ask, reply, atomic_fetch_add(&questions, 1));
    if (rc) {
        oak_chan_free(reply);
        return rc;
    }
    rc = oak_select(oak_on_recv(reply, &answer), oak_on_timeout(GIVE_UP));
    if (rc != 0)
        return -ETIMEDOUT; /* and the channel cannot be freed: the goroutine still has it */
    oak_chan_free(reply);
    rc = answer ? oak_http_printf(p, "%.64s\n", answer) : -EIO;
    free(answer);
    return rc;
}
