#!/bin/sh
# Checks the edges between the crates that ARCHITECTURE.md forbids.
set -eu

failed=no

# Fails if crate $1 reaches any of the others named, by its normal dependencies.
forbid() {
    from=$1
    shift
    tree=$(cargo tree --package "$from" --edges normal --prefix none --format '{p}')
    for to in "$@"; do
        if echo "$tree" | grep -q "^$to v"; then
            echo "forbidden: $from depends on $to" >&2
            failed=yes
        fi
    done
}

# Fails if the sources of crate $1 say the word $2.
unspoken() {
    if grep -rniw --include='*.rs' --include='*.js' "$2" "crates/$1/src"; then
        echo "forbidden: crates/$1 speaks of $2" >&2
        failed=yes
    fi
}

all="lenore lenore-browser lenore-cli lenore-gateway lenore-ipc lenore-poe lenore-poe-api \
    lenore-provider lenore-sim"
others() { for name in $all; do [ "$name" = "$1" ] || echo "$name"; done; }

forbid lenore-provider $(others lenore-provider)
forbid lenore-browser $(others lenore-browser)
forbid lenore-sim $(others lenore-sim)
forbid lenore-poe lenore lenore-cli lenore-gateway lenore-ipc lenore-poe-api lenore-sim
for alone in gateway ipc poe-api; do
    forbid "lenore-$alone" $(others "lenore-$alone" | grep -v '^lenore-provider$')
done
forbid lenore lenore-cli lenore-gateway lenore-ipc lenore-sim
unspoken browser poe
unspoken provider poe
unspoken gateway poe
unspoken ipc poe

[ $failed = no ]
