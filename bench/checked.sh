#!/bin/bash
# usage: bench/checked.sh [GOROUTINES [HEAP_BYTES [SECONDS]]]     (10000 100000000 5)
# What the clients of a server notice of leak checks: the latency of requests over 16 connections to a hello server beside so many
# parked goroutines and so large a heap, without checks, with one each second, and with ten, interleaved, three rounds; in
# microseconds.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit
goroutines=${1:-10000} heap=${2:-100000000} seconds=${3:-5}
build=build-bench
command -v wrk >/dev/null || { echo 'checked.sh: wrk is not installed (Debian package: wrk)' >&2; exit 1; }
[ -f $build/build.ninja ] || tools/meson-setup $build --buildtype=release -Dbench=true -Dtests=false -Dexamples=false >/dev/null || exit
tools/compile $build >/dev/null || exit
tmp=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill -9 "$server" && wait "$server"; } 2>/dev/null
    rm -rf "$tmp"
}
trap stop EXIT
cat >"$tmp/percentiles.lua" <<'LUA'
done = function(summary, latency)
    io.write(string.format("figures %d", summary.requests * 1e6 / summary.duration))
    for _, p in ipairs({50, 90, 99, 99.9, 99.99}) do
        io.write(string.format(" %d", latency:percentile(p)))
    end
    io.write(string.format(" %d\n", latency.max))
end
LUA

# one EVERY: a line of figures; EVERY in ms, or - for no checks
one() {
    local setting=()
    [ "$1" = - ] || setting=(OAKBENCH_CHECK="$1")
    env OAKBENCH_HEAP="$heap" "${setting[@]}" $build/bench/oakbench http_checked "$goroutines" >"$tmp/out" 2>"$tmp/err" &
    server=$!
    for _ in $(seq 600); do
        grep -qs '^port' "$tmp/out" && break
        kill -0 $server 2>/dev/null || { cat "$tmp/err" >&2; exit 1; }
        sleep 0.1
    done
    wrk -t1 -c16 -d"$seconds"s -s "$tmp/percentiles.lua" "http://127.0.0.1:$(sed -n 's/^port //p' "$tmp/out")/" | sed -n 's/^figures //p'
    kill -0 $server 2>/dev/null || { cat "$tmp/err" >&2; exit 1; }
    kill -9 $server
    wait $server 2>/dev/null
    server=
}

printf '%-16s %9s %8s %8s %8s %8s %8s %8s\n' checks req/s 50% 90% 99% 99.9% 99.99% most
for _ in 1 2 3; do
    for every in - 1000 100; do
        figures=$(one $every) || exit 1
        # shellcheck disable=SC2086 # words
        printf '%-16s %9s %8s %8s %8s %8s %8s %8s\n' "$([ $every = - ] && echo none || echo "each $every ms")" $figures
    done
done
