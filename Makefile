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
FUZZTIME  ?= 20s
TESTFLAGS ?=
ARGS      ?=
REPORT    ?= ardea-report

CHECKED   := -tags invariants
# Tests need no profile, and compiling everything with one takes a while.
TEST      := $(GO) test -pgo=off
LINT      := $(GO) tool -modfile=tools/go.mod golangci-lint
PROTOGEN  := $(GO) -C tools run ./protogen -root ..
SCHEMAS   := wire/wirepb

# Cheap steps first, so that a slip is told within a minute.
CI_STEPS  := fmt-check tidy-check generate-check vet lint test test-race test-plain bench-smoke fuzz demo

.PHONY: help build demo test test-race test-plain lint fmt fmt-check tidy-check generate generate-check vet fuzz \
	stress crash bench bench-smoke plain pgo pgo-gain ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# go build takes the profile default.pgo of a main package by itself; the last line shows whether it did.
build: ## build the static binary bin/ardea, with the profile if there is one
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/ardea
	@$(GO) version -m $(BIN) | grep -o -- '-pgo=.*' || echo 'no $(PGO): built without a profile'

demo: build ## build, then run the demo on this machine
	$(BIN) demo $(ARGS)

test: ## run all tests with the invariant checks compiled in
	$(GO) -C tools test $(TESTFLAGS) ./...
	$(TEST) $(CHECKED) $(TESTFLAGS) $(PKG)

# Measurements and browsers would take ten times as long under the race detector and show it nothing new: -short.
test-race: ## run the tests but the longest under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(TEST) -race -short $(TESTFLAGS) $(PKG)

test-plain: ## run all tests as users build the code: no checks, no cgo
	CGO_ENABLED=0 $(TEST) $(TESTFLAGS) $(PKG)

lint: ## run the linters of .golangci.yml
	$(LINT) run

fmt: ## format all Go files
	$(LINT) fmt

fmt-check: ## fail if a Go file is not formatted
	$(LINT) fmt --diff

tidy-check: ## fail if a go.mod or go.sum is not tidy
	$(GO) mod tidy -diff
	$(GO) -C tools mod tidy -diff

generate: ## generate the protobuf code from its schemas (needs no protoc)
	$(PROTOGEN) $(SCHEMAS)

generate-check: ## fail if the generated code is not what its schemas give
	$(PROTOGEN) -check $(SCHEMAS)

vet: ## run go vet on the checked, the plain and the tools build
	$(GO) vet $(CHECKED) ./...
	$(GO) vet ./...
	$(GO) -C tools vet ./...

# A target is run a second time when it fails without having found an input: at the end of -fuzztime the fuzzing engine
# can report its own deadline as a failure. An input that was found is written to testdata/fuzz and fails at once.
fuzz: ## run every fuzz target for FUZZTIME (20s) each; PKG=./wire for one package
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
crash: ## kill 1,300 processes, freeze 100, break the network, plant bugs: nothing may be lost (15 minutes); RUN=TestKills for a part
	$(TEST) -count 1 -timeout 60m -v -run '$(RUN)' ./tests/crash -args -instances 1000 -managers 300 -frozen 100 -poison 1000000 -thorough -strict $(ARGS)

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

plain: ## build bin/ardea-nopgo, the same program without a profile
	CGO_ENABLED=0 $(GO) build -pgo=off -trimpath -o $(PLAIN) ./cmd/ardea

# Recorded of a program without a profile, so that one profile does not depend on the one before.
pgo: plain ## record the profile that make build optimizes with (2 minutes on a quiet machine)
	$(PLAIN) bench pgo --output $(PGO) $(ARGS)
	@$(MAKE) build

pgo-gain: build plain ## measure what the profile gains: make pgo-gain ARGS="--repeat 10"
	$(BIN) bench pgo --no-pgo $(PLAIN) $(ARGS)

ci: ## run all that a change must pass, cheap steps first
	@for step in $(CI_STEPS); do \
		printf '\n== %s (at %d:%02d)\n' "$$step" $$((SECONDS / 60)) $$((SECONDS % 60)); \
		$(MAKE) "$$step"; \
	done

clean: ## remove what make has built
	rm -rf bin
	find . -name '*.test' -type f -not -path './.git/*' -delete
