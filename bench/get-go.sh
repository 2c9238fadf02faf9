#!/bin/sh
# Prints the path of a Go compiler (1.22 or newer) for the twins that the benchmarks compare with.
#
# Looked for, in order: $OAK_GO, PATH, the versioned folders of Debian's packages, the checkout's own
# .cache/go. Where there is none, the newest Go of Debian's backports is fetched and unpacked into .cache/go.
# Nothing is installed: a private apt configuration (own sources, lists and caches under .cache) asks the
# mirror that this machine already uses, so it works without root and leaves the system's own package state
# alone.
#
# usage: get-go.sh [--no-fetch]      stdout: the path; stderr: what was done; exit 1: no Go can be had
set -u
LC_ALL=C
export LC_ALL
root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/.cache
goroot=$cache/go
least=22
suite=trixie-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "get-go: $*" >&2; }
fail() {
    say "no Go: $*"
    exit 1
}

# new_enough GO: it runs and is go1.$least or newer (development builds count as new)
new_enough() {
    version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null) || return 1
    case $version in *devel*) return 0 ;; esac
    minor=$(echo "$version" | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge "$least" ]
}

found() {
    echo "$1"
    exit 0
}

look() {
    for go in "${OAK_GO:-}" "$(command -v go)" "$goroot/bin/go" /usr/local/go/bin/go /usr/lib/go-1.*/bin/go; do
        if [ -n "$go" ] && [ -x "$go" ] && new_enough "$go"; then
            found "$go"
        fi
    done
}

# The URIs under which this machine gets Debian itself: those known to be Debian's first, then any not yet
# looked at (a machine that never ran "apt-get update" knows no origins). The signature decides in the end.
mirrors() {
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk -v c="$codename" '
            $2 != c && $2 !~ /^(stable|oldstable|testing|sid|unstable)$/ { next }
            $3 != "main" || seen[$1]++ { next }
            $4 == "Debian" { print $1 }
            $4 == "" { later[++n] = $1 }
            END { for (i = 1; i <= n; i++) print later[i] }'
}

# What makes apt private: own sources, lists and caches; of the machine's settings only proxies and transport
# count, not its update hooks.
write_config() {
    mkdir -p "$cache/apt/state/lists/partial" "$cache/apt/cache/archives/partial" || return 1
    : >"$cache/apt/status"
    cat >"$cache/apt/apt.conf" <<END
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::SourceList "$cache/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$cache/apt/state";
Dir::State::status "$cache/apt/status";
Dir::Cache "$cache/apt/cache";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "2";
END
}

private_apt() {
    tool=$1
    shift
    "$tool" -q -c "$cache/apt/apt.conf" "$@"
}

update_from() {
    echo "deb [signed-by=$keyring] $1 $suite main" >"$cache/apt/sources.list"
    private_apt apt-get update >"$cache/apt/log" 2>&1 && ! grep -q '^[WE]: .*Failed to fetch' "$cache/apt/log"
}

newest_package() {
    private_apt apt-cache search --names-only '^golang-1\.[0-9]+-go$' |
        sed -n 's/^golang-1\.\([0-9]*\)-go .*/\1/p' | sort -n | tail -1
}

# unpack VERSION: the packages' contents, then a link so that .cache/go is a GOROOT
unpack() {
    rm -rf "$cache/debs" "$cache/go-$1"
    mkdir -p "$cache/debs" "$cache/go-$1" || return 1
    (cd "$cache/debs" && private_apt apt-get download "golang-$1-go" "golang-$1-src") \
        >>"$cache/apt/log" 2>&1 || return 1
    for deb in "$cache/debs"/*.deb; do
        dpkg-deb -x "$deb" "$cache/go-$1" || return 1
    done
    rm -rf "$cache/debs"
    ln -sfn "go-$1/usr/lib/go-$1" "$goroot"
}

fetch() {
    for tool in apt-get apt-cache dpkg-deb; do
        command -v $tool >/dev/null || fail "none found, and without $tool none can be fetched"
    done
    [ -r $keyring ] || fail "none found, and Debian's keyring ($keyring) is not here to fetch one with"
    write_config || fail "cannot write to $cache"
    for mirror in $(mirrors); do
        update_from "$mirror" || continue
        minor=$(newest_package)
        [ -n "$minor" ] && [ "$minor" -ge "$least" ] || continue
        say "fetching Go 1.$minor from $suite into .cache/go (about 60 MB, once)"
        unpack "1.$minor" && rm -rf "$cache/apt" && return 0
    done
    [ -s "$cache/apt/log" ] && tail -3 "$cache/apt/log" >&2
    fail "none found, and $suite could not be read from this machine's Debian mirror (no network, or not a Debian)"
}

look
[ "${1:-}" = --no-fetch ] && fail "none of 1.$least or newer found"
fetch
new_enough "$goroot/bin/go" || fail "the Go that was fetched does not run here"
found "$goroot/bin/go"
