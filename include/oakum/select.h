/*
 * Select: wait for the first of several channel operations.
 *
 *     int v; bool open;
 *     switch (oak_select(oak_on_recv_ok(ch, &v, &open), oak_on_send(out, 7), oak_on_timeout(OAK_SECOND))) {
 *     case 0: ... received v from ch (open is false once ch is closed and drained)
 *     case 1: ... 7 was sent
 *     case 2: ... a second passed
 *     default: ... negative: -ECANCELED, -ETIMEDOUT (ambient context), -EPIPE (a send case's channel is closed),
 *              -ENOMEM (very many cases, or a plain thread's first use)
 *     }
 *
 * Among the cases that are ready one is chosen uniformly at random. Exactly the chosen operation happens; a
 * cancelled select does none. Cases with a NULL channel are never ready; a select with no case blocks for
 * ever.
 */
#ifndef OAKUM_SELECT_H
#define OAKUM_SELECT_H

#include <oakum/chan.h>

OAK__BEGIN

enum oak__case_kind { OAK__CASE_RECV = 1, OAK__CASE_SEND, OAK__CASE_DEFAULT, OAK__CASE_TIMEOUT };

/* One case. Made by the oak_on_ macros; arrays of them go to oak_select_n. */
struct oak_case {
    enum oak__case_kind kind;
    struct oak__chan *ch;
    void *elem;    /* receive into / send from; must stay valid until the select returns */
    bool *ok;      /* receive: set to false when the channel is closed and drained; may be NULL */
    int64_t limit; /* timeout: nanoseconds */
};

/* Receive into *out (NULL: throw the value away). A closed and drained channel is ready and gives a zeroed
 * element. */
#define oak_on_recv(ch, out) OAK__CASE(OAK__CASE_RECV, ch, oak__typed(ch, out), NULL)
/* The same; *okp tells a value (true) from a closed channel (false). */
#define oak_on_recv_ok(ch, out, okp) OAK__CASE(OAK__CASE_RECV, ch, oak__typed(ch, out), okp)
/* Send value (evaluated once, before the select starts). */
#define oak_on_send(ch, ...)                                                                                 \
    OAK__CASE(OAK__CASE_SEND, ch, (oak__fits(ch, (__VA_ARGS__)), (oak__elem(ch)[1]){__VA_ARGS__}), NULL)
/* Chosen when no other case is ready: the select then never blocks. */
#define oak_on_default() ((struct oak_case){OAK__CASE_DEFAULT, NULL, NULL, NULL, 0})
/* Chosen when nothing else was ready for so many nanoseconds. */
#define oak_on_timeout(ns) ((struct oak_case){OAK__CASE_TIMEOUT, NULL, NULL, NULL, (ns)})

/* Index of the case that happened, or a negative errno (see above). At most one default and one timeout case:
 * else -EINVAL. */
#define oak_select(...)                                                                                      \
    oak__checked(__extension__({                                                                             \
        struct oak_case oak__cases[] = {__VA_ARGS__};                                                        \
        oak_select_n(oak__cases, sizeof oak__cases / sizeof oak__cases[0]);                                  \
    }))

/*
 * The same over an array. n may be 0 (blocks for ever). Up to 65535 cases. -EINVAL: more; cases is NULL and n is
 * not 0; a case that no oak_on_ macro has made, or whose channel is a wrong handle. -ENOMEM for very many. Blocks
 * unless there is a default case. Goroutines and plain threads.
 */
OAK_API int oak_select_n(struct oak_case *cases, size_t n) OAK_MUST_CHECK;

#define OAK__CASE(k, c, e, okp) ((struct oak_case){k, oak__raw(c), (e), (okp), 0})
/* Nothing, but an error unless v can be assigned to an element: braces would let a number pass for a struct.
 */
#define oak__fits(ch, v)                                                                                     \
    ((void)sizeof(__extension__({                                                                            \
        oak__elem(ch) oak__t = v;                                                                            \
        oak__t;                                                                                              \
    })))
/* out, checked to point to the element type. */
#define oak__typed(ch, out)                                                                                  \
    ((void)sizeof(__extension__({                                                                            \
         oak__elem(ch) *oak__t = (out);                                                                      \
         oak__t;                                                                                             \
     })),                                                                                                    \
     (out))

OAK__END

#endif
