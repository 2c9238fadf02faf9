#include "leak/decode.h"

int oak__decode(struct oak__image *img, const struct oak__tables *t, struct oak__scratch *s,
                struct oak__world *w)
{
    *w = (struct oak__world){.nnodes = 0};
    struct decode d = {.img = img, .t = t, .scratch = s, .w = w};
    int err = oak__decode_nodes(&d);
    if (!err)
        err = oak__decode_threads(&d);
    /* Each of these may find that somebody is not blocked after all. */
    if (!err)
        err = oak__decode_waits(&d);
    if (!err)
        err = oak__decode_contexts(&d);
    if (!err)
        err = oak__decode_scopes(&d);
    if (!err)
        err = oak__decode_live(&d);
    return err;
}
