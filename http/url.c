/* URLs, as far as a client needs them. */
#include "client.h"

#include <string.h>
#include <strings.h>

/* Blanks and control bytes would end the request line early; bytes over 0x7f are for the caller to encode. */
static bool is_clean(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
            return false;
    return true;
}

static bool is_port(const char *s, size_t len)
{
    unsigned port = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || i > 4)
            return false;
        port = port * 10 + (unsigned)(s[i] - '0');
    }
    return len > 0 && port > 0 && port < 65536;
}

int oak__http_url(const char *url, struct http_url *out)
{
    static const char scheme[] = "http://";
    if (!url || strncasecmp(url, scheme, sizeof scheme - 1) != 0 || !is_clean(url))
        return -EINVAL;
    const char *host = url + sizeof scheme - 1;
    size_t len = strcspn(host, "/?#");
    *out = (struct http_url){.host = host, .host_len = len, .target = host + len};
    out->target_len = strcspn(out->target, "#");
    /* No user names: they would be sent to whoever the host is in plain text. */
    if (len == 0 || memchr(host, '@', len))
        return -EINVAL;
    size_t name = strcspn(host, ":/?#");
    if (host[0] == '[') {
        const char *end = memchr(host, ']', len);
        if (!end)
            return -EINVAL;
        name = (size_t)(end - host) + 1;
    }
    out->has_port = name < len;
    if (name == 0 || (name < len && (host[name] != ':' || !is_port(host + name + 1, len - name - 1))))
        return -EINVAL;
    return 0;
}
