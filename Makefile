# What people run. Each target calls one script or one tool; `make help` lists them.
#
# PROMPT, MODEL, WORKERS and TOKENS of `make run`, and FILTER of `make test`, reach the scripts
# through the environment. In `make run PROMPT=…` a dollar sign is written twice, as always in make;
# in `PROMPT=… make run` it is not.

.DEFAULT_GOAL := help
.PHONY: help run test test-clients test-systemd hostile damage fuzz tsan asan soak check simulate plants build
.PHONY: format protos install deb bench-prefix bench-admission
.PHONY: goldens bench bench-network bench-placement bench-cache bench-loss bench-emoe bench-foresight killing budget crashing disks rebalancing install-deps clean

SWIFT_SOURCES := Sources Tests Fuzz Package.swift

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: install-deps ## Starts a cluster on this machine and answers PROMPT= (MODEL=, WORKERS=, TOKENS=)
	@scripts/run.sh

test: install-deps ## Builds and runs all tests (FILTER= takes a regular expression)
	@scripts/test.sh

test-clients: build ## Talks to a cluster with PyPI's openai, promtool, schemathesis and a crowd
	@scripts/test-clients.sh $(PARTS)

test-systemd: deb ## Installs the package into a container with a real systemd; as root
	@scripts/test-systemd.sh

hostile: install-deps ## Floods every socket with 100,000 random and 100,000 mutated messages
	@scripts/hostile.sh

tsan: install-deps ## Runs the tests under the thread sanitizer
	@scripts/sanitize.sh thread

asan: install-deps ## Runs the tests under the address and undefined behaviour sanitizers
	@scripts/sanitize.sh address

soak: install-deps ## Loads and hurts a cluster for MINUTES= (20), then looks for leaks
	@scripts/soak.sh

killing: build ## Kills or freezes a worker every few seconds for MINUTES= (10) while jobs run
	@scripts/killing.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf) --minutes $(or $(MINUTES),10)

budget: build ## Works within a memory budget for MINUTES= (60) and samples it (MODEL=, MEMORY= bytes)
	@scripts/budget.py -m $(MODEL) --minutes $(or $(MINUTES),60) $(if $(MEMORY),--memory $(MEMORY))

crashing: build ## Kills the coordinator KILLS= (200) times while a batch of JOBS= (500) runs
	@scripts/crashing.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf) \
	    --kills $(or $(KILLS),200) --jobs $(or $(JOBS),500)

disks: build ## Takes the disk from under the job ledger: full, read-only, damaged (as root)
	@scripts/disks.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf)

rebalancing: build ## Changes the plan CHANGES= (100) times while tokens flow (PLANS=whole, shards or mixed)
	@scripts/rebalancing.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf) \
	    --changes $(or $(CHANGES),100) --plans $(or $(PLANS),whole)

damage: install-deps ## Cuts and flips model files of all families, mutates requests and templates
	@MOIETY_DAMAGE=1 FILTER='DamagedFileTests|MutationTests' scripts/test.sh

fuzz: install-deps ## Fuzzes for SECONDS_EACH=600 each (TARGET=gguf, wire, http or templates)
	@scripts/fuzz.sh

check: ## Formats and generated code are as they should be
	@scripts/check.sh

simulate: install-deps ## Runs the simulated cluster with SEEDS=10000, or one SEED= with its story
	@scripts/simulate.sh

plants: install-deps ## Plants bugs in a copy of the sources and shows that the simulator finds each
	@scripts/plants.sh

bench: install-deps ## Compares with llama.cpp, which it builds first (ROWS=, PAIRS=, PEER=none)
	@scripts/bench.sh

bench-network: build ## Measures a cluster over slow links between network namespaces (MODEL=; as root)
	@Benchmarks/network.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf)

bench-prefix: build ## Measures a long prompt that comes again (MODEL=, LENGTH=)
	@Benchmarks/prefix.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf) --length $(or $(LENGTH),8000)

bench-admission: build ## Measures who is let in when, by the same requests at random (MODEL=, OUT=)
	@Benchmarks/admission.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf) \
	    --output $(or $(OUT),.build/admission)

bench-loss: build ## Measures what --lossy costs in accuracy (MODEL=, SHARES=0.5,0.25)
	@Benchmarks/loss.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf) $(if $(SHARES),--shares $(SHARES))

bench-emoe: build ## Measures answers of the experts in memory alone (MODEL=)
	@Benchmarks/emoe.py -m $(or $(MODEL),Models/moiety-demo-q8_0.gguf)
	@Benchmarks/room.py

bench-foresight: build ## Measures guesses of coming layers, and what they hide (MODEL=, then as root)
	@Benchmarks/foresight.py $(if $(MODEL),-m $(MODEL)) $(if $(READ_LIMIT),--read-limit $(READ_LIMIT))

bench-placement: install-deps ## Compares plans on recorded and synthetic traces; writes to OUT=
	swift build -c release --product moiety-bench
	.build/release/moiety-bench placement --output $(or $(OUT),.build/placement) \
	    $(addprefix --trace ,$(wildcard Benchmarks/traces/*.trace))

bench-cache: install-deps ## Compares cache policies, predictions, admission; curves go to OUT=
	swift build -c release --product moiety-bench
	.build/release/moiety-bench calibrate-cache \
	    $(addprefix --trace ,$(wildcard Benchmarks/traces/*.trace))
	.build/release/moiety-bench predict \
	    $(addprefix --trace ,$(wildcard Benchmarks/traces/*.trace))
	.build/release/moiety-bench admission --output $(or $(OUT),.build/admission)

build: install-deps ## Builds everything for release into .build/release
	swift build -c release

install: ## Installs what was built, for DESTDIR= and PREFIX= (/usr/local); needs no Swift afterwards
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' scripts/install.sh

deb: build ## Makes a Debian package of everything: .build/moiety_VERSION_ARCHITECTURE.deb
	@scripts/deb.sh

format: ## Formats Swift and C in place
	swift format --in-place --recursive $(SWIFT_SOURCES)
	scripts/c-sources.sh | xargs -r clang-format -i

protos: ## Generates Sources/CWire from Protos
	scripts/protos.sh

goldens: ## Makes the reference data of the tests anew (Python, from PyPI); read the diff
	scripts/goldens.sh

install-deps: ## Installs what is missing from Debian
	@scripts/install-deps.sh build

clean: ## Removes everything that was built
	rm -rf .build
