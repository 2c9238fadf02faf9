/*
 * Typed channels.
 *
 *     oak_chan(int) ch = oak_make(int, 16);      // NULL when out of memory
 *     if (oak_send(ch, 42)) ...                   // wrong element types are diagnosed by the compiler
 *     int v;
 *     while (oak_recv(ch, &v) == 0) ...           // -EPIPE once closed and drained
 *     oak_chan_free(ch);
 *
 * A channel of capacity 0 hands each value from a sender to a receiver that meets it. Waiters are served
 * first in, first out. A NULL channel blocks for ever, as in Go (in a select its case is never ready). All
 * operations work from goroutines and plain threads.
 *
 * A handle that is no channel, or one that was freed (as long as its memory is not used again): -EINVAL, and 0
 * from oak_chan_len and oak_chan_cap.
 *
 * Ownership: whoever made the channel frees it, when nobody uses it any more; closing is how senders tell
 * receivers that no value will come. An element is copied bit by bit, so what it points to changes hands by
 * agreement.
 */
#ifndef OAKUM_CHAN_H
#define OAKUM_CHAN_H

#include <oakum/base.h>

OAK__BEGIN

struct oak__chan;

/*
 * The type "channel of T". It is an opaque pointer in whose type T is encoded, so any two spellings of
 * oak_chan(int) are one type and no declaration is needed. T: a type that a function may return (wrap an
 * array in a struct).
 */
#define oak_chan(T) __typeof__(T(*)(struct oak__chan *))

/* A new channel of T with room for capacity elements (0: unbuffered; a size_t, so -1 is absurd). NULL when memory
 * is out or capacity is absurd. A large buffer takes memory as it is used. */
#define oak_make(T, capacity) ((oak_chan(T))(uintptr_t)oak__chan_make(sizeof(T), (capacity)))

/*
 * Sends value, which is converted to the element type as in an assignment: numbers of another type are, with what -Wconversion says
 * of it; all else that does not fit is diagnosed. Blocks until a receiver takes it or the buffer has room.
 * 0; -EPIPE (the channel is closed); -ECANCELED, -ETIMEDOUT; -ENOMEM (a plain thread's first use: see base.h, here and
 * below). On any error the value was not sent.
 */
#define oak_send(ch, ...) oak__send_op(ch, OAK_FOREVER, (__VA_ARGS__))
/* The same with a time limit in nanoseconds; 0 or less: one try, then -ETIMEDOUT. */
#define oak_send_timeout(ch, v, limit) oak__send_op(ch, (limit), (v))
/* Sends if that needs no waiting, else -EAGAIN. Never blocks. A NULL channel: -EAGAIN. */
#define oak_try_send(ch, ...)                                                                                \
    oak__checked(__extension__({                                                                             \
        oak__elem(ch) oak__v = (__VA_ARGS__);                                                                \
        oak__chan_try_send(oak__raw(ch), &oak__v);                                                           \
    }))

/*
 * Receives into *out (a pointer to the element type; a NULL one: the value is thrown away). Blocks until a value
 * comes.
 * 0; -EPIPE (closed and drained; *out is zeroed); -ECANCELED, -ETIMEDOUT (*out is untouched).
 */
#define oak_recv(ch, out) oak__recv_op(ch, out, OAK_FOREVER)
/* The same with a time limit in nanoseconds; 0 or less: one try, then -ETIMEDOUT. */
#define oak_recv_timeout(ch, out, limit) oak__recv_op(ch, out, (limit))
/* Receives if a value is there, else -EAGAIN; -EPIPE when closed and drained. Never blocks. */
#define oak_try_recv(ch, out)                                                                                \
    oak__checked(__extension__({                                                                             \
        oak__elem(ch) *oak__o = (out);                                                                       \
        oak__chan_try_recv(oak__raw(ch), oak__o);                                                            \
    }))

/* Runs its block for each value until the channel is closed and drained, or the wait is cancelled. */
#define oak_range(ch, v) for (oak__elem(ch) v; oak_recv(ch, &v) == 0;)

/*
 * Closes: later sends fail with -EPIPE, receivers drain the buffer and then get -EPIPE, all blocked ones
 * wake. 0; -EPIPE (it was closed already); -EINVAL (NULL). Never blocks; any thread.
 */
#define oak_chan_close(ch) oak__chan_close(oak__raw(ch))
/*
 * Frees the channel. NULL does nothing. With goroutines still blocked on it: nothing is freed, standard error
 * names them, and the result is -EBUSY. The caller promises that nobody uses the channel afterwards.
 */
#define oak_chan_free(ch) oak__chan_free(oak__raw(ch))
/* Elements buffered now, and room in all; 0 for NULL. A snapshot. */
#define oak_chan_len(ch) oak__chan_len(oak__raw(ch))
#define oak_chan_cap(ch) oak__chan_cap(oak__raw(ch))

/* ---- what the macros stand on; not for direct use ---- */

#define oak__elem(ch) __typeof__((ch)((struct oak__chan *)0))
#define oak__raw(ch)  ((struct oak__chan *)(uintptr_t)(ch))
#define oak__send_op(ch, limit, v)                                                                           \
    oak__checked(__extension__({                                                                             \
        oak__elem(ch) oak__v = v;                                                                            \
        oak__chan_send(oak__raw(ch), &oak__v, limit);                                                        \
    }))
#define oak__recv_op(ch, out, limit)                                                                         \
    oak__checked(__extension__({                                                                             \
        oak__elem(ch) *oak__o = (out);                                                                       \
        oak__chan_recv(oak__raw(ch), oak__o, limit);                                                         \
    }))

OAK_API struct oak__chan *oak__chan_make(size_t elem_size, size_t capacity) OAK_MUST_CHECK;
OAK_API int oak__chan_send(struct oak__chan *c, const void *v, int64_t limit) OAK_MUST_CHECK;
OAK_API int oak__chan_recv(struct oak__chan *c, void *out, int64_t limit) OAK_MUST_CHECK;
OAK_API int oak__chan_try_send(struct oak__chan *c, const void *v) OAK_MUST_CHECK;
OAK_API int oak__chan_try_recv(struct oak__chan *c, void *out) OAK_MUST_CHECK;
OAK_API int oak__chan_close(struct oak__chan *c);
OAK_API int oak__chan_free(struct oak__chan *c);
OAK_API size_t oak__chan_len(const struct oak__chan *c);
OAK_API size_t oak__chan_cap(const struct oak__chan *c);

OAK__END

#endif
