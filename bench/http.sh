#!/bin/sh
# Drives a hello server and prints its figures: requests a second, the 99th percentile of latency in ms, and
# the server's CPU time a request in us. The load shares the machine's cores with the server, as a user's
# would.
#
# usage: http.sh SECONDS SERVER [ARGS...]   SERVER prints "port N", then serves until it is killed
set -u
LC_ALL=C
export LC_ALL
seconds=$1
shift
tmp=$(mktemp -d)
server=
stop() {
    [ -n "$server" ] && kill -9 "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT TERM

fail() {
    echo "$*" >&2
    exit 1
}

# CPU time of the server's threads so far, in clock ticks (fields 14 and 15; the name before them may hold
# blanks)
ticks() { sed 's/.*) //' "/proc/$server/stat" 2>/dev/null | awk '{ print $12 + $13 }'; }

load() { wrk -t2 -c64 -d"$1"s --latency "http://127.0.0.1:$port/" >"$tmp/load" 2>&1; }

command -v wrk >/dev/null || fail "wrk is not installed (Debian package: wrk)"
"$@" >"$tmp/out" 2>"$tmp/err" &
server=$!
port=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    port=$(sed -n 's/^port \([0-9]*\)$/\1/p' "$tmp/out")
    [ -n "$port" ] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
[ -n "$port" ] || fail "the server did not start: $(tail -1 "$tmp/err")"

load 1
before=$(ticks)
load "$seconds" || fail "wrk failed: $(tail -1 "$tmp/load")"
after=$(ticks)
[ -n "$after" ] || fail "the server died under load: $(tail -1 "$tmp/err")"

awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
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
        printf "http %.0f\nhttp_p99 %.6g\nhttp_cpu %.6g\n", rate, p99 * scale, ticks / hz * 1e6 / requests
    }' "$tmp/load"
