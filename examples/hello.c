#include <oakum.h>
#include <stdio.h>

OAK_TASK(producer, oak_chan(int), ch, int, id)
{
    for (int i = 0; i < 3; i++)
        if (oak_send(ch, id * 10 + i) != 0) /* cancelled, or closed */
            return;
}

static int app(int argc, char **argv)
{
    (void)argc, (void)argv;
    oak_chan(int) ch = oak_make(int, 2);
    oak_scope (s) { /* left only when both producers have ended */
        if (oak_go(s, producer, ch, 1) || oak_go(s, producer, ch, 2))
            return 1;
        for (int i = 0, v; i < 6 && oak_recv(ch, &v) == 0; i++)
            printf("hello %d\n", v);
    }
    return oak_chan_free(ch);
}
OAK_MAIN(app)
