#!/bin/bash
# The http job of Oakum beside Go's and nginx's, in turn, with as many procs or workers each: medians.
#
# usage: http-beside.sh [RUNS [SECONDS]]      run.sh builds the programs
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=$(dirname "$here")/build-bench
runs=${1:-5}
seconds=${2:-4}
n=$(nproc)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# one WHO SERVER...
one() {
    local who=$1
    shift
    OAK_PROCS=$n GOMAXPROCS=$n "$here/http.sh" http "$seconds" "$build/bench/bench-idle" "$@" |
        sed "s/^/$who /" >>"$tmp/results"
}
for _ in $(seq "$runs"); do
    one oakum "$build/bench/oakbench" http
    one go "$build/bench-go" http
    one nginx "$here/nginx.sh" "$n" "$tmp/nginx"
done
nginx -v 2>&1 | sed 's/.*: //'
printf '%-8s %10s %10s %10s\n' server req/s 'p99 ms' 'cpu us/req'
for who in oakum go nginx; do
    for figure in http http_p99 http_cpu; do
        awk -v w=$who -v f=$figure '$1 == w && $2 == f { print $3 }' "$tmp/results" | sort -g |
            awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
    done | tr '\n' ' ' | awk -v w=$who '{ printf "%-8s %10.0f %10.2f %10.2f\n", w, $1, $2, $3 }'
done
