/*
 * Bytes that have come from the peer and are not used up yet. For files under http/ only.
 *
 *     data    floor      start        end         cap
 *      |  head  |  used    |  unread   |   room    |
 *
 * Below floor lies the head of the message in work, to which its strings point: from the end of the head to
 * the end of the message nothing there may move.
 */
#ifndef OAK_HTTP_INBUF_H
#define OAK_HTTP_INBUF_H

#include <stdbool.h>
#include <stddef.h>

struct http_inbuf {
    char *data;
    size_t floor, start, end, cap;
    bool more;   /* the last read took all the room that there was: there may be more */
    char *first; /* the storage it began with, which is not its own */
    size_t first_cap;
};

void oak__http_in_init(struct http_inbuf *in, void *storage, size_t size);
void oak__http_in_free(struct http_inbuf *in);
/* Room for at least `need` more bytes behind end. Moves the unread bytes; grows. 0 or -ENOMEM. */
int oak__http_in_room(struct http_inbuf *in, size_t need);
/* The message is over: all of the buffer may be used again, and a large one is given back if it is empty. */
void oak__http_in_recycle(struct http_inbuf *in);

static inline size_t http_in_len(const struct http_inbuf *in)
{
    return in->end - in->start;
}

#endif
