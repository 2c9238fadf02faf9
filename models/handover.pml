/*
 * Who holds P: src/sched/enter.c, src/sched/monitor.c.
 *
 * A worker says with m->inrt that it is in the runtime; it says so with a plain store, no fence (the store buffer
 * `sb`), and then looks at the word of its P. The monitor takes the P from a worker that has sat outside for too
 * long: it marks the word RETAKING, makes every thread pass a fence (membarrier), and only then looks at inrt.
 *
 * Shown: no two threads are ever in the runtime with the same P; a P's new holder sees all that the former one wrote
 * to it; a worker that wants a P gets one in the end (else: invalid end state).
 *
 * The word of a P names its holder. With a word that only says "owned", a worker may read it after its P was taken
 * and given to another, and take the other's "owned" for its own (STATE_WITHOUT_OWNER). A worker gives its P back by a
 * compare-and-swap, because the monitor may be between RETAKING and "back to you" (RELEASE_BY_STORE).
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: NO_BARRIER STATE_WITHOUT_OWNER RELEASE_BY_STORE
 */
#define WORKERS 2
#define ROUNDS  3

mtype = { INRT, DATA };

/* The one P's word: holder (IDLE: nobody) and the RETAKING mark. */
#define IDLE 255
byte holder = IDLE;
bool retaking = false;
bool has_p[WORKERS]; /* m->p != NULL */

bool inrt[WORKERS];
chan sb[WORKERS] = [4] of { mtype, bool }; /* stores on their way to memory */

/* The monitor looks TRIES times at random moments, and as often as needed at a worker that blocks in user code. */
#define TRIES 3
bool blocks = false; /* worker 0 sits in a call that ends when others have run: its P has to be taken */

byte inside = 0;  /* observed: threads in the runtime with this P */
byte left = WORKERS;

/* The processor of each worker writes its stores out, in order, when it likes. */
proctype drain(byte m)
{
    bool value;
end:
    do
    :: atomic { sb[m]?INRT(value) -> inrt[m] = value; value = false }
    :: atomic { sb[m]?DATA(value) -> value = false }
    od
}

/* A compare-and-swap empties the own store buffer first. */
inline fence(m)
{
    empty(sb[m])
}

/* IDLE -> held by me. */
inline take_idle(m)
{
    fence(m);
    atomic {
        holder == IDLE -> holder = m;
        has_p[m] = true;
        /* what the former holder wrote is in memory */
        assert(!(sb[1 - m]??[DATA(true)]))
    }
}

proctype worker(byte m)
{
    byte rounds = 0;
    bool mine;

    take_idle(m); /* it starts in the runtime, with inrt set by the one who made it */
    sb[m]!INRT(false);
    do
    :: rounds < ROUNDS ->
        rounds++;
        if
        :: m == 0 ->
            blocks = true;
            holder != m;
            blocks = false
        :: true
        fi;
        /* oak__enter */
        sb[m]!INRT(true);
#ifdef STATE_WITHOUT_OWNER
        mine = has_p[m];
        if
        :: mine -> !retaking; mine = (holder != IDLE)
        :: else
        fi;
#else
        atomic { !(holder == m && retaking) -> mine = (holder == m) } /* RETAKING: waits until that is decided */
#endif
        if
        :: !mine -> take_idle(m)
        :: else
        fi;
        mine = false;
        /* in the runtime, with the P */
        atomic { inside++; assert(inside == 1) }
        sb[m]!DATA(true);
        inside--;
        if
        :: sb[m]!INRT(false) /* oak__exit */
        :: /* no work: it gives the P back, waits a while, and looks for one again */
           fence(m);
#ifdef RELEASE_BY_STORE
           atomic { holder = IDLE; retaking = false; has_p[m] = false }
#else
           atomic { holder == m && !retaking -> holder = IDLE; has_p[m] = false }
#endif
           take_idle(m);
           sb[m]!INRT(false)
        fi
    :: else -> break
    od;
    /* The end: as a worker that goes to sleep. Enters once more and gives the P back if it still has it. */
    sb[m]!INRT(true);
    fence(m);
    if
    :: atomic { holder == m && !retaking -> holder = IDLE; has_p[m] = false }
    :: atomic { holder != m -> skip }
    fi;
    sb[m]!INRT(false);
    left--
}

active proctype monitor()
{
    byte m, i, tries = 0;
    bool value;
    do
    :: atomic {
            holder != IDLE && (tries < TRIES || (blocks && holder == 0)) ->
            m = holder;
            retaking = true;
            if
            :: tries < TRIES -> tries++
            :: else
            fi
        }
#ifndef NO_BARRIER
        i = 0;
        do
        :: i < WORKERS -> d_step {
                do
                :: sb[i]?INRT(value) -> inrt[i] = value
                :: sb[i]?DATA(value)
                :: empty(sb[i]) -> break
                od;
                i++
            }
        :: else -> break
        od;
        i = 0;
        value = false;
#endif
        if
        :: !inrt[m] ->
            has_p[m] = false;
            atomic { holder = IDLE; retaking = false } /* and wakes a worker that wants it */
        :: inrt[m] -> atomic { holder = m; retaking = false }
        fi;
        m = 0
    :: left == 0 && holder == IDLE -> break
    od
}

init
{
    atomic {
        inrt[0] = true;
        inrt[1] = true;
        run drain(0);
        run drain(1);
        run worker(0);
        run worker(1)
    }
}
