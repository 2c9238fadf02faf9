# shellcheck shell=bash
# Sourced by the tests that are shell scripts and report in TAP: `try TITLE COMMAND...`, then `tap_end`.
tap_count=0
tap_failed=0

try() {
    local title=$1 output
    shift
    tap_count=$((tap_count + 1))
    if output=$("$@" 2>&1); then
        echo "ok $tap_count - $title"
    else
        tap_failed=1
        echo "not ok $tap_count - $title"
        # As TAP comments, on standard output, so that meson shows them with the failure.
        sed 's/^/# /' <<<"$output"
    fi
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

tap_end() {
    echo "1..$tap_count"
    exit "$tap_failed"
}
