# Zerodrift: the commands of a working day. `make help` lists them.

CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help demo test chaos bench fuzz lint build tools schema clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools build ## Start the swarm on a local Cloudflare, run intents, prove them, heal what somebody else changes
	@$(CARGO) run --quiet --package zerodrift -- demo

test: tools build ## Run every test against real servers and real binaries
	$(CARGO) test --workspace

chaos: tools build ## Make trouble for swarms until everything has gone wrong often enough (an hour)
	$(CARGO) run --quiet --package tests --bin chaos -- \
		--each 20 --server 50 --faults 1000 --repeats 10000 --crowds 20 --parallel 6 --work 12

bench: tools ## Measure intents per second, latency, memory, start, codec, beside raw JetStream
	$(CARGO) build --release $(addprefix --package ,zerodrift planner provisioner auditor remediator sandbox)
	$(CARGO) run --release --quiet --package tests --bin bench

fuzz: ## Feed what reads bytes from outside with anything, each target for a minute
	fuzz/run

lint: ## Check format, lints and documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps

build: ## Build every binary
	$(CARGO) build $(addprefix --package ,zerodrift planner provisioner auditor remediator sandbox)

tools: ## Install nats-server, workerd and what the tests need into .tools/
	@deploy/tools/install

schema: ## Write the wire's description (bus-schema/asyncapi.json, bus-schema/schema/) from the types
	$(CARGO) run --quiet --package bus-schema --example describe

clean: ## Remove what was built, installed and run here
	$(CARGO) clean
	rm -rf .tools .zerodrift
