/* libaco: coroutines without a scheduler or channels; a yield here is a resume and the yield that answers it. */
#include "peer.h"

#include <aco.h>

static aco_t *top;
static aco_share_stack_t *shared;

static void yielder(void)
{
    for (;;)
        aco_yield();
}

static void ender(void)
{
    aco_exit();
}

static aco_t *make(void (*fn)(void))
{
    return aco_create(top, shared, 0, fn, NULL);
}

/* An operation is one switch. */
static void job_yield(long count)
{
    aco_t *co[PEER_YIELDERS];
    for (int i = 0; i < PEER_YIELDERS; i++)
        co[i] = aco_create(top, aco_share_stack_new(0), 0, yielder, NULL);
    for (long i = 0; i < count / 2; i++)
        aco_resume(co[i % PEER_YIELDERS]);
}

static void job_spawn(long count)
{
    for (long i = 0; i < count; i++) {
        aco_t *co = make(ender);
        aco_resume(co);
        aco_destroy(co);
    }
}

/* All of them share one stack, what is theirs is copied: libaco's way to have many. */
static void job_parked(long count)
{
    for (long i = 0; i < count; i++)
        aco_resume(make(yielder));
    peer_all_parked(count);
}

int main(int argc, char **argv)
{
    static const struct peer_job jobs[] = {
        {"yield", job_yield}, {"spawn", job_spawn}, {"parked", job_parked}, {NULL, NULL}};
    aco_thread_init(NULL);
    top = aco_create(NULL, NULL, 0, NULL, NULL);
    shared = aco_share_stack_new(0);
    peer_run(jobs, argc, argv);
    return 0;
}
