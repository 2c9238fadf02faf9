/*
 * Alone: src/sched/alone.h.
 *
 * A goroutine adds to a word, some rounds, by plain stores while it is alone; two plain threads come, and add by atomic
 * operations. The processor may delay the goroutine's stores (the store buffer `sb`); a barrier of another thread (membarrier)
 * empties it.
 *
 * Shown: nothing that was added is lost; everybody gets on (else: invalid end state).
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: NO_BARRIER NO_WAIT LOOKS_BEFORE_ENTERING COMING_IS_HERE
 */
#define ROUNDS 3

mtype = { NONE, COMING, HERE };
mtype = { ENTERED, WORD };

mtype company = NONE;
bool entered = false;             /* as memory shows it, like the word */
byte word = 0;
byte pending = 0;                 /* stores to the word in the buffer: the goroutine sees the newest of these first */
byte done = 0;

chan sb = [6] of { mtype, byte }; /* the goroutine's stores on their way to memory, in order */

active proctype drain()
{
    byte value;
end:
    do
    :: atomic { sb?ENTERED(value) -> entered = value; value = 0 }
    :: atomic { sb?WORD(value) -> word = value; pending--; value = 0 }
    od
}

active proctype goroutine()
{
    byte rounds = 0, newest = 0;
    bool alone;

    do
    :: rounds < ROUNDS ->
        rounds++;
#ifdef LOOKS_BEFORE_ENTERING
        alone = (company == NONE);
#endif
        sb!ENTERED(true);
#ifndef LOOKS_BEFORE_ENTERING
        alone = (company == NONE);
#endif
        if
        :: alone ->
            atomic {
                if
                :: pending == 0 -> newest = word
                :: else
                fi
            };
            atomic { newest++; sb!WORD(newest); pending++ };
            sb!ENTERED(false)
        :: else ->
            sb!ENTERED(false);
            atomic { empty(sb) -> word++ }
        fi
    :: else -> break
    od;
    atomic { empty(sb) -> done++ }
}

active [2] proctype plain_thread()
{
    if
    :: company == HERE
#ifdef COMING_IS_HERE
    :: company == COMING
#endif
    :: company != HERE ->
        atomic {
            if
            :: company == NONE -> company = COMING
            :: else
            fi
        };
#ifndef NO_BARRIER
        empty(sb);
#endif
#ifndef NO_WAIT
        !entered;
#endif
        company = HERE
    fi;
    atomic { word++; done++ }
}

/* When all have done theirs. */
active proctype observer()
{
    done == 3 -> assert(word == ROUNDS + 2)
}
