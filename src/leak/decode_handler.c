/*
 * Whether a thread is in the handler of a signal.
 *
 * A handler is the program's, whatever it has interrupted: what is on its stack counts, even on a thread that does nothing but
 * schedule. And where it runs on a stack of its own, which may be a part of the thread's, what it has interrupted may lie below
 * the stack pointer. A handler returns to two instructions that all C libraries and the kernel have alike, since debuggers and unwinders
 * know signal frames by them; so their address stands on its stack for as long as it runs.
 */
#include "leak/decode.h"

#if defined(__x86_64__)
static const unsigned char to_return[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
#elif defined(__aarch64__)
static const unsigned char to_return[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4};
#endif

static bool returns_from_signal(const struct decode *d, uintptr_t a)
{
    const uint32_t code = OAK__MAP_READ | OAK__MAP_CODE;
    const struct oak__mapping *m = oak__image_mapping(d->img, a);
    unsigned char at[sizeof to_return];
    if (!m || (m->flags & code) != code || m->hi - a < sizeof at)
        return false;
    bool there = d->img->code ? d->img->code(d->img, a, at, sizeof at) : image_copy(d->img, a, at, sizeof at);
    return there && memcmp(at, to_return, sizeof at) == 0;
}

/* Whether the kernel's frame of a signal follows: sigaction(2) leaves the same address on stacks. */
static bool is_frame(const struct decode *d, uintptr_t a)
{
#if defined(__x86_64__)
    enum { FLAGS = 8, SEGMENTS = 192, USER_CODE = 0x33, MOST_FLAGS = 255 };
    return image_word(d->img, a + FLAGS) <= MOST_FLAGS &&
           (image_word(d->img, a + SEGMENTS) & 0xffff) == USER_CODE;
#else
    (void)d, (void)a; /* the address is in a register there, and then in the handler's frame */
    return true;
#endif
}

bool oak__decode_in_handler(const struct decode *d, uintptr_t sp, uintptr_t hi)
{
    const struct oak__mapping *m = oak__image_mapping(d->img, sp);
    if (!m)
        return false;
    uintptr_t last = 0;
    for (uintptr_t a = round_up(sp, (uintptr_t)8), end = hi < m->hi ? hi : m->hi; a + 8 <= end; a += 8) {
        const uintptr_t w = image_word(d->img, a);
        /* The signal that stops all threads leaves its frames behind, below what it has interrupted. */
        if (w == last || w == d->t->stop_return || w - m->lo < m->hi - m->lo)
            continue;
        if (!returns_from_signal(d, w))
            last = w;
        else if (is_frame(d, a))
            return true;
    }
    return false;
}
