/*
 * A message (request or response) as it is read: llhttp does the parsing, this is the glue around it. Works
 * on memory alone and never blocks: whoever reads the socket puts the bytes into the buffer and calls again.
 * For files under http/ only.
 *
 * llhttp accepts a little more than RFC 9112 does, differently from version to version, and what two parsers
 * on a path read differently is how requests are smuggled. So the glue is stricter (check.c): every byte of
 * the head must be where the grammar puts it, or the message is refused.
 */
#ifndef OAK_HTTP_MESSAGE_H
#define OAK_HTTP_MESSAGE_H

#include "inbuf.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Offsets from the start of the head: the buffer may move while the head is not complete. */
struct http_span {
    uint32_t at, len;
};
struct http_header {
    struct http_span name, value;
};

#define HTTP_FIELDS_INLINE 16

enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,  /* Content-Length */
    HTTP_BODY_CHUNKED, /* Transfer-Encoding: chunked */
    HTTP_BODY_EOF,     /* a response that ends with its connection */
};

/* What is allowed; set once. */
struct http_bounds {
    size_t head;   /* bytes of the head, and of the trailers */
    size_t fields; /* header fields */
    uint64_t body; /* bytes of the body */
};

struct http_msg {
    llhttp_t ll;
    const struct http_bounds *bounds;
    struct http_inbuf *in;

    /* the head */
    char *text;      /* where it starts; fixed once it is complete */
    size_t fed;      /* bytes of it that llhttp has seen */
    size_t head_len; /* once complete */
    int refused;     /* status that a call-back refused it with; 0 */
    bool in_value;   /* llhttp is in the value of the last field */
    bool complete;
    struct http_span target;
    struct http_header *fields;
    size_t nfields, fields_cap;
    struct http_header fields_inline[HTTP_FIELDS_INLINE];

    /* what it says */
    bool keep_alive;
    bool expects_continue;
    bool head_only; /* a response to HEAD: it has no body, whatever its fields say */
    enum http_body_kind body;
    uint64_t length; /* HTTP_BODY_LENGTH */

    /* the body */
    uint64_t got;     /* bytes of it that were handed out */
    uint64_t framing; /* chunked: other bytes than those of the body */
    uint64_t chunks;
    char last; /* chunked: the last framing byte */
    bool body_done;
    int body_error; /* negative errno that ended it early */
    char *into;     /* while llhttp runs: where body bytes go, and how many went there */
    size_t put;
    const char *frame; /* while llhttp runs: first byte not yet known to be body or framing */
};

void oak__http_msg_init(struct http_msg *m, llhttp_type_t type, struct http_inbuf *in,
                        const struct http_bounds *bounds);
void oak__http_msg_free(struct http_msg *m);
/* Forgets the last message; the buffer goes on where it ended. */
void oak__http_msg_next(struct http_msg *m);

/*
 * Goes on reading the head. 0: complete, and its strings are terminated in place; -EAGAIN: put more bytes
 * into the buffer; -ENOMEM; or the status with which it is to be refused (400, 414, 417, 431, 501, 505).
 */
int oak__http_msg_head(struct http_msg *m);

/*
 * Moves up to size (> 0) body bytes out of the buffer. How many; 0: the body has ended; -EAGAIN: put more
 * bytes into the buffer; -EMSGSIZE: longer than allowed; -EBADMSG: malformed.
 */
ssize_t oak__http_msg_body(struct http_msg *m, void *out, size_t size);
/* When the buffer is empty: how many body bytes may be read from the socket past it; 0: through the buffer.
 */
size_t oak__http_msg_direct(const struct http_msg *m, size_t size);
/* That so many were: n, or -EMSGSIZE. */
ssize_t oak__http_msg_took(struct http_msg *m, size_t n);
/* The peer sends no more. 0 when the body ends with that, else -EBADMSG. */
int oak__http_msg_eof(struct http_msg *m);

/* check.c: the complete head, held against the grammar. 0 or the status to refuse it with. */
int oak__http_check(struct http_msg *m);

/* target.c: what a request is for; its Host field's value, empty when it has none. 0 or the status. */
int oak__http_check_target(const struct http_msg *m, const struct http_span *host);

/* body.c: counts and checks the chunk framing before `to`. 0 or an llhttp error. */
int oak__http_framing(struct http_msg *m, const char *to);

/* fields.c */
bool oak__http_same(const char *a, size_t len, const char *b);
void oak__http_terminate(struct http_msg *m);
const char *oak__http_find(const struct http_msg *m, const char *name);
int oak__http_field_at(const struct http_msg *m, size_t i, const char **name, const char **value);

#endif
