#include "leak/decode.h"

/* From here on the image reads stacks that are put away where they are. */
static void find_moved(struct oak__image *img, const struct oak__tables *t)
{
    img->nmoved = 0;
    for (size_t i = 0; i < t->nstacks; i++)
        if (t->stacks[i].away)
            img->moved[img->nmoved++] =
                (struct oak__moved){t->stacks[i].lo, t->stacks[i].hi, t->stacks[i].slot, t->stacks[i].away};
}

int oak__decode(struct oak__image *img, const struct oak__tables *t, struct oak__scratch *s,
                struct oak__world *w)
{
    *w = (struct oak__world){.img = img};
    struct decode d = {.img = img, .t = t, .scratch = s, .w = w};
    find_moved(img, t);
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
