/* Goroutines on a descriptor, in a process that goes on. */
#include "inspect/print.h"
#include "inspect/report.h"
#include "inspect/walk.h"
#include "sched/inside.h"

void oak__pictures_take(struct oak__picture *list, int n)
{
    oak__text_refresh();
    oak__looking_begin();
    for (int i = 0; i < n; i++)
        list[i].there = oak__snapshot(list[i].g, list[i].id, OAK__VIEW_LIVE, &list[i].info, &list[i].strings);
    oak__looking_end();
}

void oak__picture_print(const struct oak__picture *p, int fd, const char *indent)
{
    struct oak__out o = OAK__OUT_FD(fd);
    const struct oak__style style = {.indent = indent, .now = oak_now(), .full = true};
    if (!p->there) {
        oak__outf(&o, "%sa goroutine that has just ended\n", indent);
        return;
    }
    oak__outf(&o, "%s", indent);
    oak__print_goroutine(&o, &style, &p->info);
    oak__outf(&o, "\n");
    oak__print_entry(&o, &style, &p->info, NULL);
}
