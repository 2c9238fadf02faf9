/* Connections that wait for the next call. */
#include "client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void drop(struct http_kept *k)
{
    oak_conn_close(k->sock);
    free(k);
}

/* Takes the first kept connection off the list that is for address, or that is too old (address NULL). */
static struct http_kept *unlink_one(oak_http_client *c, const char *address, int64_t too_old)
{
    struct http_kept **at, *found = NULL;
    pthread_mutex_lock(&c->lock);
    for (at = &c->kept; *at; at = &(*at)->next)
        if (address ? strcmp((*at)->address, address) == 0 : (*at)->since <= too_old)
            break;
    if (*at) {
        found = *at;
        *at = found->next;
        c->nkept--;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

/* An idle connection has nothing to say: end of stream, an error or stray bytes all mean that it is no good.
 */
static bool is_quiet(oak_conn *sock)
{
    char byte;
    return recv(oak_conn_fd(sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

oak_conn *oak__http_pool_take(oak_http_client *c, const char *address)
{
    struct http_kept *k;
    int64_t too_old = c->opts.idle_limit == OAK_FOREVER ? INT64_MIN : oak_now() - c->opts.idle_limit;
    while ((k = unlink_one(c, NULL, too_old)))
        drop(k);
    while ((k = unlink_one(c, address, 0))) {
        if (is_quiet(k->sock)) {
            oak_conn *sock = k->sock;
            free(k);
            return sock;
        }
        drop(k);
    }
    return NULL;
}

void oak__http_pool_give(oak_http_client *c, struct http_kept *place, oak_conn *sock)
{
    place->sock = sock;
    place->since = oak_now();
    oak_conn_set_deadline(sock, OAK_FOREVER);
    pthread_mutex_lock(&c->lock);
    bool keep = c->nkept < c->opts.keep;
    if (keep) {
        place->next = c->kept;
        c->kept = place;
        c->nkept++;
    }
    pthread_mutex_unlock(&c->lock);
    if (!keep)
        drop(place);
}

void oak__http_pool_clear(oak_http_client *c)
{
    struct http_kept *k;
    while ((k = unlink_one(c, NULL, INT64_MAX)))
        drop(k);
}
