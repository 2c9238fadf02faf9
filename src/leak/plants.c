#include "leak/plants.h"

#include "base/os.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

/* Above the largest threshold that malloc ever sets itself, so that freeing it moves none. It is never touched. */
enum { SMALL = 40, LARGE = 33 << 20 };

static void *sow_in_thread(void *arg)
{
    *(void **)arg = malloc(SMALL);
    return NULL;
}

/* malloc, not the core's: what the program gets is what is to be found. */
void oak__plants_sow(struct oak__plants *p)
{
    pthread_t t;
    p->at[0] = malloc(SMALL);
    p->at[1] = NULL;
    if (pthread_create(&t, NULL, sow_in_thread, &p->at[1]) == 0)
        pthread_join(t, NULL);
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
