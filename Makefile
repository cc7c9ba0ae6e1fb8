# What a newcomer needs: `make demo` to see it work, `make test` to check it.
# Both install what they need on Debian and Ubuntu, and say what to install elsewhere.

CARGO ?= cargo

.PHONY: bench demo drift fuzz load siege soak test lint build trace setup-bench setup-demo setup-test

build:
	$(CARGO) build --release -p lenore-cli

demo: setup-demo
	$(CARGO) run --quiet -p lenore-cli -- demo

# The tests of answers run on both editions of the local site.
test: setup-test
	$(CARGO) test --workspace
	LENORE_SIM_EDITION=2025 $(CARGO) test -p lenore-poe --test answers --test attachments \
		--test conversations --test pages --test recovery --test refusals --test reliability \
		--test tabs --test typing

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --quiet
	./scripts/edges.sh
	./scripts/deny.sh

setup-demo:
	./scripts/setup.sh browser

setup-bench:
	./scripts/setup.sh browser ancestor peers

setup-test:
	./scripts/setup.sh browser driver firefox geckodriver grid proxy socks display terminal ancestor \
		react clients

# The property tests, on millions of cases: what the tap and the site's frames tell, requests of every
# wire, schemas, tool calls, lines between our processes, settings, recordings. An hour.
fuzz:
	CARGO="$(CARGO)" ./scripts/fuzz.sh $${FUZZ_SECONDS:-240}

# Three hundred questions with faults drawn by lot: some ten minutes.
soak: setup-demo
	$(CARGO) test --release -p lenore-poe --test soak -- --ignored --nocapture

# Every fact of the local site drifts, and a question is asked all the same: half an hour. It writes
# docs/site.md. LENORE_DRIFT_CASES takes so many cases of each edition, by lot.
drift: setup-demo
	$(CARGO) test --release -p lenore-poe --test drift -- --ignored --nocapture

# A thousand streams at once through the gateway, and what they are delayed: half a minute.
load:
	$(CARGO) test --release -p lenore-gateway --test gateway load -- --ignored --nocapture

# Attacks on the release build, and what they cost it: some five minutes, and ten for all of them
# together; before them, a minute of each property test of `make fuzz`. `SIEGE=--only\ silent` runs one. The rows go into docs/reliability.md.
siege:
	CARGO="$(CARGO)" ./scripts/fuzz.sh 60
	$(CARGO) build --quiet --release -p lenore-cli
	$(CARGO) run --quiet --release -p lenore-gateway --example siege -- \
		--server target/release/lenore --seconds 600 --write docs/reliability.md $(SIEGE)

# What it costs, measured beside its peers in one run of some minutes; the tables go into
# docs/performance.md. `BENCH=--quick` takes a minute or two.
bench: setup-bench
	$(CARGO) build --quiet --release -p lenore-cli -p lenore-bench
	target/release/lenore-bench --write docs/performance.md $(BENCH)

# Where the time of one warm question goes, hand-over by hand-over; the table goes into
# docs/performance.md. `BENCH=--edition\ 2025` traces on another edition of the local site.
trace: setup-demo
	$(CARGO) build --quiet --release -p lenore-cli -p lenore-bench
	target/release/lenore-bench --trace --write docs/performance.md $(BENCH)
