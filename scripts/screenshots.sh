#!/bin/sh
# Draws the pictures of docs/images anew: a real session on the local site, as its terminal shows it.
# The same program gives the same pictures.
set -eu
cd "$(dirname "$0")/.."
exec cargo test --quiet -p lenore-cli --test screenshots -- --ignored
