/* What a request is for: its target and its Host field, held against RFC 9112, 3.2 and RFC 3986, 3.2.2. */
#include "message.h"

#include <string.h>

enum { NAME = 1, IN_BRACKETS = 2, DIGIT = 4 };

/* What a byte may be part of: a host's name or address, an address in brackets, a port. */
static unsigned parts_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return NAME | IN_BRACKETS | DIGIT;
    if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' || c == '-')
        return NAME | IN_BRACKETS;
    if (c == ':')
        return IN_BRACKETS;
    return c && strchr("_~!$&'()*+,;=%", c) ? NAME | IN_BRACKETS : 0;
}

static size_t run_of(const char *s, size_t len, unsigned part)
{
    size_t n = 0;
    while (n < len && parts_of((unsigned char)s[n]) & part)
        n++;
    return n;
}

/* host [":" port]; the host may be empty. */
static bool is_host(const char *s, size_t len)
{
    size_t n;
    if (len && s[0] == '[') {
        n = 1 + run_of(s + 1, len - 1, IN_BRACKETS);
        if (n < 3 || n == len || s[n++] != ']')
            return false;
    } else {
        n = run_of(s, len, NAME);
    }
    if (n < len && s[n] == ':')
        n += 1 + run_of(s + n + 1, len - n - 1, DIGIT);
    return n == len;
}

/* Not terminated yet. */
static const char *find(const char *s, size_t len, const char *what)
{
    return memmem(s, len, what, strlen(what));
}

/* "scheme://host:port/path": without a host, or with a user's name, it is an error (RFC 9110, 4.2). */
static bool is_absolute(const char *s, size_t len)
{
    const char *authority = find(s, len, "://");
    if (!authority)
        return false;
    authority += 3;
    size_t left = len - (size_t)(authority - s), n = 0;
    while (n < left && authority[n] != '/' && authority[n] != '?')
        n++;
    return n && authority[0] != ':' && is_host(authority, n);
}

int oak__http_check_target(const struct http_msg *m, const struct http_span *host)
{
    const char *s = m->text + m->target.at;
    size_t len = m->target.len;
    if (!is_host(m->text + host->at, host->len) || memchr(s, '#', len))
        return 400;
    /* A client that hears 2xx takes what follows for a tunnel: that is nothing a handler can offer. */
    if (m->ll.method == HTTP_CONNECT)
        return 501;
    if (len == 1 && s[0] == '*')
        return m->ll.method == HTTP_OPTIONS ? 0 : 400;
    return s[0] == '/' || is_absolute(s, len) ? 0 : 400;
}
