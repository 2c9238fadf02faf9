/* One call: connect or take a kept connection, send, read the head; then the body; then keep or close. */
#include "client.h"

#include <oakum/go.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static oak_http_call *new_call(oak_http_client *c, const struct http_url *url, bool head_only)
{
    oak_http_call *k = malloc(sizeof *k);
    struct http_kept *place = malloc(sizeof *place + url->host_len + sizeof ":80");
    if (!k || !place) {
        free(k);
        free(place);
        return NULL;
    }
    memcpy(place->address, url->host, url->host_len);
    strcpy(place->address + url->host_len, url->has_port ? "" : ":80");
    memset(k, 0, offsetof(oak_http_call, in_storage));
    http_set_tag(k, TAG_CALL);
    k->client = c;
    k->place = place;
    oak__http_in_init(&k->in, k->in_storage, sizeof k->in_storage);
    oak__http_msg_init(&k->msg, HTTP_RESPONSE, &k->in, &c->bounds);
    k->msg.head_only = head_only;
    pthread_mutex_lock(&c->lock);
    c->ncalls++;
    pthread_mutex_unlock(&c->lock);
    return k;
}

static int connect_to(oak_http_call *k, int64_t deadline, bool fresh)
{
    k->sock = fresh ? NULL : oak__http_pool_take(k->client, k->place->address);
    k->reused = k->sock != NULL;
    int rc = 0;
    if (!k->sock && deadline == OAK_FOREVER) {
        rc = oak_dial("tcp", k->place->address, &k->sock);
    } else if (!k->sock) {
        oak_with_timeout (deadline - oak_now())
            rc = oak_dial("tcp", k->place->address, &k->sock);
    }
    if (rc)
        k->sock = NULL;
    else
        oak_conn_set_deadline(k->sock, deadline);
    return rc;
}

/* The head of the final response; interim ones (1xx) are skipped. */
static int read_head(oak_http_call *k)
{
    for (;;) {
        int rc = oak__http_msg_head(&k->msg);
        if (rc == 0 && k->msg.ll.status_code >= 200)
            return 0;
        if (rc == 0) {
            oak__http_msg_next(&k->msg);
            continue;
        }
        if (rc > 0)
            return rc == 431 || rc == 414 ? -EMSGSIZE : -EBADMSG;
        if (rc != -EAGAIN)
            return rc;
        ssize_t n = oak__http_fill(&k->in, k->sock);
        if (n <= 0)
            return n ? (int)n : k->answered ? -EBADMSG : -ECONNRESET;
        k->answered = true;
    }
}

static int exchange(oak_http_call *k, const struct http_buf *head, const struct oak_http_call_opts *o)
{
    struct iovec v[2] = {{head->data, head->len}, {(void *)(uintptr_t)o->body, o->size}};
    ssize_t n = oak_writev(k->sock, v, o->size ? 2 : 1);
    /* A server that refuses a body may answer and close before it has read all of it. */
    if (n < 0 && n != -EPIPE && n != -ECONNRESET)
        return (int)n;
    int rc = read_head(k);
    if (n < 0)
        k->msg.keep_alive = false;
    return rc;
}

/* May the request be sent a second time, without anybody knowing whether the first arrived? RFC 9110, 9.2.2.
 */
static bool repeatable(const char *method)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        if (strcmp(method, safe[i]) == 0)
            return true;
    return false;
}

static int attempt(oak_http_call *k, const struct http_buf *head, const struct oak_http_call_opts *o,
                   int64_t deadline)
{
    int rc = connect_to(k, deadline, false);
    if (rc == 0)
        rc = exchange(k, head, o);
    bool stale = k->reused && !k->answered && (rc == -EPIPE || rc == -ECONNRESET);
    if (!stale || !repeatable(o->method ? o->method : "GET"))
        return rc;
    oak_conn_close(k->sock);
    rc = connect_to(k, deadline, true);
    return rc ? rc : exchange(k, head, o);
}

int oak_http_do(oak_http_client *c, const struct oak_http_call_opts *o, oak_http_call **out)
{
    char storage[1024];
    struct http_buf head;
    struct http_url url;
    if (!http_is(c, TAG_CLIENT) || !o || !out || o->limit < 0 || (o->size && !o->body) ||
        (o->nfields && !o->fields) || oak__http_url(o->url, &url))
        return -EINVAL;
    int64_t limit = o->limit ? o->limit : c->opts.limit;
    int64_t deadline = limit == OAK_FOREVER ? OAK_FOREVER : oak_now() + limit;
    http_buf_init(&head, storage, sizeof storage);
    int rc = oak__http_compose(&head, o, &url);
    oak_http_call *k = rc ? NULL : new_call(c, &url, o->method && strcmp(o->method, "HEAD") == 0);
    if (rc == 0)
        rc = k ? attempt(k, &head, o, deadline) : -ENOMEM;
    oak__http_buf_free(&head);
    if (rc == 0) {
        k->msg.body_done = k->msg.body == HTTP_BODY_NONE;
        *out = k;
    } else {
        oak_http_call_close(k);
    }
    return rc;
}

ssize_t oak_http_call_read(oak_http_call *k, void *buf, size_t size)
{
    if (!http_is(k, TAG_CALL) || (!buf && size))
        return -EINVAL;
    return size ? oak__http_body_read(&k->msg, k->sock, buf, size) : k->msg.body_error;
}

static ssize_t read_from(void *k, void *buf, size_t size)
{
    return oak_http_call_read(k, buf, size);
}

ssize_t oak_http_call_read_all(oak_http_call *k, char **out)
{
    if (!http_is(k, TAG_CALL) || !out)
        return -EINVAL;
    if (k->all)
        return -EALREADY;
    ssize_t n = oak__http_body_all(&k->msg, read_from, k, &k->all);
    *out = k->all;
    return n;
}

void oak_http_call_close(oak_http_call *k)
{
    if (!http_is(k, TAG_CALL))
        return;
    http_set_tag(k, TAG_NONE);
    oak_http_client *c = k->client;
    const struct http_msg *m = &k->msg;
    if (k->sock && m->complete && m->body_done && !m->body_error && m->keep_alive &&
        http_in_len(&k->in) == 0) {
        oak__http_pool_give(c, k->place, k->sock);
    } else {
        if (k->sock)
            oak_conn_close(k->sock);
        free(k->place);
    }
    free(k->all);
    oak__http_msg_free(&k->msg);
    oak__http_in_free(&k->in);
    free(k);
    pthread_mutex_lock(&c->lock);
    c->ncalls--;
    pthread_mutex_unlock(&c->lock);
}
