/* Sending: small pieces gather in c->w->out; what does not fit goes out with them in one writev. */
#include "server.h"

#include <oakum/go.h>

#define PIECES 8
/* So much is gathered at most. */
#define GATHER 8192

/* As oak__http_read_within, for the writing side. */
static void write_within(struct http_conn *c, int64_t limit)
{
    if (limit == OAK_FOREVER)
        return;
    int64_t slack = limit / 8 < OAK_SECOND ? limit / 8 : OAK_SECOND;
    int64_t want = oak_now() + limit;
    if (c->write_by >= want && c->write_by - want <= slack)
        return;
    c->write_by = want + slack;
    oak_conn_set_write_deadline(c->sock, c->write_by);
}

static int sent(struct http_conn *c, ssize_t n)
{
    oak__http_buf_reset(&c->w->out, GATHER);
    if (n < 0)
        c->broken = (int)n;
    return c->broken;
}

int oak__http_flush_out(struct http_conn *c)
{
    http_unpend(c);
    if (c->broken || c->w->out.len == 0)
        return c->broken;
    write_within(c, c->server->opts.write_limit);
    return sent(c, oak_write(c->sock, c->w->out.data, c->w->out.len));
}

/* n: at most PIECES - 1. */
int oak__http_emit(struct http_conn *c, const struct iovec *iov, int n)
{
    struct iovec all[PIECES];
    size_t size = 0;
    http_unpend(c);
    if (c->broken)
        return c->broken;
    for (int i = 0; i < n; i++) {
        all[i + 1] = iov[i];
        size += iov[i].iov_len;
    }
    if (c->w->out.len + size <= GATHER && oak__http_buf_room(&c->w->out, size) == 0) {
        for (int i = 0; i < n; i++)
            http_put(&c->w->out, iov[i].iov_base, iov[i].iov_len);
        return 0;
    }
    all[0] = (struct iovec){c->w->out.data, c->w->out.len};
    write_within(c, c->server->opts.write_limit);
    return sent(c, oak_writev(c->sock, all, n + 1));
}
