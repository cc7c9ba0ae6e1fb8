#!/bin/sh
# Runs each property test of what comes from elsewhere for so many seconds, each time on other cases.
# A case that fails is shown in its smallest form, and stays as an example in a test of its own.
set -eu
cd "$(dirname "$0")/.."
seconds="${1:-60}"
cargo="${CARGO:-cargo}"

# Where it is (package and tests), its name, and how many cases take some seconds.
targets="
lenore-gateway --test=gateway random::requests_of_every_wire 500
lenore-gateway --test=gateway random::schemas_are_read 500
lenore-gateway --test=gateway random::calls_of_tools 500
lenore-ipc --test=refusals any_ 500
lenore-poe --test=decode nothing_is_thrown_into_the_page 500
lenore-poe --test=decode what_the_tap_never_says 2000
lenore-poe --test=decode the_fold_is_the_final_text 500
lenore-poe --lib any_order_of_events 2000
lenore-poe --lib merging_changes_no_text 5000
lenore-sim --test=recordings any_ 2000
lenore-cli --bins any_file_is_read 5000
"
echo "$targets" | while read -r package where name cases; do
    [ -n "$package" ] || continue
    "$cargo" test --quiet --release -p "$package" "$where" --no-run
    echo "$package $name" >&2
    end=$(($(date +%s) + seconds))
    while [ "$(date +%s)" -lt "$end" ]; do
        PROPTEST_CASES=$cases "$cargo" test --quiet --release -p "$package" "$where" -- "$name" >&2
    done
done
