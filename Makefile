# Everything is installed below this folder, from requirements/*.txt with hashes, wheels only; a repeat is instant.
# run: what the product, its demo and its build need. dev: that, and what tests, linters and the benchmark need. pip: a
# pip that takes half as long as those that come with Pythons.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
INSTALL := $(PIP) install --require-hashes --only-binary :all:
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
GENERATED := gen/fourseal/py.typed
BUF := tools/node_modules/.bin/buf
NODE_TOOLS := tools/node_modules/.package-lock.json
SERVER_HOME := .fourseal-dev
# Tests and benchmark take the engine of Intel's processors along where there are packages of it.
ENGINES := $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),-r requirements/crypto_mb.txt)
PYTEST_ARGS ?=
# Hundreds of processes are started here: none shall compile again what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo demo-contract demo-hsm demo-trust demo-transaction demo-guard run test bench bench-quick bench-watermark lint format proto lock clean require-run require-test require-contract require-softhsm want-softhsm want-pdf want-chromium require-lint

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

demo: require-run $(RUN) $(GENERATED) ## Sign, verify, encrypt, decrypt and attack, on a real contract
	@$(BIN)/python -m demo

demo-contract: require-run require-contract $(RUN) $(GENERATED) ## Negotiate a contract, sign it, verify it, find what was altered
	@$(BIN)/python -m demo.drafting

demo-hsm: require-run require-softhsm $(RUN) $(GENERATED) ## Keep half of a key in a token, and certify the key
	@$(BIN)/python -m demo.hsm

demo-trust: require-run require-softhsm $(RUN) $(GENERATED) ## Keep a company's seal in a token; grant, use, revoke, audit
	@$(BIN)/python -m demo.trust

demo-transaction: require-run $(RUN) $(GENERATED) ## Pay with a signing device by an infected terminal, which tries each trick
	@$(BIN)/python -m demo.transaction

demo-guard: require-run $(RUN) $(GENERATED) ## Write in another's name past gateways and a guard, which find out who it was
	@$(BIN)/python -m demo.guard

run: require-run $(RUN) $(GENERATED) $(SERVER_HOME)/.initialised ## Start a server that keeps its state in ./.fourseal-dev
	@$(BIN)/fourseal-server run --home $(SERVER_HOME)

test: require-test $(DEV) $(GENERATED) ## Run all tests (PYTEST_ARGS for pytest)
	@$(BIN)/python -m pytest -n logical --dist worksteal $(PYTEST_ARGS)

bench: require-run want-softhsm $(DEV) $(GENERATED) ## Measure everything, and say where the report is
	@$(BIN)/python -m bench

bench-quick: require-run want-softhsm $(DEV) $(GENERATED) ## Measure in some two minutes
	@$(BIN)/python -m bench --quick

bench-watermark: require-run want-pdf $(DEV) $(GENERATED) ## Attack watermarks, and write docs/watermark.md's tables anew
	@$(BIN)/python -m bench --watermark --page docs/watermark.md

lint: require-lint $(DEV) $(GENERATED) $(NODE_TOOLS) ## Check code and protos
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BUF) lint
	$(BUF) format --diff --exit-code

format: require-lint $(DEV) $(NODE_TOOLS) ## Format code and protos
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BUF) format --write

proto: require-run $(RUN) ## Generate gen/ from protos/ again
	@$(BIN)/python hatch_build.py

lock: require-run $(DEV) ## Lock the newest versions that pyproject.toml allows
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/lock.sh

clean: ## Remove all that was made here, but not the state of make run
	rm -rf $(VENV) gen build dist tools/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

require-run:
	@PYTHON=$(PYTHON) scripts/require.sh python openssl

require-test: want-softhsm want-pdf want-chromium
	@PYTHON=$(PYTHON) scripts/require.sh python openssl node contract-fonts

require-contract:
	@scripts/require.sh contract-fonts pdfsig pdftoppm pdftotext

require-softhsm:
	@scripts/require.sh softhsm2-util pkcs11-tool

want-softhsm:
	@scripts/require.sh --wanted softhsm2-util pkcs11-tool

want-pdf:
	@scripts/require.sh --wanted contract-fonts qpdf mutool gs pdftocairo pdfsig soffice

want-chromium:
	@scripts/require.sh --wanted chromium

require-lint:
	@PYTHON=$(PYTHON) scripts/require.sh python node npm

$(BIN)/python: | require-run
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements/pip.txt

$(RUN): requirements/run.txt pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing what Fourseal needs"
	@$(INSTALL) -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt requirements/crypto_mb.txt pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing what Fourseal, its tests, linters and benchmark need"
	@$(INSTALL) -r requirements/dev.txt $(ENGINES)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(RUN)

$(GENERATED): $(shell find protos -name '*.proto') hatch_build.py | $(BIN)/python
	@$(BIN)/python hatch_build.py

$(NODE_TOOLS): tools/package.json tools/package-lock.json
	@npm ci --prefix tools --no-audit --no-fund --loglevel error
	@touch $@

$(SERVER_HOME)/.initialised: | $(RUN)
	@$(BIN)/fourseal-server init --home $(SERVER_HOME)
	@touch $@
