# Ardea's developer commands. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

GO        ?= go
BIN       ?= bin/ardea
PLAIN     ?= bin/ardea-nopgo
PGO       := cmd/ardea/default.pgo
PKG       ?= ./...
RUN       ?= .
COUNT     ?= 200
FUZZTIME  ?= 10s
TESTFLAGS ?=
ARGS      ?=
REPORT    ?= ardea-report
PEERS_REPORT ?= peers.json

CHECKED   := -tags invariants
# Only the program needs a profile, and compiling everything with one takes a while.
TEST      := $(GO) test -pgo=off
VET       := $(GO) vet -pgo=off
LINT      := GOFLAGS="$${GOFLAGS:-} -pgo=off" $(GO) tool -modfile=$(CURDIR)/tools/go.mod golangci-lint
PROTOGEN  := $(GO) -C tools run ./protogen -root ..
SCHEMAS   := wire/wirepb
# The modules beside the main one: their folders.
MODULES   := $(shell find . -mindepth 2 -name go.mod -not -path './.git/*' | sed 's|^\./||; s|/go\.mod$$||' | sort)
each       = @for module in $(MODULES); do echo "$$module: $(1)"; ( cd "$$module" && $(1) ); done

# Cheap steps first, so that a slip is told within a minute.
CI_STEPS  := fmt-check tidy-check generate-check vet lint test test-race test-again bench-smoke fuzz demo peers-test peers-smoke

.PHONY: help build demo test test-race test-plain test-again lint fmt fmt-check tidy-check generate generate-check vet fuzz \
	stress crash bench bench-smoke bench-peers peers peers-go peers-timely peers-jvm peers-test peers-planted peers-smoke logpeers plain pgo pgo-gain ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# go build takes the profile default.pgo of a main package by itself; the last line shows whether it did.
build: ## build the static binary bin/ardea, with the profile if there is one
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/ardea
	@$(GO) version -m $(BIN) | grep -o -- '-pgo=.*' || echo 'no $(PGO): built without a profile'

demo: build ## build, then run the demo on this machine
	$(BIN) demo $(ARGS)

test: ## run all tests with the invariant checks compiled in
	$(call each,$(GO) test $(TESTFLAGS) ./...)
	$(TEST) $(CHECKED) $(TESTFLAGS) $(PKG)

# Measurements and browsers would take ten times as long under the race detector and show it nothing new: -short.
test-race: ## run the tests but the longest under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(TEST) -race -short $(TESTFLAGS) $(PKG)

test-plain: ## run all tests as users build the code: no checks, no cgo
	CGO_ENABLED=0 $(TEST) $(TESTFLAGS) $(PKG)

# The longest tests of LONGEST have run in the checked build; in this one there is nothing more that they could show.
test-again: LONGEST = ./bench ./bench/page ./cmd/ardea ./tests/crash
test-again:
	CGO_ENABLED=0 $(TEST) $(TESTFLAGS) $$(comm -23 <($(GO) list ./... | sort) <($(GO) list $(LONGEST) | sort))
	CGO_ENABLED=0 $(TEST) -short $(TESTFLAGS) $(LONGEST)

lint: ## run the linters of .golangci.yml
	$(LINT) run
	$(call each,$(LINT) run)

fmt: ## format all Go files
	$(LINT) fmt

fmt-check: ## fail if a Go file is not formatted
	$(LINT) fmt --diff

tidy-check: ## fail if a go.mod or go.sum is not tidy
	$(GO) mod tidy -diff
	$(call each,$(GO) mod tidy -diff)

generate: ## generate the protobuf code from its schemas (needs no protoc)
	$(PROTOGEN) $(SCHEMAS)

generate-check: ## fail if the generated code is not what its schemas give
	$(PROTOGEN) -check $(SCHEMAS)

vet: ## run go vet on the checked and the plain build, and on all other modules
	$(VET) $(CHECKED) ./...
	$(VET) ./...
	$(call each,$(VET) ./...)

# A target is run a second time when it fails without having found an input: at the end of -fuzztime the fuzzing engine
# can report its own deadline as a failure. An input that was found is written to testdata/fuzz and fails at once.
fuzz: ## run every fuzz target for FUZZTIME (10s) each; PKG=./wire for one package
	@listed="$$($(TEST) $(CHECKED) -list '^Fuzz' $(PKG))"; \
	log="$$(mktemp)"; trap 'rm -f "$$log"' EXIT; \
	awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' <<<"$$listed" | \
	while read -r pkg target; do \
		once() { $(TEST) $(CHECKED) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$pkg" </dev/null 2>&1 | tee "$$log"; }; \
		echo "fuzz $$pkg $$target"; \
		once || { ! grep -q 'Failing input written' "$$log" && once; } || exit 1; \
	done

stress: ## run one test COUNT (200) times: make stress PKG=./router RUN=TestOwner [TESTFLAGS=-race]
	$(TEST) $(CHECKED) $(TESTFLAGS) -run '$(RUN)' -count $(COUNT) -failfast $(PKG)

# make test runs a slice of it. ARGS="-seed N" makes it choose the same victims again.
crash: LOGSWEEP = $(if $(filter .,$(RUN)),TestFlippedBits|TestPowerLoss|TestIdleLogs,$(RUN))
crash: ## kill 1,300 processes, freeze 100, break the network, shut file systems down, plant bugs: nothing may be lost (over an hour); RUN=TestKills for a part
	$(TEST) -count 1 -timeout 60m -v -run '$(RUN)' ./tests/crash -args -instances 1000 -managers 300 -frozen 100 -poison 1000000 -thorough -strict $(ARGS)
	$(TEST) -count 1 -timeout 120m -v -run '$(RUN)' ./tests/logcrash -args -cycles 3000 -calls 60
	$(TEST) -count 1 -timeout 60m -v -run '$(LOGSWEEP)' ./dlog -args -flips 100000 -histories 10000 -logs 100000

# With a profile in the program, its worth is measured too.
bench: build $(if $(wildcard $(PGO)),plain) ## measure all and refresh README.md and docs/profiling.md (40 minutes); ARGS="..." for one of ardea bench's commands
ifeq ($(strip $(ARGS)),)
	$(BIN) bench run bench/matrices/full.yaml --output $(REPORT) $(if $(wildcard $(PGO)),--no-pgo $(PLAIN))
	$(BIN) bench readme --suite $(REPORT)/suite.json README.md
	$(BIN) bench readme --suite $(REPORT)/suite.json docs/profiling.md
else
	$(BIN) bench $(ARGS)
endif

bench-smoke: ## run every Go benchmark once, to see that it works
	$(TEST) -run '^$$' -bench . -benchtime 1x $(PKG)

logpeers: ## build bin/logpeers, the rivals of the log for ardea log bench
	$(GO) -C bench/logpeers build -trimpath -o $(CURDIR)/bin/logpeers .

# An adapter that cannot be built is one line, and the others are still there.
peers: peers-go peers-timely peers-jvm ## build bin/peers, the adapters of ardea bench peers; what cannot be built here is told and left out

peers-go:
	@mkdir -p bin/peers && rm -f bin/peers/gopeers
	@$(GO) -C bench/peers build -trimpath -o $(CURDIR)/bin/peers/gopeers ./gopeers || \
		echo 'peers: the peers in Go are left out: go could not build them; see above'

peers-timely:
	@mkdir -p bin/peers && rm -f bin/peers/timely
	@if ! command -v cargo >/dev/null; then \
		echo 'peers: timely is left out: cargo is not on PATH'; \
	elif ! cargo build --quiet --locked --release --manifest-path bench/peers/timely/Cargo.toml; then \
		echo 'peers: timely is left out: cargo could not build it; see above'; \
	else \
		cp bench/peers/timely/target/release/timely bin/peers/timely; \
	fi

# JVM=flink builds one of its modules only.
peers-jvm:
	@mkdir -p bin/peers && rm -f bin/peers/jvm
	@if ! command -v mvn >/dev/null; then \
		echo 'peers: the peers of the JVM are left out: mvn is not on PATH; install Maven and a JDK 17'; \
	else \
		mvn -q -B -f bench/peers/jvm/pom.xml -DskipTests -fae $(if $(JVM),-pl $(JVM) -am) package || echo 'peers: Maven could not build all peers of the JVM; see above'; \
		ln -sfn $(CURDIR)/bench/peers/jvm/run bin/peers/jvm; \
	fi

# The budget is the plan's; what does not fit is left out, and the table says so, as it does of a peer that has failed.
bench-peers: build peers ## measure other systems beside Ardea (60 minutes) and refresh docs/peers.md; ARGS="..." for a part, which refreshes nothing
ifeq ($(strip $(ARGS)),)
	rm -f $(PEERS_REPORT)
	status=0; $(BIN) bench peers --json $(PEERS_REPORT) --html $(PEERS_REPORT:.json=.html) || status=$$?; \
	$(BIN) bench readme --peers $(PEERS_REPORT) docs/peers.md && exit $$status
else
	$(BIN) bench peers $(ARGS)
endif

# Release, as the adapter itself is built.
peers-test: ## test the adapters' words and counts on the JVM and in Rust; those in Go are part of make test
	@if command -v mvn >/dev/null; then mvn -q -B -f bench/peers/jvm/pom.xml -pl common test; else echo 'peers: nothing of the JVM is tested: mvn is not on PATH'; fi
	@if command -v cargo >/dev/null; then cargo test --quiet --locked --release --manifest-path bench/peers/timely/Cargo.toml; else echo 'peers: timely is not tested: cargo is not on PATH'; fi

peers-planted: build peers ## have every adapter count wrong once, and see that each is caught (10 minutes)
	$(BIN) bench peers --plant-wrong-count swapped --workloads sentences,pipeline,words175k --duration 1s --warm-up 1s

peers-smoke: build peers-go ## run a peer in Go and one on the JVM for 30 seconds each, and check their counts
	$(BIN) bench peers --smoke --peers channels --budget 2m --duration 15s --warm-up 15s
	@$(MAKE) --no-print-directory peers-jvm JVM=flink
	$(BIN) bench peers --smoke --peers flink --budget 2m --duration 15s --warm-up 15s

plain: ## build bin/ardea-nopgo, the same program without a profile
	CGO_ENABLED=0 $(GO) build -pgo=off -trimpath -o $(PLAIN) ./cmd/ardea

# Recorded of a program without a profile, so that one profile does not depend on the one before.
pgo: plain ## record the profile that make build optimizes with (2 minutes on a quiet machine)
	$(PLAIN) bench pgo --output $(PGO) $(ARGS)
	@$(MAKE) build

pgo-gain: build plain ## measure what the profile gains: make pgo-gain ARGS="--repeat 10"
	$(BIN) bench pgo --no-pgo $(PLAIN) $(ARGS)

ci: FUZZTIME := 5s
ci: ## run all that a change must pass, cheap steps first
	@for step in $(CI_STEPS); do \
		printf '\n== %s (at %d:%02d)\n' "$$step" $$((SECONDS / 60)) $$((SECONDS % 60)); \
		$(MAKE) FUZZTIME=$(FUZZTIME) "$$step"; \
	done

clean: ## remove what make has built
	rm -rf bin
	find . -name '*.test' -type f -not -path './.git/*' -delete
