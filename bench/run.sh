#!/bin/bash
# Runs the benchmark jobs in turn with their Go twins and prints the medians and their ratios.
#
# usage: run.sh [--json] [--quick] [JOB...]     every job of jobs.txt without JOB
#
# Each job runs with 1 and with 2 procs, Oakum's run and Go's taking turns so that a change in the machine's
# mood meets both. ratio = go/oakum for what should be small, oakum/go for what should be large: more is
# better. A job that fails is a row that says so, and the exit status is then 1. Without a Go the rows have
# Oakum's figures alone.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=$root/build-bench
form=table
size=full
repeats=5

usage() {
    sed -n 's/^# usage: //p' "$0" >&2
    echo "jobs: $(jobs_of_table)" >&2
    exit 2
}
# The lines of jobs.txt that are jobs, not further figures of one.
table() { grep -v '^#' "$here/jobs.txt"; }
jobs_of_table() { table | awk '$4 != "from" { printf "%s ", $1 }'; }

chosen=
for word; do
    case $word in
    --json) form=json ;;
    --quick) size=quick repeats=3 ;;
    -*) usage ;;
    *)
        table | awk -v j="$word" '$1 == j && $4 != "from" { ok = 1 } END { exit !ok }' || usage
        chosen="$chosen $word"
        ;;
    esac
done
: "${chosen:=$(jobs_of_table)}"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
say() { echo "bench: $*" >&2; }

# The programs. What cannot be built is left out, and its rows tell why.
build_oakum() {
    if [ ! -f "$build/build.ninja" ]; then
        meson setup "$build" "$root" --buildtype=release -Dbench=true -Dtests=false -Dexamples=false || return 1
    fi
    ninja -C "$build" -k0 -j "$(nproc)"
}
build_go() {
    go=$("$here/get-go.sh") || return 1
    mkdir -p "$build" && GOFLAGS=-mod=mod GOTOOLCHAIN=local GOPROXY=off GOWORK=off \
        GOCACHE=$root/.cache/go-build "$go" build -C "$here/go" -o "$build/bench-go" .
}
oakum=$build/bench/oakbench
twin=$build/bench-go
if ! build_oakum >"$tmp/build" 2>&1 || [ ! -x "$oakum" ]; then
    say "Oakum was not built:"
    grep -m5 -iE "error|fatal" "$tmp/build" >&2 || tail -3 "$tmp/build" >&2
    oakum=
fi
build_go || { say "no Go twins: only Oakum is measured"; twin=; }
[ -n "$oakum$twin" ] || exit 1
machine="$(sed -n "s/^model name.*: //p" /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r)"
say "$repeats runs each; $machine${twin:+, $("$go" version | cut -d" " -f3)}"

at() {
    OAK_PROCS=$1 GOMAXPROCS=$1 timeout 120 "${@:2}" >"$tmp/out" 2>"$tmp/err"
}

# measure WHO PROGRAM JOB COUNT PROCS: one run. Its figures go to results as "who procs figure value"; a
# failure's reason to failures as "who<tab>procs<tab>job<tab>reason".
measure() {
    local who=$1 program=$2 job=$3 count=$4 procs=$5 rc
    if [ -z "$program" ]; then
        echo 'it was not built' >"$tmp/err"
        false
    elif [ "${job#http}" != "$job" ]; then
        at "$procs" "$here/http.sh" "$job" "$count" "$build/bench/bench-idle" "$program" http
    else
        at "$procs" "$program" "$job" "$count"
    fi
    rc=$?
    if [ $rc = 0 ]; then
        sed "s/^/$who $procs /" "$tmp/out" >>"$tmp/results"
        return 0
    fi
    printf '%s\t%s\t%s\t%s\n' "$who" "$procs" "$job" "$(reason $rc)" >>"$tmp/failures"
    return 1
}
reason() {
    local last
    last=$(tail -1 "$tmp/err" | tr '"\\\t' "'/ " | cut -c1-200)
    case $1 in
    124) echo "took too long" ;;
    13[2-9]) echo "killed by SIG$(kill -l $(($1 - 128))): $last" ;;
    *) echo "${last:-exit status $1}" ;;
    esac
}

# The job at one number of procs: runs in turn until each has its repeats or has failed once.
job_at() {
    local job=$1 count=$2 procs=$3 twin_of=$4 runs=$5 i mine=yes theirs=yes
    [ -n "$twin_of" ] || theirs=
    for ((i = 0; i < runs; i++)); do
        [ -n "$mine" ] && { measure oakum "$oakum" "$job" "$count" "$procs" || mine=; }
        [ -n "$theirs" ] && { measure go "$twin_of" "$job" "$count" "$procs" || theirs=; }
    done
}

# The rows of one job at one number of procs, from the results so far.
rows() {
    touch "$tmp/results" "$tmp/failures"
    table | awk -v job="$1" -v procs="$2" -v form=$form -v twins="$3" -f "$here/rows.awk" \
        "$tmp/results" "$tmp/failures" -
}

[ $form = table ] && awk -f "$here/rows.awk" -v form=head /dev/null
status=0
for job in $chosen; do
    read -r full quick procs < <(table | awk -v j="$job" '$1 == j { print $4, $5, $6 }')
    [ $size = full ] && count=$full || count=$quick
    if [ "$procs" = bare ]; then
        job_at "$job" "$count" 1 '' "$repeats"
        rows "$job" 1 "" || status=1
    else
        for n in ${procs//,/ }; do
            job_at "$job" "$count" "$n" "$twin" "$repeats"
            rows "$job" "$n" "$twin" || status=1
        done
    fi
done
exit $status
