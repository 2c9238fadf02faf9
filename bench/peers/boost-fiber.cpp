// Boost.Fiber: one thread (its default scheduler).
#include "peer.h"

#include <boost/fiber/all.hpp>
#include <vector>

namespace fibers = boost::fibers;
template <typename T> using unbuffered = fibers::unbuffered_channel<T>;

static void job_yield(long count)
{
    std::vector<fibers::fiber> all;
    for (int i = 0; i < PEER_YIELDERS; i++)
        all.emplace_back([count] {
            for (long j = 0; j < count / PEER_YIELDERS; j++)
                boost::this_fiber::yield();
        });
    for (auto &f : all)
        f.join();
}

static void job_spawn(long count)
{
    for (long i = 0; i < count / PEER_BATCH; i++) {
        fibers::fiber all[PEER_BATCH];
        for (auto &f : all)
            f = fibers::fiber([] {});
        for (auto &f : all)
            f.join();
    }
}

static void job_pingpong(long count)
{
    unbuffered<int> ping, pong;
    fibers::fiber partner([&] {
        int value;
        while (ping.pop(value) == fibers::channel_op_status::success)
            pong.push(value + 1);
    });
    int value = 0;
    for (long i = 0; i < count / 2; i++) {
        ping.push(value);
        pong.pop(value);
    }
    ping.close();
    partner.join();
}

static void job_buffered(long count)
{
    fibers::buffered_channel<int> values{PEER_BUFFER};
    fibers::fiber sender([&] {
        for (long i = 0; i < count; i++)
            values.push((int)i);
        values.close();
    });
    int value;
    long received = 0;
    while (values.pop(value) == fibers::channel_op_status::success)
        received++;
    sender.join();
    if (received != count)
        peer_fail("buffered: lost values");
}

static void node(unbuffered<long> &up, long number, long size)
{
    if (size == 1) {
        up.push(number);
        return;
    }
    unbuffered<long> children;
    fibers::fiber all[10];
    long sum = 0, value = 0;
    for (int i = 0; i < 10; i++)
        all[i] = fibers::fiber(
            [&children, number, size, i] { node(children, number + i * (size / 10), size / 10); });
    for (int i = 0; i < 10; i++) {
        children.pop(value);
        sum += value;
    }
    for (auto &f : all)
        f.join();
    up.push(sum);
}

static void job_skynet(long count)
{
    unbuffered<long> root;
    long sum = 0;
    fibers::fiber top([&] { node(root, 0, count); });
    root.pop(sum);
    top.join();
    peer_check_sum(sum, count);
}

static void job_parked(long count)
{
    fibers::mutex lock;
    fibers::condition_variable gate;
    long started = 0;
    for (long i = 0; i < count; i++)
        fibers::fiber([&] {
            std::unique_lock<fibers::mutex> held(lock);
            started++;
            gate.wait(held);
        }).detach();
    while (started < count)
        boost::this_fiber::yield();
    peer_all_parked(count);
    printf(" %.0f\n", peer_status("VmHWM:", "VmHWM:") / 1024);
    fflush(stdout);
    _Exit(0);
}

int main(int argc, char **argv)
{
    static const struct peer_job jobs[] = {{"yield", job_yield},       {"spawn", job_spawn},
                                           {"pingpong", job_pingpong}, {"buffered", job_buffered},
                                           {"skynet", job_skynet},     {"parked", job_parked},
                                           {nullptr, nullptr}};
    peer_run(jobs, argc, argv);
    return 0;
}
