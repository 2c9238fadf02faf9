/* Plain threads: an M and a stand-in G for each that uses Oakum, made at first use and given back when the
 * thread ends. */
#include "sched/m.h"
#include "sched/sanitize.h"
#include "sched/sched.h"

#include <pthread.h>
#include <unistd.h>

__thread struct oak__m *oak__tls_m;
struct oak__slab oak__m_slab = OAK__SLAB("threads", struct oak__m);

/* How deep this thread is in blocks that it has entered without a stand-in. */
static __thread __attribute__((tls_model("initial-exec"))) unsigned refused;

static pthread_key_t key; /* whose destructor gives a thread's M back */
static oak__lock key_lock;
static _Atomic bool have_key;
/* Ids of stand-ins, apart from goroutines' so that they exist before the runtime is started. */
static _Atomic uint64_t thread_ids = (uint64_t)1 << 60; /* an id and two flag bits fit a lock word */

void oak__m_give_back(struct oak__m *m)
{
    oak__stand_in_end(m);
    m->tid = 0; /* another thread may get the number: to the leak proof this is nobody's stack any more */
    oak__tls_m = NULL;
    oak__slab_free(&oak__m_slab, m);
}

static void thread_ends(void *m)
{
    oak__m_give_back(m);
}

/* Made once; tried again as long as the program has used all keys up. */
static bool key_made(void)
{
    if (load_acquire(&have_key))
        return true;
    lock(&key_lock);
    bool made = load_relaxed(&have_key) || pthread_key_create(&key, thread_ends) == 0;
    store_release(&have_key, made);
    unlock(&key_lock);
    return made;
}

struct oak__m *oak__m_new(void)
{
    return oak__slab_alloc(&oak__m_slab);
}

void oak__m_drop(struct oak__m *m)
{
    oak__slab_free(&oak__m_slab, m);
}

/* A plain thread's stack has bounds, too: to the leak proof what lies below its stack pointer is dead. The first thread's is
 * known by its mapping, and asking libc for it means reading all of /proc/self/maps. */
static void note_plain_stack(struct oak__m *m)
{
    if (m->tid != getpid())
        oak__note_stack(m, NULL);
}

void oak__stand_in_begin(struct oak__m *m)
{
    struct oak__g *g = &m->stand_in;
    uint64_t id = fetch_add_relaxed(&thread_ids, 1);
    g->kind = OAK__G_THREAD;
    store_relaxed(&g->status, OAK__G_RUNNING);
    /* Tickets of an earlier life of this memory must not come again. */
    store_relaxed(&g->wait, (id & 0xffffffff) << 32);
    store_relaxed(&g->m, m);
    store_relaxed(&m->g, g);
    store_relaxed(&m->entered, 1);
    store_release(&g->id, id);
    store_relaxed(&m->own, OAK__OWN_THREAD);
}

void oak__stand_in_end(struct oak__m *m)
{
    store_release(&m->stand_in.id, 0);
    fence_release(); /* as in close_books of run.c */
    store_relaxed(&m->stand_in.status, OAK__G_FREE);
}

void oak__m_take(struct oak__m *m)
{
    m->tid = oak__os_gettid();
    note_plain_stack(m);
    store_relaxed(&m->rng, oak__os_random());
    oak__stand_in_begin(m);
    oak__tls_m = m;
}

struct oak__m *oak__m_for_thread(void)
{
    struct oak__m *m = refused || !key_made() ? NULL : oak__m_new();
    if (!m)
        return NULL;
    if (pthread_setspecific(key, m)) { /* it may want memory, too */
        oak__m_drop(m);
        return NULL;
    }
    oak__m_take(m);
    return m;
}

void oak__thread_refuse(void)
{
    refused++;
}

void oak__thread_allow(void)
{
    refused--;
}

uint64_t oak_self(void)
{
    struct oak__g *g = oak__self();
    return g ? load_relaxed(&g->id) : 0;
}

bool oak_in_goroutine(void)
{
    struct oak__m *m = oak__m_self();
    struct oak__g *g = m ? load_relaxed(&m->g) : NULL;
    return g && g->kind == OAK__G_GOROUTINE;
}

void oak_set_name(const char *name)
{
    struct oak__g *g = oak__self();
    if (g)
        store_release(&g->name, name);
}
