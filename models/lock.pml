/*
 * The runtime's own lock: src/base/lock.h, src/base/lock.c.
 *
 * Three threads lock and unlock, each ROUNDS times; spinning is left out, so whoever does not get the lock at once goes to
 * sleep. The processor may delay the store that unlocks (`late`) past the load of the count of sleepers: the unlocker has no
 * fence. The last one to hold the lock frees the memory in which it lies.
 *
 * Shown: one holder at a time; nobody sleeps for ever (else: invalid end state); nobody touches the lock after it was freed.
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m200000
 * broken: NO_HEAVY_FENCE COUNTS_TOO_LATE LOOKS_BEFORE_STORE SLEEPERS_IN_LOCK WAKES_BEFORE_STORE
 * broken: KERNEL_WITHOUT_BARRIER
 */
#define THREADS 3
#define ROUNDS  2

bool word = false;       /* as memory shows it */
bool late[THREADS];      /* word = 0 is on its way from this thread's processor */
byte sleepers = 0;       /* in the table, not in the lock */
bool asleep[THREADS];    /* in the kernel */
byte inside = 0;         /* observed */
byte left = THREADS * ROUNDS;
bool freed = false;      /* observed */

inline store_arrives(i)
{
    assert(!freed);
    word = false;
    late[i] = false
}

active proctype drain()
{
end:
    do
    :: atomic { late[0] -> store_arrives(0) }
    :: atomic { late[1] -> store_arrives(1) }
    :: atomic { late[2] -> store_arrives(2) }
    od
}

/* membarrier(2): every processor has written what it had stored. */
inline heavy_fence()
{
    d_step {
        if :: late[0] -> store_arrives(0) :: else fi;
        if :: late[1] -> store_arrives(1) :: else fi;
        if :: late[2] -> store_arrives(2) :: else fi
    }
}

/* A compare-and-swap waits for the own processor's stores. */
inline try_lock()
{
    atomic { !late[_pid - 1] -> assert(!freed); got = !word; word = true }
}

/* The kernel looks at the word and goes to sleep in one step, as seen by who wakes. */
inline futex_wait()
{
    atomic {
        if
        :: word -> asleep[_pid - 1] = true
        :: else
        fi
    }
    !asleep[_pid - 1]
}

/* futex(2) wakes behind a full barrier of its own (in the kernel: before it looks for waiters). */
inline futex_wake()
{
#ifndef KERNEL_WITHOUT_BARRIER
    !late[_pid - 1];
#endif
    atomic {
        if
        :: asleep[0] -> asleep[0] = false
        :: asleep[1] -> asleep[1] = false
        :: asleep[2] -> asleep[2] = false
        :: !asleep[0] && !asleep[1] && !asleep[2]
        fi
    }
}

inline lock_slow()
{
#ifndef COUNTS_TOO_LATE
    sleepers++;
#endif
    do
    :: try_lock();
        if
        :: got -> break
        :: else
        fi;
#ifndef NO_HEAVY_FENCE
        heavy_fence();
#endif
#ifdef COUNTS_TOO_LATE
        sleepers++;
#endif
        futex_wait();
#ifdef COUNTS_TOO_LATE
        sleepers--
#endif
    od;
#ifndef COUNTS_TOO_LATE
    sleepers--
#endif
}

inline look_for_sleepers()
{
#ifdef SLEEPERS_IN_LOCK
    assert(!freed);
#endif
    some = (sleepers != 0)
}

inline unlock()
{
#ifdef LOOKS_BEFORE_STORE
    look_for_sleepers();
    late[_pid - 1] = true;
#else
  #ifdef WAKES_BEFORE_STORE
    look_for_sleepers();
    if
    :: some -> futex_wake()
    :: else
    fi;
    some = false;
    late[_pid - 1] = true;
  #else
    late[_pid - 1] = true;
    look_for_sleepers();
  #endif
#endif
    if
    :: some -> futex_wake()
    :: else
    fi;
    some = false
}

/* The drain is process 0, so these are 1 to THREADS. */
active [THREADS] proctype thread()
{
    byte rounds = 0;
    bool got, some, last = false;

    do
    :: rounds < ROUNDS ->
        rounds++;
        try_lock();
        if
        :: !got -> lock_slow()
        :: else
        fi;
        got = false;
        atomic { inside++; assert(inside == 1) }
        left--;
        last = (left == 0);
        inside--;
        if
        :: last -> freed = true; break /* it knows that nobody else will come */
        :: else -> unlock()
        fi
    :: else -> break
    od
}
