#!/bin/bash
# The leaking gateway beside the repaired one, under the same load: what each costs, and what Oakum says about it.
#
# usage: demo.sh [BUILD]       BUILD: the build folder (build)
# DEMO_SECONDS (5): load for each variant
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=${1-$here/../../build}
seconds=${DEMO_SECONDS:-5}
gateway=$build/examples/gateway/gateway

fail() {
    echo "demo: $*" >&2
    exit 1
}
command -v wrk >/dev/null || fail "wrk is not installed (Debian package: wrk)"
command -v curl >/dev/null || fail "curl is not installed (Debian package: curl)"
[ -x "$gateway" ] || fail "$gateway is not there: build first (make build)"
case $seconds in '' | *[!0-9]* | 0) fail "DEMO_SECONDS must be a number of seconds, not '$seconds'" ;; esac

tmp=$(mktemp -d) || fail "no temporary folder"
declare -A pid port
children=()
clean_up() {
    trap - EXIT
    trap '' INT TERM HUP PIPE
    local p
    for p in "${children[@]}" "${pid[@]}"; do
        kill "$p" 2>/dev/null
    done
    for p in "${pid[@]}"; do
        for _ in {1..30}; do
            kill -0 "$p" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$p" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE

start() {
    "$gateway" "$1" >"$tmp/$1.out" 2>"$tmp/$1.err" &
    pid[$1]=$!
    for _ in {1..400}; do
        port[$1]=$(sed -n 's/^port \([0-9]*\)$/\1/p' "$tmp/$1.out")
        [ -n "${port[$1]}" ] && return
        kill -0 "${pid[$1]}" 2>/dev/null || break
        sleep 0.05
    done
    fail "the $1 gateway did not start: $(tail -1 "$tmp/$1.err")"
}

ask() { # VARIANT PATH [curl options]
    local variant=$1 path=$2
    shift 2
    curl -sS --fail --max-time 60 "$@" "http://127.0.0.1:${port[$variant]}$path" ||
        fail "the $variant gateway does not answer $path: $(tail -3 "$tmp/$variant.err")"
}

# Clients that keep asking; clients that give up before the gateway does; a crowd that leaves in the middle.
drive() {
    local url=http://127.0.0.1:${port[$1]}/ end=$((SECONDS + seconds)) half
    half=$(awk -v s="$seconds" 'BEGIN { print s / 2 }')
    wrk -t1 -c32 -d"${seconds}s" "$url" >"$tmp/$1.wrk" 2>&1 &
    local steady=$!
    timeout -s INT "$half" wrk -t1 -c64 -d"${seconds}s" "$url" >/dev/null 2>&1 &
    local crowd=$!
    while [ "$SECONDS" -lt "$end" ]; do
        curl -s --max-time 0.03 "$url" "$url" "$url" >/dev/null 2>&1
        sleep 0.02
    done &
    local impatient=$!
    children=("$steady" "$crowd" "$impatient")
    wait "$steady" || fail "wrk failed: $(tail -1 "$tmp/$1.wrk")"
    wait "$crowd" "$impatient" 2>/dev/null
    children=()
    grep -q 'requests in' "$tmp/$1.wrk" || fail "wrk got no answer from the $1 gateway: $(tail -1 "$tmp/$1.wrk")"
}

figure() { # VARIANT NAME
    awk -v n="$2" '$1 == n { print $2 }' "$tmp/$1.stats"
}

row() { # TITLE NAME
    printf '  %-34s %14s %14s\n' "$1" "$(figure leaky "$2")" "$(figure repaired "$2")"
}

for variant in leaky repaired; do
    start "$variant"
done
echo "Two gateways in front of a slow service, each under $seconds seconds of the same load: clients that keep asking,"
echo "clients that hang up after 30 ms, and a crowd that leaves half-way. One in ten answers comes too late for anybody."
echo
for variant in leaky repaired; do
    drive "$variant"
done
# What still runs has time to end: the service's slowest answer takes 300 ms.
sleep 1
for variant in leaky repaired; do
    ask "$variant" /stats >"$tmp/$variant.stats" || exit 1
    ask "$variant" /report >"$tmp/$variant.report" || exit 1
    ask "$variant" /leaks -D "$tmp/$variant.head" >"$tmp/$variant.leaks" || exit 1
    tr -d '\r' <"$tmp/$variant.head" | awk 'tolower($1) == "x-leaked:" { print "leaked", $2 }' >>"$tmp/$variant.stats"
    awk '$1 == "rss_kib" { printf "rss_mib %.1f\n", $2 / 1024 }' "$tmp/$variant.stats" >>"$tmp/$variant.stats"
done

printf '  %-34s %14s %14s\n' '' leaky repaired
row 'goroutines now' alive
row '    waiting' waiting
row 'goroutines created' created
row 'goroutines ended' ended
row 'memory, MiB' rss_mib
row 'requests' requests
row 'clients that hung up' hung_up
row 'goroutines PROVEN leaked' leaked
echo
echo '---- the leaky gateway: every goroutine, grouped'
cat "$tmp/leaky.report"
echo
echo '---- the leaky gateway: what will never run again, and why'
cat "$tmp/leaky.leaks"
