#!/bin/bash
# Runs the jobs of the C and C++ libraries that a user might pick instead of Oakum, and prints one table.
#
# usage: run.sh NAME=SOURCES...      NAME: libdill neco libaco state-threads argobots libfiber (each with the folder of
#        its sources, which is copied before anything is built), boost-fiber (installed: boost-fiber=)
#
# Nothing is fetched. All run on one thread, as does Oakum (OAK_PROCS=1), in turn, five times; figures are the least
# (what disturbs a run only adds). A dash: the library has no such thing, or cannot do it with its default settings,
# for the reason below the table. In the environment: RUNS, and SCALE, the hundredths of the operations (100).
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
build=$root/build-bench
work=$build/peers
runs=${RUNS:-5}
scale=${SCALE:-100}
flags='-O3 -march=x86-64-v2 -DNDEBUG'
[ "$(uname -m)" = x86_64 ] || flags='-O3 -DNDEBUG'
mkdir -p "$work"
: >"$work/results"
: >"$work/failures"

fail() {
    echo "peers: $*" >&2
    exit 1
}

compile() { ${CC:-cc} $flags -w -o "$work/$1" -I"$work/src/$1" "$here/$1.c" "${@:2}"; }

build_libdill() {
    compile libdill -std=gnu11 -DDILL_THREADS -DDILL_SOCKETS -DHAVE_POSIX_MEMALIGN -DHAVE_MPROTECT -DHAVE_CLOCK_GETTIME \
        -DHAVE_EPOLL $(ls "$1"/*.c | grep -v /tls.c) "$1/dns/dns.c" -lpthread
}
build_neco() { compile neco -std=gnu11 "$1/neco.c" -lpthread -ldl; }
build_libaco() { compile libaco -std=gnu11 "$1/aco.c" "$1/acosw.S"; }
build_state_threads() {
    make -s -C "$1" linux-optimized EXTRA_CFLAGS="$flags -DMD_HAVE_EPOLL -w" >/dev/null &&
        compile state-threads -I"$1/obj" "$1/obj/libst.a"
}
build_argobots() {
    (cd "$1" && { [ -x configure ] || ./autogen.sh; } && [ -f Makefile ] ||
        ./configure --disable-shared --enable-perf-opt CFLAGS="$flags") >"$work/argobots.log" 2>&1 &&
        make -s -C "$1" -j "$(nproc)" >>"$work/argobots.log" 2>&1 &&
        compile argobots -I"$1/src/include" "$1/src/.libs/libabt.a" -lpthread -lm
}
# As its Makefile does on Linux: stacks that grow, where the compiler knows them.
build_libfiber() {
    local split='-DFIBER_STACK_MMAP'
    echo 'int i;' | ${CC:-cc} -xc -fsplit-stack -c -o /dev/null - 2>/dev/null && split='-fsplit-stack -DFIBER_STACK_SPLIT'
    compile libfiber -std=gnu11 $split -pthread -D_REENTRANT -DFIBER_FAST_SWITCHING -I"$1/include" \
        $(ls "$1"/src/*.c | grep -vE 'event_ev|scheduler_dist') -ldl -lm -lrt
}
build_boost_fiber() { ${CXX:-c++} $flags -w -o "$work/boost-fiber" "$here/boost-fiber.cpp" -lboost_fiber -lboost_context; }

version_of() {
    if [ "$1" = boost-fiber ]; then
        echo '#include <boost/version.hpp>
        BOOST_LIB_VERSION' | ${CXX:-c++} -E -x c++ - | tail -1 | tr -d '" ' | tr _ .
    else
        git -C "$2" describe --tags 2>/dev/null || git -C "$2" log -1 --format='%h of %cs' 2>/dev/null || echo unknown
    fi
}

# run NAME PROGRAM JOB COUNT: a line "name job value peak"
run() {
    local name=$1 job=$3
    local rc=0
    OAK_PROCS=1 timeout 60 "$2" "$job" "$4" >"$work/out" 2>"$work/err" || rc=$?
    if [ $rc = 0 ]; then
        awk -v n="$name" -v j="$job" '$1 == j { print n, j, $2, $3 } $1 == "skynet_peak" { print n, "peak", $2, 0 }' \
            "$work/out" >>"$work/results"
        return
    fi
    grep -q 'no such job' "$work/err" ||
        echo "$name: $job: $(tail -1 "$work/err" | cut -c1-100) (status $rc)" >>"$work/failures"
}

[ -x "$build/bench/oakbench" ] || fail "oakbench is not there; bench/run.sh --quick switch builds it"
names=
for arg; do
    name=${arg%%=*} source=${arg#*=}
    case $name in
    libdill | neco | libaco | state-threads | argobots | libfiber)
        [ -d "$source" ] || fail "$name: no folder $source"
        mkdir -p "$work/src"
        [ -d "$work/src/$name" ] || cp -r "$source" "$work/src/$name" ;;
    boost-fiber) ;;
    *) sed -n 's/^# usage: //p' "$0" >&2 && exit 2 ;;
    esac
    "build_${name//-/_}" "$work/src/$name" || fail "$name cannot be built"
    version_of "$name" "$source" >"$work/$name.version"
    names="$names $name"
done

for _ in $(seq "$runs"); do
    while read -r job count; do
        [ "$job" = skynet ] || [ "$job" = parked ] || count=$((count * scale / 100))
        for name in oakum $names; do
            [ "$name" = oakum ] && program=$build/bench/oakbench || program=$work/$name
            run "$name" "$program" "$job" "$count"
        done
    done <<END
yield 5000000
spawn 2000000
pingpong 3000000
buffered 10000000
skynet 1000000
parked 100000
END
done

echo "flags: $flags; $(${CC:-cc} --version | head -1); $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
echo '| library | version | yield, ns | spawn, ns | pingpong, ns | buffered, ns | skynet, ms | its peak, MiB | parked, bytes each of 100,000 |'
echo '|---|---|---|---|---|---|---|---|---|'
for name in oakum $names; do
    awk -v n="$name" -v version="$(cat "$work/$name.version" 2>/dev/null || git -C "$root" describe --always)" '
        function least(j) {
            return j in value ? sprintf(value[j] < 100 ? "%.1f" : "%.0f", value[j]) : "-"
        }
        function take(j, v) {
            if (!(j in value) || v < value[j])
                value[j] = v
        }
        $1 == n {
            take($2, $3)
            if ($2 == "skynet" && $4)
                take("peak", $4 / 1024)
        }
        END {
            printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", n, version, least("yield"), least("spawn"),
                least("pingpong"), least("buffered"), least("skynet"), least("peak"), least("parked")
        }' "$work/results"
done
sort -u "$work/failures"
