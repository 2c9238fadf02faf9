/*
 * Every thread of the process brought to a stop for an instant, its registers in memory.
 *
 * A signal round: each thread but the caller's is sent a signal whose handler notes where the thread was and
 * sleeps until it is released. Internal to leak; one at a time (check.c sees to that).
 */
#ifndef OAK_LEAK_STOP_H
#define OAK_LEAK_STOP_H

#include "leak/image.h"

/*
 * Stops all threads. 0; -EAGAIN: one of them could not be stopped in time (it blocks even this signal, or sits in
 * the kernel), and all go on; other negative errno when /proc cannot be read. Until oak__stop_release the caller
 * must neither allocate nor take any lock: whoever is stopped may hold it.
 */
int oak__stop_all(int64_t limit);
void oak__stop_release(void);

/* While stopped, and in a clone made then: the others' threads. Never NULL entries; n is how many. */
size_t oak__stop_count(void);
void oak__stop_thread(size_t i, struct oak__thread *out);
/* Where all that is noted, and what knows where that is: a large block may end there. */
struct oak__span oak__stop_memory(void);
struct oak__span oak__stop_books(void);

#endif
