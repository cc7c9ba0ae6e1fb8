#!/bin/sh
# Checks the dependencies by deny.toml: licences, bans and where they come from; and known flaws
# (RustSec) where their list is, since it comes from elsewhere than the crates: `cargo deny fetch`
# brings it, and this script reads it from then on.
set -eu
cd "$(dirname "$0")/.."

./scripts/setup.sh deny
deny=target/deny/bin/cargo-deny
[ -x $deny ] || deny=cargo-deny
command -v "$deny" >/dev/null 2>&1 || {
    # Who checks all is not told that all is well.
    [ -z "${CI:-}" ] || { echo "deny.sh: cargo-deny is missing" >&2; exit 1; }
    echo "deny.sh: skipped, cargo-deny is missing" >&2
    exit 0
}

"$deny" --locked --log-level error check --hide-inclusion-graph bans licenses sources
flaws="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
if [ -d "$flaws" ]; then
    "$deny" --locked --log-level error check --hide-inclusion-graph --disable-fetch advisories
else
    echo "deny.sh: known flaws are not looked for, their list is not here: $deny fetch" >&2
fi
