/*
 * The P hand-over: src/sched/handover.c; oak__acquire_p and oak__release_p in src/sched/worker.c.
 *
 * Two workers with two Ps. A worker says with m->entered that it is in the runtime, by a plain store without a fence, and then
 * looks at m->own. The monitor takes a P from its worker: it marks m->own, makes every processor pass a fence (membarrier),
 * and only then looks at m->entered. Workers also give their P back and take one that is idle, not always the same. Worker 0
 * may sit in a call that ends only when its P was taken. The processor may delay a worker's plain stores (`sb`, in order).
 *
 * Shown: no two threads are ever in the runtime with the same P; a P's new holder sees all that the former one wrote to it; who
 * wants a P gets one, and the P of one that stays away can be taken (else: invalid end state).
 *
 * Between the monitor's reading of p->m and its mark the worker may have exchanged that P for another: so it looks at m->p
 * once more (LOOKS_NOT_AGAIN). A worker gives its P back by a compare-and-swap, because the monitor may be between the mark
 * and "still yours" (RELEASE_BY_STORE).
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: NO_BARRIER LOOKS_BEFORE_MARK LOOKS_NOT_AGAIN RELEASE_BY_STORE MARK_BY_STORE TAKES_ON_MARK
 */
#define ROUNDS 2
#define TRIES  2 /* of the monitor at any moment; it tries as often as needed while worker 0 waits for it */
#define NIL    7

mtype = { ENTERED, DATA };                     /* in a store buffer */
mtype = { NONE, OURS, RETAKING };              /* m->own */

mtype own[2] = OURS;
bool entered[2] = true;
byte m_p[2];                                   /* m->p */
byte p_m[2];                                   /* p->m */
bool idle[2];
chan sb[2] = [4] of { mtype, byte };

bool blocks = false;                           /* worker 0 waits for the monitor */
byte inside[2];                                /* observed: threads in the runtime with each P */
byte left = 2;

proctype drain(byte m)
{
    byte value;
end:
    do
    :: atomic { sb[m]?ENTERED(value) -> entered[m] = value; value = 0 }
    :: atomic { sb[m]?DATA(value) -> value = 0 }
    od
}

/* An idle P, by a lock: the own stores are in memory then. p->m, m->p and own are stored one after the other. */
inline take_idle(m)
{
    atomic {
        empty(sb[m]) && (idle[0] || idle[1]) ->
        if
        :: idle[0] -> p = 0
        :: idle[1] -> p = 1
        fi;
        idle[p] = false;
        assert(!(sb[1 - m]??[DATA(eval(p))])) /* what the former holder wrote is in memory */
    }
    m_p[m] = p;
    p_m[p] = m;
    own[m] = OURS
}

inline give_back(m)
{
    atomic {
        empty(sb[m]);
#ifndef RELEASE_BY_STORE
        own[m] == OURS ->
#endif
        own[m] = NONE;
        p = m_p[m];
        m_p[m] = NIL
    }
    p_m[p] = NIL;
    idle[p] = true
}

proctype worker(byte m)
{
    byte rounds = 0, p = NIL;

    sb[m]!ENTERED(0);
    do
    :: rounds < ROUNDS ->
        rounds++;
        if
        :: m == 0 ->
            blocks = true;
            own[m] == NONE;
            blocks = false
        :: true
        fi;
        /* oak__enter */
        sb[m]!ENTERED(1);
look:
        if
        :: own[m] == OURS
        :: own[m] == NONE -> take_idle(m)
        :: own[m] == RETAKING ->
#ifndef TAKES_ON_MARK
            sb[m]!ENTERED(0);
            own[m] != RETAKING;
            sb[m]!ENTERED(1);
            goto look
#endif
        fi;
        p = m_p[m];
        atomic { assert(p != NIL); inside[p]++; assert(inside[p] == 1) }
        sb[m]!DATA(p);
        inside[p]--;
        if
        :: true
        :: rounds == 1 -> give_back(m); take_idle(m) /* it has searched, slept, and was woken */
        fi;
        sb[m]!ENTERED(0)
    :: else -> break
    od;
    left--
}

inline barrier()
{
#ifndef NO_BARRIER
    d_step {
        do
        :: sb[0]?ENTERED(value) -> entered[0] = value
        :: sb[0]?DATA(value)
        :: empty(sb[0]) -> break
        od;
        do
        :: sb[1]?ENTERED(value) -> entered[1] = value
        :: sb[1]?DATA(value)
        :: empty(sb[1]) -> break
        od;
        value = 0
    }
#else
    skip
#endif
}

/* oak__retake of p, and the hand-over to whoever looks for a P. */
inline retake(p)
{
    m = p_m[p];
    if
    :: m != NIL ->
#ifdef LOOKS_BEFORE_MARK
        barrier();
        value = entered[m];
#endif
        atomic {
            marked = (own[m] == OURS);
            if
#ifdef MARK_BY_STORE
            :: true -> marked = true; own[m] = RETAKING
#endif
            :: marked -> own[m] = RETAKING
            :: !marked
            fi
        }
        if
        :: marked ->
#ifndef LOOKS_BEFORE_MARK
            barrier();
            value = entered[m];
#endif
            if
#ifdef LOOKS_NOT_AGAIN
            :: value -> own[m] = OURS
            :: !value ->
#else
            :: value || m_p[m] != p -> own[m] = OURS
            :: !value && m_p[m] == p ->
#endif
                m_p[m] = NIL;
                p_m[p] = NIL;
                own[m] = NONE;
                idle[p] = true
            fi
        :: else
        fi
    :: else
    fi;
    value = 0;
    marked = false;
    m = 0
}

active proctype monitor()
{
    byte m, value, tries = 0;
    bool marked;
    do
    :: tries < TRIES -> tries++; retake(0)
    :: tries < TRIES -> tries++; retake(1)
    :: blocks && m_p[0] == 0 -> retake(0)
    :: blocks && m_p[0] == 1 -> retake(1)
    :: left == 0 -> break
    od
}

init
{
    atomic {
        m_p[1] = 1;
        p_m[1] = 1;
        run drain(0);
        run drain(1);
        run worker(0);
        run worker(1)
    }
}
