#!/bin/sh
# Drives a hello server and prints its figures: requests a second, the 99th percentile of latency in ms, and the
# server's CPU time a request in us. The load shares the machine's cores with the server, as a user's would.
# http_idle holds 10,000 further connections open meanwhile and prints what each costs the server in bytes.
#
# usage: http.sh http|http_idle SECONDS HOLDER SERVER [ARGS...]
#        SERVER prints "port N", then serves until it is killed; HOLDER is the bench-idle program
set -u
LC_ALL=C
export LC_ALL
job=$1
seconds=$2
holder=$3
shift 3
idle=10000
tmp=$(mktemp -d)
server=
holding=
# The server's processes: nginx has workers.
servers() { echo "$server" $(cat /proc/"$server"/task/*/children 2>/dev/null); }
stop() {
    for pid in $holding ${server:+$(servers)}; do
        kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT TERM

fail() {
    echo "$*" >&2
    exit 1
}

# wait_for PID FILE PATTERN SECONDS: until the program has written such a line
wait_for() {
    for _ in $(seq $(($4 * 20))); do
        grep -qs "$3" "$2" && return 0
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

# CPU time of the server's threads so far, in clock ticks (the name before the fields may hold blanks).
ticks() {
    for pid in $(servers); do
        sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null
    done | awk '{ sum += $12 + $13 } END { if (NR) print sum }'
}
# What the server holds, in KiB: its pages and the tables that map them.
held() { awk '/^Vm(RSS|PTE):/ { kib += $2 } END { print kib }' "/proc/$server/status"; }

load() { wrk -t2 -c64 -d"$1"s --latency "http://127.0.0.1:$port/" >"$tmp/load" 2>&1; }

hold_idle() {
    before=$(held)
    "$holder" "$port" $idle >"$tmp/held" 2>"$tmp/held_err" &
    holding=$!
    wait_for $holding "$tmp/held" ready 20 || fail "$idle connections cannot be held: $(tail -1 "$tmp/held_err")"
    echo "http_idle_mem $((($(held) - before) * 1024 / idle))"
}

command -v wrk >/dev/null || fail "wrk is not installed (Debian package: wrk)"
ulimit -n "$(ulimit -Hn)"
"$@" >"$tmp/out" 2>"$tmp/err" &
server=$!
wait_for $server "$tmp/out" '^port [0-9]' 5 || fail "the server did not start: $(tail -1 "$tmp/err")"
port=$(sed -n 's/^port //p' "$tmp/out")

[ "$job" = http_idle ] && hold_idle
load 1
before=$(ticks)
load "$seconds" || fail "wrk failed: $(tail -1 "$tmp/load")"
after=$(ticks)
[ -n "$after" ] || fail "the server died under load: $(tail -1 "$tmp/err")"
[ -z "$holding" ] || kill -0 "$holding" 2>/dev/null || fail "the idle connections were dropped"

awk -v job="$job" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
    /Socket errors|Non-2xx/ { bad = $0 }
    / requests in / { requests = $1 }
    /^Requests\/sec:/ { rate = $2 }
    $1 == "99%" { p99 = $2 }
    END {
        if (bad != "" || requests < 1) {
            sub(/^ */, "", bad)
            print (bad != "" ? bad : "no request was answered") > "/dev/stderr"
            exit 1
        }
        scale = p99 ~ /us$/ ? 0.001 : p99 ~ /ms$/ ? 1 : 1000
        printf "%s %.0f\n%s_p99 %.6g\n%s_cpu %.6g\n", job, rate, job, p99 * scale, job, ticks / hz * 1e6 / requests
    }' "$tmp/load"
