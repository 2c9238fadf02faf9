/*
 * GoKer hugo 5379: rendering a page holds the page's lock and has its content made in a goroutine of its own, so that it could be
 * given up after some time; making the content asks the page for what the lock guards.
 */
#include "kernel.h"

struct page {
    oak_once content;
    oak_mutex m;
    oak_chan(int) made;
};

OAK_TASK(make_content, struct page *, p)
{
    must(oak_mutex_lock(&p->m) == 0); /* a short code asks for the page's plain text */
    oak_mutex_unlock(&p->m);
    must(oak_send(p->made, 1) == 0);
}

static void init_content(void *arg)
{
    struct page *p = arg;
    int v;
    go(make_content, p);
    must(oak_recv(p->made, &v) == 0);
}

OAK_TASK(render, struct page *, p)
{
    must(oak_mutex_lock(&p->m) == 0);
    must(oak_once_do(&p->content, init_content, p) == 0);
    oak_mutex_unlock(&p->m);
}

/* Another part of the site that needs the page's content. */
OAK_TASK(list_pages, struct page *, p)
{
    must(oak_once_do(&p->content, init_content, p) == 0);
}

KERNEL
{
    struct page *p = calloc(1, sizeof *p);
    p->made = oak_make(int, 0);
    go(render, p);
    kernel_wait_blocked(render, 1);
    go(list_pages, p);
}

LEAKS(render, make_content, list_pages);
