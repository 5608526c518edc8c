# Everything a person types. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
ROUNDS ?= 5
SECONDS ?= 600

.PHONY: help setup run test check bench crash fuzz differential lock docs boards smoke

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/'

setup: .venv/.ready ## make .venv from the lock file (wheels only, hashes checked)

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { echo "venv is missing: install your system's python3-venv package"; exit 1; }
	@echo "Installing into .venv, from requirements.lock alone; this takes about a minute, once."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/.tools: .venv/.ready requirements-dev.lock
	@echo "Installing what the tests and checks need, from requirements-dev.lock."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

run: setup ## collector, embedded store, alerting, console and demo traffic in one process
	@exec $(BIN)/tocsin up --demo

test: .venv/.tools ## all tests; what needs an absent server skips and says how to get it
	$(BIN)/pytest -n 2 --dist loadfile $(TESTS)

check: .venv/.tools ## ruff, mypy --strict, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.tools ## every benchmark, as a table
	$(BIN)/python -m benchmarks

crash: .venv/.tools ## kill -9 under load, ROUNDS times
	CRASH_ROUNDS=$(ROUNDS) $(BIN)/pytest tests/faults tests/scenarios/test_ledger.py

fuzz: .venv/.tools ## compare verdicts with influxd and fast paths with slow ones, for SECONDS (or EXAMPLES, SEED)
	$(BIN)/python -m tests.fuzz $(if $(EXAMPLES),--examples $(EXAMPLES),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

differential: .venv/.tools ## the same lines and queries to the embedded store and to influxd, for SECONDS (or QUERIES, SEED)
	$(BIN)/python -m tests.differential $(if $(QUERIES),--queries $(QUERIES),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

lock: .venv/.tools ## resolve the lock files anew (all platforms, with hashes)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-build --no-header --no-emit-index-url --upgrade --group build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-build --no-header --no-emit-index-url --upgrade --group build --group dev -c requirements.lock -o requirements-dev.lock pyproject.toml

docs: .venv/.tools ## generated pages, and the pictures in README and docs
	$(BIN)/python -m tocsin.docs
	$(BIN)/python docs/picture.py

boards: .venv/.tools ## generate grafana/provisioning from the boards in grafana/
	$(BIN)/python -m grafana

smoke: ## on a machine with Docker: bring the stack up and ask the real Grafana
	docker/smoke
