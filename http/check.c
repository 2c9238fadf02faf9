/* What llhttp read, held against RFC 9112 byte by byte, and what it means for the body. */
#include "message.h"

#include <string.h>

static bool at(const struct http_msg *m, size_t where, const char *what)
{
    size_t len = strlen(what);
    return where + len <= m->head_len && memcmp(m->text + where, what, len) == 0;
}

/* "METHOD SP target SP HTTP/1.x CR LF". Where the fields begin; 0 when it is anything else. */
static size_t request_line(const struct http_msg *m)
{
    size_t skipped = 0; /* empty lines before a request are allowed */
    while (at(m, skipped, "\r\n"))
        skipped += 2;
    const char *method = llhttp_method_name((llhttp_method_t)m->ll.method);
    size_t len = strlen(method);
    size_t end = m->target.at + m->target.len;
    if (!at(m, skipped, method) || m->target.at != skipped + len + 1 || m->text[skipped + len] != ' ')
        return 0;
    if (!at(m, end, m->ll.http_minor ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n"))
        return 0;
    return end + strlen(" HTTP/1.x\r\n");
}

/* "HTTP/1.x SP 3DIGIT ..." up to its CR LF. */
static size_t status_line(const struct http_msg *m)
{
    if (!at(m, 0, m->ll.http_minor ? "HTTP/1.1 " : "HTTP/1.0 "))
        return 0;
    const char *lf = memchr(m->text, '\n', m->head_len);
    return lf && lf[-1] == '\r' ? (size_t)(lf - m->text) + 1 : 0;
}

static size_t skip_blanks(const struct http_msg *m, size_t p)
{
    while (p < m->head_len && (m->text[p] == ' ' || m->text[p] == '\t'))
        p++;
    return p;
}

/* Each field is "name: value CR LF" with nothing between one and the next: no folded, skipped or odd line. */
static bool lines_fit(const struct http_msg *m, size_t p)
{
    if (p == 0)
        return false;
    for (size_t i = 0; i < m->nfields; i++) {
        const struct http_header *f = &m->fields[i];
        if (f->name.at != p || f->name.len == 0)
            return false;
        p += f->name.len;
        if (m->text[p] != ':')
            return false;
        p = skip_blanks(m, p + 1);
        if (f->value.len) {
            if (f->value.at != p)
                return false;
            p = skip_blanks(m, p + f->value.len);
        }
        if (!at(m, p, "\r\n"))
            return false;
        p += 2;
    }
    return p + 2 == m->head_len && at(m, p, "\r\n");
}

struct meaning {
    unsigned hosts, lengths, codings, expects;
    bool chunked, digits, continues;
    struct http_span host;
};

static bool is(const struct http_msg *m, struct http_span s, const char *lower)
{
    return oak__http_same(m->text + s.at, s.len, lower);
}

static bool all_digits(const struct http_msg *m, struct http_span s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if (m->text[s.at + i] < '0' || m->text[s.at + i] > '9')
            return false;
    return s.len > 0 && s.len <= 19;
}

/* The few fields that the protocol itself is made of; sorted out by length, as most others are not these. */
static void look_at(const struct http_msg *m, const struct http_header *f, struct meaning *w)
{
    switch (f->name.len) {
    case 4:
        if (is(m, f->name, "host")) {
            w->hosts++;
            w->host = f->value;
        }
        break;
    case 6:
        if (is(m, f->name, "expect")) {
            w->expects++;
            w->continues = is(m, f->value, "100-continue");
        }
        break;
    case 14:
        if (is(m, f->name, "content-length")) {
            w->lengths++;
            w->digits = all_digits(m, f->value);
        }
        break;
    case 17:
        if (is(m, f->name, "transfer-encoding")) {
            w->codings++;
            w->chunked = is(m, f->value, "chunked");
        }
        break;
    default:
        break;
    }
}

/* One way of saying how long the body is, at most; see RFC 9112, 6.3 and 11.2. */
static int framing_status(const struct http_msg *m, const struct meaning *w)
{
    if (w->lengths > 1 || w->codings > 1 || (w->lengths && w->codings) || (w->lengths && !w->digits))
        return 400;
    if (w->codings && m->ll.http_minor == 0)
        return 400;
    if (w->codings && !w->chunked)
        return 501;
    if (w->codings && !(m->ll.flags & F_CHUNKED))
        return 400;
    return 0;
}

static void set_body(struct http_msg *m, const struct meaning *w)
{
    bool response = m->ll.type == HTTP_RESPONSE;
    int status = m->ll.status_code;
    m->length = 0;
    if (response && (m->head_only || status / 100 == 1 || status == 204 || status == 304))
        m->body = HTTP_BODY_NONE;
    else if (w->codings)
        m->body = HTTP_BODY_CHUNKED;
    else if (w->lengths)
        m->body = m->ll.content_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    else
        m->body = response ? HTTP_BODY_EOF : HTTP_BODY_NONE;
    if (m->body == HTTP_BODY_LENGTH)
        m->length = m->ll.content_length;
}

static int request_status(const struct http_msg *m, const struct meaning *w)
{
    if (w->hosts > 1 || (w->hosts == 0 && m->ll.http_minor))
        return 400;
    if (w->expects && m->ll.http_minor && (w->expects > 1 || !w->continues))
        return 417;
    return oak__http_check_target(m, &w->host);
}

/* Blanks behind a value are not part of it. */
static void trim(struct http_msg *m)
{
    for (size_t i = 0; i < m->nfields; i++) {
        struct http_span *v = &m->fields[i].value;
        while (v->len && (m->text[v->at + v->len - 1] == ' ' || m->text[v->at + v->len - 1] == '\t'))
            v->len--;
    }
}

int oak__http_check(struct http_msg *m)
{
    bool request = m->ll.type == HTTP_REQUEST;
    if (m->ll.http_major != 1 || m->ll.http_minor > 1)
        return 505;
    trim(m);
    if (!lines_fit(m, request ? request_line(m) : status_line(m)))
        return 400;
    struct meaning w = {0};
    for (size_t i = 0; i < m->nfields; i++)
        look_at(m, &m->fields[i], &w);
    int status = framing_status(m, &w);
    if (status == 0 && request)
        status = request_status(m, &w);
    if (status)
        return status;
    set_body(m, &w);
    m->expects_continue = w.expects && m->ll.http_minor && m->body != HTTP_BODY_NONE;
    bool asked =
        !(m->ll.flags & F_CONNECTION_CLOSE) && (m->ll.http_minor || m->ll.flags & F_CONNECTION_KEEP_ALIVE);
    m->keep_alive = asked && m->body != HTTP_BODY_EOF;
    return 0;
}
