/* What the compiler must refuse, one mistake for each value of MISTAKE; without a mistake the file compiles.
 */
#include <oakum.h>

struct point {
    int x, y;
};

OAK_TASK(task, oak_chan(int), ch, const char *, text)
{
    (void)ch, (void)text;
}

int uses(oak_chan(int) ch, oak_chan(struct point) points, oak_scope *s);
int uses(oak_chan(int) ch, oak_chan(struct point) points, oak_scope *s)
{
    struct point p = {1, 2};
    int i = 0, rc = 0;
    long l = 0;
#ifndef MISTAKE
    rc = oak_send(ch, 1) + oak_send(points, p) + oak_recv(ch, &i) + oak_go(s, task, ch, "text");
#elif MISTAKE == 1  /* a struct sent on a channel of int */
    rc = oak_send(ch, p);
#elif MISTAKE == 2  /* a pointer sent on a channel of int */
    rc = oak_send(ch, "text");
#elif MISTAKE == 3  /* received into a variable of another type */
    rc = oak_recv(ch, &l);
#elif MISTAKE == 4  /* selected into a variable of another type */
    rc = oak_select(oak_on_recv(ch, &l));
#elif MISTAKE == 5  /* a channel of int given for a channel of struct */
    points = ch;
#elif MISTAKE == 6  /* a channel made for another type */
    ch = oak_make(long, 1);
#elif MISTAKE == 7  /* a task called with an argument of another type */
    rc = oak_go(s, task, points, "text");
#elif MISTAKE == 8  /* a task called with too few arguments */
    rc = oak_go(s, task, ch);
#elif MISTAKE == 9  /* a task called with too many arguments */
    rc = oak_go(s, task, ch, "text", 1);
#elif MISTAKE == 10 /* a selected struct sent on a channel of int */
    rc = oak_select(oak_on_send(ch, p), oak_on_default());
#elif MISTAKE == 11 /* the result of a lock dropped */
    static oak_mutex mutex;
    oak_mutex_lock(&mutex);
#elif MISTAKE == 12 /* the result of a send dropped */
    oak_send(ch, 1);
#elif MISTAKE == 13 /* a plain function started as a task */
    rc = oak_go(s, uses, ch);
#elif MISTAKE == 14 /* a number selected to be sent on a channel of struct */
    rc = oak_select(oak_on_send(points, 1), oak_on_default());
#elif MISTAKE == 15 /* the result of a start dropped */
    oak_go(s, task, ch, "text");
#elif MISTAKE == 16 /* the result of a receive dropped */
    oak_recv(ch, &i);
#elif MISTAKE == 17 /* the result of a select dropped */
    oak_select(oak_on_recv(ch, &i), oak_on_default());
#elif MISTAKE == 18 /* a value sent on what is no channel */
    rc = oak_send(&i, 1);
#elif MISTAKE == 19 /* received into a value, not into a variable's address */
    rc = oak_recv(ch, i);
#elif MISTAKE == 20 /* a read-write mutex locked as a mutex */
    static oak_rwmutex rw;
    rc = oak_mutex_lock(&rw);
#elif MISTAKE == 21 /* a context given for a scope */
    rc = oak_go(oak_ctx_current(), task, ch, "text");
#else
    #error no such mistake
#endif
    (void)s, (void)ch, (void)p, (void)i, (void)l, (void)points;
    return rc;
}
