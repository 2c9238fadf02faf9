/* Between the files that read the program's state. Internal to decode*.c. */
#ifndef OAK_LEAK_DECODE_H
#define OAK_LEAK_DECODE_H

#include "leak/world.h"
#include "sched/m.h"
#include "sched/park.h"

struct by_key {
    uintptr_t key, value;
};

struct decode {
    struct oak__image *img;
    const struct oak__tables *t;
    struct oak__scratch *scratch;
    struct oak__world *w;
    bool lost_thread;  /* some thread is lost */
    bool lost_stack;   /* some stack is put away, and the image does not say where */
    uint32_t *id_slot; /* hash of nodes by id: index + 1, chained by id_next */
    uint32_t *id_next;
    size_t id_mask;
    bool hashed;
    struct by_key *m_by_tid, *by_tid, *by_sp; /* decode_index.c; values: address, and numbers of threads */
    size_t nms;
    struct booked *booked; /* decode_rwmutex.c: who has read-locked what; sorted by lock */
    size_t nbooked;
    size_t spare_holds; /* room in w->holds beyond one a wait */
};

/* decode_nodes.c: goroutines, stand-ins, slots. */
int oak__decode_nodes(struct decode *d);
/* Index + 1 of the goroutine or thread with that id; 0: it has ended. */
uint32_t oak__decode_by_id(struct decode *d, uint64_t id);
/* Where g's stack begins; *hi: where it ends, set when that is known. */
uintptr_t oak__decode_sp(const struct decode *d, const struct oak__g *g, uintptr_t *hi);
/* decode_index.c: before what follows. */
int oak__decode_index(struct decode *d);
/* The runtime's record of the thread with that number; the thread itself; NULL: there is none. */
const struct oak__m *oak__decode_m_of(const struct decode *d, int tid);
const struct oak__thread *oak__decode_thread(const struct decode *d, int tid);
/* Some thread's stack pointer in there, or 0. */
uintptr_t oak__decode_sp_within(const struct decode *d, const struct oak__span *stack);
/* decode_threads.c: where each thread is: live and dead parts of stacks. Before the nodes' own stacks. */
int oak__decode_threads(struct decode *d);
/* decode_handler.c: on the stack from sp to hi the handler of a signal runs; or one did, and its frame is there still. */
bool oak__decode_in_handler(const struct decode *d, uintptr_t sp, uintptr_t hi);
/* decode_live.c: the roots that goroutines which can run bring along. */
int oak__decode_live(struct decode *d);
/* decode_waits.c: what the blocked ones wait for. */
int oak__decode_waits(struct decode *d);
struct oak__wait *oak__decode_add_wait(struct decode *d, uint32_t node, uintptr_t object,
                                       enum oak__wait_rule rule);
/* owner: the id of who holds the lock; 0: it is just being handed on. */
void oak__decode_wait_for_owner(struct decode *d, uint32_t node, uintptr_t object, uint64_t owner);
/* For the wait x something must happen that holder (an index) alone can do. There is room for one a wait; who adds n takes
 * them before, and may be refused. */
void oak__decode_add_hold(struct decode *d, struct oak__wait *x, uint32_t holder);
bool oak__decode_take_holds(struct decode *d, size_t n);
/* decode_rwmutex.c */
void oak__decode_wait_for_rwmutex(struct decode *d, uint32_t node, uintptr_t object);
/* decode_ctx.c */
int oak__decode_contexts(struct decode *d);
/* decode_scopes.c */
int oak__decode_scopes(struct decode *d);

static inline const struct oak__g *g_at(const struct decode *d, uintptr_t a)
{
    return oak__image_at(d->img, a, sizeof(struct oak__g));
}

static inline void add_root(struct oak__world *w, uintptr_t lo, uintptr_t hi)
{
    if (lo < hi)
        w->roots[w->nroots++] = (struct oak__span){lo, hi};
}

#endif
