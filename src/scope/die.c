/* The end of a process by an unrecovered panic. */
#include "base/atomic.h"
#include "inspect/out.h"
#include "inspect/report.h"
#include "scope/last_words.h"
#include "scope/panic.h"

#include <stdlib.h>
#include <unistd.h>

void oak__last_words(void)
{
    static _Atomic bool taken;
    if (swap_seq(&taken, true))
        for (;;)
            pause();
}

/* The oldest first, each later one below what it replaced. */
static void say(struct oak__out *o, const struct oak__panic *p)
{
    if (p->replaced)
        say(o, p->replaced);
    oak__outf(o, "%spanic: %s\n", p->replaced ? "\t" : "", p->info.message);
}

void oak__panic_die(const struct oak__panic *p)
{
    struct oak__out o = OAK__OUT_FD(STDERR_FILENO);
    oak__last_words();
    say(&o, p);
    oak__outf(&o, "\n");
    oak__report_crash(STDERR_FILENO, NULL);
    abort();
}
