# Two commands do all: `make demo` and `make test`. Needs Python >= 3.11 with venv, and make; the rest is installed here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEBS := .cache/debs
SECONDS_OF_SOAK ?= 1200
SECONDS_OF_FUZZ ?= 60
SERVERS := nsd postfix exim4-daemon-light opensmtpd sendmail-bin sendmail-cf m4 libnss-wrapper libresolv-wrapper \
	nmap nmap-common lua-lpeg

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-scale torture soak fuzz audit-deps docs clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

$(VENV)/.run: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.run ## audit the domains of the built-in lab and print their verdicts
	@mkdir -p .cache
	@$(BIN)/mxsweep lab -- audit -i inputs/partners.txt -o .cache/demo.jsonl --force; code=$$?; [ $$code -le 1 ] || exit $$code
	@echo; echo "Every domain's verdict (the records are in .cache/demo.jsonl):"; echo
	@$(BIN)/python .ci/verdicts.py .cache/demo.jsonl

test: $(VENV)/.dev ## install and pass the tests; real servers are unpacked if they may be
	@.ci/debs $(DEBS) $(SERVERS) || true
	$(BIN)/python -m pytest

lint: $(VENV)/.dev ## style, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev ## measure speed as ratios against NSD and Postfix's smtp-sink; wants cc
	.ci/debs $(DEBS) $(SERVERS)
	$(BIN)/python -m benchmarks

bench-scale: $(VENV)/.dev ## the same of 200,000 and 1,000,000 domains: a quarter of an hour, 3 GB of disk
	.ci/debs $(DEBS) $(SERVERS)
	$(BIN)/python -m benchmarks scale

torture: $(VENV)/.dev ## kills, power failures, hostile servers, DNS and input, in figures: some ten minutes
	$(BIN)/python -m tests.torture torture

soak: $(VENV)/.dev ## all of it mixed for twenty minutes (SECONDS_OF_SOAK), then a census
	$(BIN)/python -m tests.torture soak --seconds $(SECONDS_OF_SOAK)

fuzz: $(VENV)/.dev ## the fuzzer on each parser, a minute each (SECONDS_OF_FUZZ)
	@set -e; for target in $$($(BIN)/python -c 'from tests.fuzz.targets import TARGETS; print(*TARGETS)'); do \
		echo "$$target"; $(BIN)/python -m tests.fuzz.run $$target -max_total_time=$(SECONDS_OF_FUZZ) -max_len=2000; done

audit-deps: $(VENV)/.dev ## known faults of the dependencies: our own table, then the advisories
	$(BIN)/python .ci/audit_deps.py

docs: $(VENV)/.dev ## write the pages that are made of tables
	$(BIN)/python .ci/verdict_reference.py
	$(BIN)/python .ci/software_reference.py

clean: ## take away what make made
	rm -rf $(VENV) .cache build *.egg-info
