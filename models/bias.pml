/*
 * Sections of a P: src/sched/inside.h, src/sync/chan_lock.h.
 *
 * Two channels that one P owns. A goroutine is parked in a select over both: its wait may be claimed through either, by
 * plain stores while nobody else may interfere. The owner works on channel A, some rounds. A stranger wants A, another
 * one wants B (and claims the wait through it), a looker takes the parked goroutine's stack for a look. The processor may
 * delay the owner's stores (the store buffer `sb`); a barrier of another thread (membarrier) empties it.
 *
 * Shown: the owner in a section and a stranger with the lock are never at A together, and the stranger sees all that the
 * owner did; the wait is claimed once; nobody claims it while its stack is held; everybody gets on (else: invalid end
 * state).
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: NO_BARRIER NO_WAIT LOOKS_BEFORE_SECTION LOOKER_WITHOUT_BARRIER SOLE_STAYS SOLE_WITHOUT_SECOND_WAIT
 */
#define ROUNDS 3

mtype = { INSIDE, WAIT, DATA };
mtype = { PARKED, CLAIMED, HELD };

bool owned_a = true, owned_b = true; /* owner == our P */
bool lock_a = false;
bool sole = true;                    /* of the waiters in both queues */
byte lookers = 0;
byte inside = 0;                     /* odd: in a section. As memory shows it */
mtype wait = PARKED;

chan sb = [6] of { mtype, byte };    /* the owner's stores on their way to memory, in order */

byte claims = 0;                     /* observed */
bool owner_at_a = false;             /* observed */

active proctype drain()
{
    byte value;
end:
    do
    :: atomic { sb?INSIDE(value) -> inside = value; value = 0 }
    :: atomic { sb?WAIT(value) -> wait = CLAIMED; value = 0 }
    :: atomic { sb?DATA(value) -> value = 0 }
    od
}

/* A barrier that another thread asks for: the owner's stores are in memory. */
inline heavy_fence() { empty(sb) }

/* A compare-and-swap: of the owner (which empties its buffer first), or of others. */
inline claim_by_cas(own)
{
    do
    :: atomic { (!own || empty(sb)) && wait == PARKED -> wait = CLAIMED; claims++; assert(claims == 1); break }
    :: atomic { (!own || empty(sb)) && wait == CLAIMED -> break }
    od /* HELD: a moment */
}

/* oak__inside_wait */
inline section_ends(seen)
{
#ifndef NO_BARRIER
    heavy_fence();
#endif
#ifndef NO_WAIT
    seen = inside;
    if
    :: seen % 2 == 1 -> inside != seen
    :: else
    fi;
    seen = 0
#endif
}

/* oak__wait_claim_inside, and if that does not do the slow way */
inline claim_inside()
{
    if
    :: !sole || lookers != 0 || wait != PARKED -> claim_by_cas(true)
    :: else ->
        if
        :: sole -> /* three loads, one after the other */
            if
            :: lookers == 0 ->
                if
                :: wait == PARKED -> sb!WAIT(0); claims++; assert(claims == 1)
                :: else -> claim_by_cas(true)
                fi
            :: else -> claim_by_cas(true)
            fi
        :: else -> claim_by_cas(true)
        fi
    fi
}

active proctype owner()
{
    byte rounds = 0;
    byte count = 0;
    bool queued = true; /* the waiter, in A's queue: as the owner sees it */
    bool mine;

    do
    :: rounds < ROUNDS ->
        rounds++;
#ifdef LOOKS_BEFORE_SECTION
        mine = owned_a;
#endif
        count++;
        sb!INSIDE(count);
#ifndef LOOKS_BEFORE_SECTION
        mine = owned_a;
#endif
        if
        :: mine ->
            owner_at_a = true;
            if
            :: queued -> claim_inside(); queued = false
            :: queued /* does something else this time */
            :: !queued
            fi;
            sb!DATA(0);
            owner_at_a = false
        :: else
        fi;
        count++;
        sb!INSIDE(count);
        if
        :: !mine ->
            atomic { empty(sb) && !lock_a -> lock_a = true };
            if
            :: queued -> claim_by_cas(true); queued = false
            :: !queued
            fi;
            lock_a = false /* release: its stores before are in order */
        :: else
        fi
    :: else -> break
    od
}

/* Works on A. */
active proctype stranger()
{
    byte seen;

    atomic { !lock_a -> lock_a = true };
    if
    :: owned_a -> owned_a = false; section_ends(seen)
    :: else
    fi;
    assert(!owner_at_a);
    assert(!(sb??[DATA(0)]));
    assert(!owner_at_a);
    lock_a = false
}

/* Ends the wait through B. */
active proctype stranger_b()
{
    byte seen;

    owned_b = false;
    section_ends(seen);
#ifndef SOLE_STAYS
    sole = false;
    #ifndef SOLE_WITHOUT_SECOND_WAIT
    section_ends(seen);
    #endif
#endif
    claim_by_cas(false)
}

active proctype looker()
{
    byte seen;
    bool held = false;

    lookers++;
#ifdef LOOKER_WITHOUT_BARRIER
    skip;
#else
    section_ends(seen);
#endif
    atomic {
        if
        :: wait == PARKED -> wait = HELD; held = true
        :: else
        fi
    }
    if
    :: held ->
        assert(wait == HELD);
        atomic { assert(wait == HELD); wait = PARKED }
    :: else
    fi;
    lookers--
}
