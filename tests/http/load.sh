#!/bin/bash
# usage: load.sh PROGRAM...     drives the server of load.c with curl, and with wrk if it is there
set -u
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; [ -z "${server-}" ] || kill "$server" 2>/dev/null' EXIT
mkfifo "$tmp/in"
"$@" <"$tmp/in" >"$tmp/out" &
server=$!
exec 5>"$tmp/in"
for _ in {1..200}; do
    port=$(sed -n 's/^port //p' "$tmp/out")
    [ -n "$port" ] && break
    kill -0 "$server" 2>/dev/null || fail "the server did not start"
    sleep 0.05
done
url=http://127.0.0.1:$port
get() { curl -sS --max-time 60 "$@"; }

# curl: keep-alive, methods, bodies of all framings, 100-continue, ranges of sizes
[ "$(get "$url/" "$url/" -w '%{num_connects}' -o /dev/null -o /dev/null)" = 10 ] || fail 'two requests, two connections'
[ "$(get -I "$url/" | tr -d '\r' | sed -n 's/^Content-Length: //p')" = 6 ] || fail HEAD
[ "$(get -0 "$url/")" = hello ] || fail 'HTTP/1.0'
[ "$(get -o /dev/null -w '%{http_code}' "$url/nowhere")" = 404 ] || fail 404
[ "$(get -o /dev/null -w '%{http_code}' -X POST "$url/")" = 405 ] || fail 405
for size in 0 1 4095 4096 4097 100000 5000000; do
    head -c "$size" /dev/urandom >"$tmp/body"
    for path in /echo /through; do
        get --data-binary "@$tmp/body" "$url$path" | cmp - "$tmp/body" || fail "$path with $size bytes"
        get -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/body" "$url$path" | cmp - "$tmp/body" ||
            fail "$path with $size bytes in chunks"
        get -H 'Expect: 100-continue' --data-binary "@$tmp/body" "$url$path" | cmp - "$tmp/body" ||
            fail "$path with $size bytes after 100 Continue"
    done
done

# clients that hang up; on a busy machine one may do so before it has asked
hung_up() {
    get "$url/stats" | sed -n 's/^hung_up //p'
}
for tried in 1 2 3 4 5 6 7 8 9 10; do
    curl -s --max-time "0.$tried" "$url/hang" && fail 'an answer from /hang'
    [ "$tried" -lt 5 ] || [ "$(hung_up)" -lt 5 ] || break
done
for _ in {1..100}; do
    [ "$(hung_up)" -ge 5 ] && break
    sleep 0.1
done
n=$(hung_up)
[ "$n" -lt 5 ] || [ "$n" -gt "$tried" ] && fail "$tried hang-ups, $n seen: $(get "$url/stats")"

if command -v wrk >/dev/null; then
    for path in / /slow; do
        wrk -t2 -c40 -d1s --timeout 30s "$url$path" >"$tmp/wrk" || fail "wrk: $(cat "$tmp/wrk")"
        grep -qE 'Socket errors|Non-2xx' "$tmp/wrk" && fail "wrk $path: $(cat "$tmp/wrk")"
        grep -q 'requests in' "$tmp/wrk" || fail "wrk $path: $(cat "$tmp/wrk")"
    done
    # a crowd that leaves in the middle
    timeout -s INT 0.5 wrk -t2 -c100 -d10s "$url/slow" >/dev/null 2>&1
else
    echo 'no wrk: the load is left out'
fi
for _ in {1..100}; do
    [ "$(get "$url/stats" | sed -n 's/^open //p')" = 1 ] && break
    sleep 0.1
done
[ "$(get "$url/stats" | sed -n 's/^open //p')" = 1 ] || fail "connections stay open: $(get "$url/stats")"
[ "$(get "$url/stats" | sed -n 's/^malformed //p')" = 0 ] || fail "refused requests: $(get "$url/stats")"

exec 5>&-
wait "$server" || fail "the server ended with $?"
server=
echo ok
