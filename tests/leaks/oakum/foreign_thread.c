/* Threads that the runtime does not own have the channels: one on its stack, one in a thread-local variable. Not leaked. */
#include "kernel.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t have_it, never;
static __thread oak_chan(int) mine;

OAK_TASK(receiver, oak_chan(int), ch)
{
    int v;
    must(oak_recv(ch, &v) == 0);
}

static void *on_its_stack(void *arg)
{
    oak_chan(int) volatile ch = (oak_chan(int))(uintptr_t)arg;
    sem_post(&have_it);
    while (sem_wait(&never) == 0)
        (void)!oak_send(ch, 1);
    return NULL;
}

static void *in_a_thread_local(void *arg)
{
    mine = (oak_chan(int))(uintptr_t)arg;
    sem_post(&have_it);
    while (sem_wait(&never) == 0)
        (void)!oak_send(mine, 1);
    return NULL;
}

static void with_thread(void *(*fn)(void *))
{
    oak_chan(int) ch = oak_make(int, 0);
    pthread_t t;
    go(receiver, ch);
    must(pthread_create(&t, NULL, fn, (void *)(uintptr_t)ch) == 0);
    must(sem_wait(&have_it) == 0);
}

KERNEL
{
    must(sem_init(&have_it, 0, 0) == 0 && sem_init(&never, 0, 0) == 0);
    with_thread(on_its_stack);
    with_thread(in_a_thread_local);
}

NOTHING_LEAKS;
LIVE(receiver);
