/* What waits in pipes, local sockets and requests: the kernel alone has it until it is read. */
#include "heldtest.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ends[2]; /* read here, write there */

static NOINLINE void put_message(size_t before, size_t after)
{
    char bytes[200] = {0};
    void *volatile mine = NULL;
    put_at(&mine);
    memcpy(bytes + before, (void *)(uintptr_t)&mine, sizeof mine);
    if (write(ends[1], bytes, before + sizeof mine + after) < 0)
        abort();
    mine = NULL;
    memset(bytes, 0, sizeof bytes);
    __asm__ volatile("" ::"r"(bytes) : "memory");
}

static void make_pipe(void)
{
    if (pipe2(ends, O_CLOEXEC))
        abort();
}

static void make_pair(int type)
{
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends))
        abort();
}

static void in_pipe(void)
{
    make_pipe();
    put_message(0, 0);
}

static void in_pipe_anywhere(void)
{
    make_pipe();
    for (int i = 0; i < 20; i++)
        if (write(ends[1], "1234567", 7) != 7)
            abort();
    put_message(3, 2);
}

static void in_full_pipe(void)
{
    static char many[60000];
    make_pipe();
    if (write(ends[1], many, sizeof many) != sizeof many)
        abort();
    put_message(1, 100);
}

static void in_stream(void)
{
    make_pair(SOCK_STREAM);
    if (write(ends[1], "12345", 5) != 5)
        abort();
    put_message(0, 1);
}

static void in_datagram(void)
{
    make_pair(SOCK_DGRAM);
    if (write(ends[1], "", 0) || write(ends[1], "12345", 5) != 5)
        abort();
    put_message(4, 4);
}

static void in_packet(void)
{
    make_pair(SOCK_SEQPACKET);
    if (write(ends[1], "12345", 5) != 5)
        abort();
    put_message(0, 0);
}

static void in_packet_behind_empty_ones(void)
{
    make_pair(SOCK_SEQPACKET);
    for (int i = 0; i < 70; i++)
        if (write(ends[1], "", 0))
            abort();
    put_message(0, 0);
}

static void close_both(void)
{
    close(ends[0]);
    close(ends[1]);
}

/* It is there still, whoever has looked at it. */
static void read_all(void)
{
    char c[100];
    size_t sum = 0;
    ssize_t n;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    while ((n = read(ends[0], c, sizeof c)) >= 0 || errno == EINTR)
        sum += (size_t)(n > 0 ? n : 0);
    memset(c, 0, sizeof c);
    __asm__ volatile("" ::"r"(c) : "memory");
    if (sum < sizeof(void *))
        abort();
    close_both();
}

/* Requests that the kernel has taken: their words are nowhere else. */
static unsigned long ring;
static void *volatile instead; /* where there is no such call */

static void in_requests(void)
{
    if (syscall(SYS_io_setup, 1, &ring))
        put_at(&instead);
}

static void end_requests(void)
{
    if (ring && syscall(SYS_io_destroy, ring))
        abort();
    instead = NULL;
}

int main(void)
{
    static const struct place places[] = {
        {"requests of io_submit", in_requests, end_requests, false},
        {"a pipe", in_pipe, read_all, false},
        {"anywhere in a pipe", in_pipe_anywhere, read_all, false},
        {"a pipe that is nearly full", in_full_pipe, read_all, false},
        {"a local stream", in_stream, read_all, false},
        {"a datagram behind others", in_datagram, read_all, false},
        {"a packet behind others", in_packet, read_all, false},
        {"a packet behind empty ones", in_packet_behind_empty_ones, read_all, false},
        {"a pipe that is closed", in_pipe, close_both, false},
    };
    return run_places(places, countof(places));
}
