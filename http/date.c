/* The Date line: made once a second and connection. */
#include "conn.h"

#include <stdio.h>
#include <time.h>

const char *oak__http_date_line(struct http_conn *c)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    if (now == c->w->date_second)
        return c->w->date;
    struct tm t;
    gmtime_r(&now, &t);
    /* Not strftime: its names are those of the program's locale. The remainders tell the compiler the widths.
     */
    snprintf(c->w->date, sizeof c->w->date, "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n",
             days[t.tm_wday % 7], (unsigned)t.tm_mday % 100, months[t.tm_mon % 12],
             ((unsigned)t.tm_year + 1900) % 10000, (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100,
             (unsigned)t.tm_sec % 100);
    c->w->date_second = now;
    return c->w->date;
}
