# Ardea's developer commands. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

GO        ?= go
BIN       ?= bin/ardea
PKG       ?= ./...
RUN       ?= .
COUNT     ?= 200
FUZZTIME  ?= 20s
TESTFLAGS ?=
ARGS      ?=

CHECKED   := -tags invariants
LINT      := $(GO) tool -modfile=tools/go.mod golangci-lint
PROTOGEN  := $(GO) -C tools run ./protogen -root ..
SCHEMAS   := wire/wirepb

# Cheap steps first, so that a slip is told within a minute.
CI_STEPS  := fmt-check tidy-check generate-check vet lint test test-race test-plain bench-smoke fuzz demo

.PHONY: help build demo test test-race test-plain lint fmt fmt-check tidy-check generate generate-check vet fuzz \
	stress bench bench-smoke ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## build the static binary bin/ardea
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/ardea

demo: build ## build, then run the demo on this machine
	$(BIN) demo $(ARGS)

test: ## run all tests with the invariant checks compiled in
	$(GO) -C tools test $(TESTFLAGS) ./...
	$(GO) test $(CHECKED) $(TESTFLAGS) $(PKG)

test-race: ## run all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) $(PKG)

test-plain: ## run all tests as users build the code: no checks, no cgo
	CGO_ENABLED=0 $(GO) test $(TESTFLAGS) $(PKG)

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
	@listed="$$($(GO) test $(CHECKED) -list '^Fuzz' $(PKG))"; \
	log="$$(mktemp)"; trap 'rm -f "$$log"' EXIT; \
	awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' <<<"$$listed" | \
	while read -r pkg target; do \
		once() { $(GO) test $(CHECKED) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$pkg" </dev/null 2>&1 | tee "$$log"; }; \
		echo "fuzz $$pkg $$target"; \
		once || { ! grep -q 'Failing input written' "$$log" && once; } || exit 1; \
	done

stress: ## run one test COUNT (200) times: make stress PKG=./router RUN=TestOwner [TESTFLAGS=-race]
	$(GO) test $(CHECKED) $(TESTFLAGS) -run '$(RUN)' -count $(COUNT) -failfast $(PKG)

bench: build ## run the measuring harness: make bench ARGS="..."
	$(BIN) bench $(ARGS)

bench-smoke: ## run every Go benchmark once, to see that it works
	$(GO) test -run '^$$' -bench . -benchtime 1x $(PKG)

ci: ## run all that a change must pass, cheap steps first
	@for step in $(CI_STEPS); do \
		printf '\n== %s (at %d:%02d)\n' "$$step" $$((SECONDS / 60)) $$((SECONDS % 60)); \
		$(MAKE) "$$step"; \
	done

clean: ## remove what make has built
	rm -rf bin
	find . -name '*.test' -type f -not -path './.git/*' -delete
