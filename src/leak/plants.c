#include "leak/plants.h"

#include "base/os.h"

#include <malloc.h>
#include <stdlib.h>

/* Above the largest threshold that malloc ever sets itself, so that freeing it moves none. It is never touched. */
enum { SMALL = 40, LARGE = 33 << 20 };

/*
 * Not by the thread's argument: that stays where it was when the thread has ended (the C library keeps its stack for the
 * next one), and an address of the heap there is a reference to whatever comes to lie at it. One check at a time.
 */
static void *sown;

static void *sow_in_thread(void *unused)
{
    sown = malloc(SMALL);
    return unused;
}

/* malloc, not the core's: what the program gets is what is to be found. */
void oak__plants_sow(struct oak__plants *p)
{
    p->at[0] = malloc(SMALL);
    (void)oak__os_thread_wait(sow_in_thread, NULL); /* without one there is a plant less */
    p->at[1] = sown;
    sown = NULL;
    p->at[2] = malloc(LARGE);
    for (int i = 0; i < OAK__PLANTS; i++)
        p->usable[i] = malloc_usable_size(p->at[i]);
}

void oak__plants_pull(struct oak__plants *p)
{
    for (int i = 0; i < OAK__PLANTS; i++)
        free(p->at[i]);
}

void oak__plants_list(const struct oak__plants *p, struct oak__plant out[OAK__PLANTS])
{
    for (int i = 0; i < OAK__PLANTS; i++)
        out[i] = (struct oak__plant){(uintptr_t)p->at[i], p->usable[i]};
}
