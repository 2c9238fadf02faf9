#!/bin/bash
# Measures what an operation costs against how many goroutines, channels, timers or threads there are, and draws it.
#
# usage: growth.sh [PLOT...]     goroutines, select, timers, threads; all of them without PLOT
#
# docs/plots/PLOT.tsv gets the least of some runs (series, x, nanoseconds: what
# disturbs a run only adds), docs/plots/PLOT.svg the drawing of it
# (plot.awk). The programs are those that run.sh builds. Wants a quiet machine and, for a million goroutines, 6 GB.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
out=$(dirname "$here")/docs/plots
program=$(dirname "$here")/build-bench/bench/oakbench
repeats=3

# measure SERIES JOB COUNT PROCS X: a line "series x least"
measure() {
    for _ in $(seq $repeats); do
        OAK_PROCS=$4 timeout 300 "$program" "$2" "$3"
    done | awk -v job="$2" '$1 == job { print $2 }' | sort -g |
        awk -v s="$1" -v x="$5" 'NR == 1 { printf "%s\t%s\t%.5g\n", s, x, $1 } END { if (!NR) exit 1 }'
}

# sizes MOST: 1, 3, 10, 30 ... MOST
sizes() { awk -v most="$1" 'BEGIN { for (x = 1; x <= most; x *= 10) { print x; if (3 * x <= most) print 3 * x } }'; }

over_sizes() {
    local most=$1 job n
    shift
    for n in $(sizes "$most"); do
        for job; do
            measure "$job" "$job" "$n" 1 "$n"
        done
    done
}

goroutines() { over_sizes 1000000 grow_yield grow_park; }
select_() { over_sizes 10000 grow_select grow_select_ready; }
timers() { over_sizes 1000000 grow_timers grow_fire; }
threads() {
    local n
    for n in $(seq $((2 * $(nproc)))); do
        measure yield yield 4000000 "$n" "$n"
        measure spawn spawn 1000000 "$n" "$n"
        measure buffered buffered 4000000 "$n" "$n"
        measure mutex mutex 4000000 "$n" "$n"
    done
}

[ -x "$program" ] || { echo "growth: $program is not there; bench/run.sh --quick switch builds it" >&2; exit 1; }
mkdir -p "$out"
for plot in "${@:-goroutines select timers threads}"; do
    for one in $plot; do
        case $one in
        goroutines | timers | threads) "$one" >"$out/$one.tsv.new" ;;
        select) select_ >"$out/$one.tsv.new" ;;
        *) sed -n 's/^# usage: //p' "$0" >&2 && exit 2 ;;
        esac
        mv "$out/$one.tsv.new" "$out/$one.tsv"
        awk -v plot="$one" -v cores="$(nproc)" -f "$here/plot.awk" "$out/$one.tsv" >"$out/$one.svg"
        echo "docs/plots/$one.svg" >&2
    done
done
