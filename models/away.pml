/*
 * A stack that is put away and comes back: src/stack/away.h, src/stack/away.c.
 *
 * A goroutine parks and is resumed RESUMES times. The compactor holds it now and then and puts its stack away. Two others
 * touch a variable on that stack whenever they like. The page is what the kernel makes of it: present, write-protected, out of
 * reach, or a guard; a touch of a page that is neither present nor anything else finds zeros. Installing a guard
 * is two steps in the kernel, and begins anew when somebody has come in between.
 *
 * Shown: whoever reads the variable finds what was written last; the resumed goroutine finds its page in place; nobody waits for ever.
 *
 * cc: -DSAFETY -DCOLLAPSE
 * pan: -m100000
 * broken: NO_PROTECTION IN_REACH FILL_IN_TWO_STEPS RESUME_WITHOUT_WAITING CLAIM_WHILE_HELD FILL_TWICE
 */
#define RESUMES 2
#define TOUCHES 2

mtype = { IN, LEAVING, COPIED, AWAY, COMING, BACK };
mtype = { PARKED, HELD, RUNS, GONE };

mtype state = IN;    /* the slot's word */
mtype phase = PARKED;
bool no_sp = false;  /* g->sp == NULL */

bool present = true, protected = false, reach = true, guard = false;
byte page = 1, record = 0;
byte written = 1;    /* what was written to the variable last */

#define faults (!reach || guard || (present && protected))

/* UFFDIO_COPY over the guard. */
inline fill()
{
#ifdef FILL_IN_TWO_STEPS
    guard = false;
    atomic { present = true; page = record }
#else
    atomic { assert(guard && !present); guard = false; present = true; protected = false; page = record }
#endif
}

/* Until the stack is where it belongs. Where no case holds, it waits. */
inline settle()
{
    do
    :: atomic { state == IN || state == BACK -> break }
#ifdef FILL_TWICE
    :: state == AWAY -> state = COMING; fill(); state = BACK
#else
    :: atomic { state == AWAY -> state = COMING }
       fill();
       state = BACK
#endif
    od
}

proctype other()
{
    byte n = 0;
    bool fault;
    do
    :: n == TOUCHES -> break
    :: n < TOUCHES ->
       atomic {
           fault = faults;
           if
           :: fault
           :: else ->
              if
              :: !present -> present = true; page = 0
              :: else
              fi;
              assert(page == written);
              page++;
              written++;
              n++
           fi
       }
       if
       :: fault -> settle()
       :: else
       fi
    od
}

proctype compactor()
{
    do
    :: atomic { phase == PARKED -> phase = HELD }
       if
       :: state == IN || state == BACK ->
          state = LEAVING;
#ifndef NO_PROTECTION
          protected = true;
#endif
          record = page;
          state = COPIED;
#ifndef IN_REACH
          reach = false;
#endif
          /* MADV_GUARD_INSTALL */
          atomic { present = false; protected = false }
          do
          :: atomic { present -> present = false }
          :: atomic { !present -> guard = true; break }
          od;
          reach = true;
          no_sp = true;
          state = AWAY
       :: else
       fi;
       atomic {
           if
           :: phase == HELD -> phase = PARKED
           :: else
           fi
       }
    :: phase == GONE -> break
    od
}

proctype goroutine()
{
    byte n = 0;
    do
    :: n == RESUMES -> phase = GONE; break
    :: n < RESUMES ->
#ifdef CLAIM_WHILE_HELD
       atomic { phase == PARKED || phase == HELD -> phase = RUNS }
#else
       atomic { phase == PARKED -> phase = RUNS } /* a claimer that meets HELD spins */
#endif
       if
       :: no_sp ->
#ifdef RESUME_WITHOUT_WAITING
          if
          :: atomic { state == AWAY -> state = COMING }
             fill()
          :: state != AWAY
          fi;
#else
          settle();
#endif
          no_sp = false;
          state = IN
       :: else
       fi;
       atomic { assert(!faults && present && page == written); page++; written++ }
       n++;
       phase = PARKED
    od
}

init {
    atomic {
        run goroutine();
        run compactor();
        run other();
        run other()
    }
}
