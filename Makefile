# Common jobs; each sets up what it needs. `make help` lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
USABLE := $(VENV)/.usable
TESTED := $(VENV)/.testable
DATA   ?= $(or $(HILUM_DATA),data)

BENCHMARKS := audit bootstrap busy copies copies_growth coverage features gpu growth kills limit mutants phantom prediction reading stages store tutorial

.DEFAULT_GOAL := help
.PHONY: help demo test precisions lint format setup clean $(BENCHMARKS:%=bench-%)

help: ## List the jobs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'
	@echo
	@echo "Benchmarks (benchmarks/README.md); DATA=folder names the radiographs, ARGS='…' adds options:"
	@printf '  make bench-%s\n' $(BENCHMARKS)

demo: $(USABLE) ## Train, evaluate and report on synthetic radiographs
	$(BIN)/hilum demo --overwrite

test: $(TESTED) lint ## Check style, types and structure, then run all tests
	$(BIN)/pytest -n auto

precisions: $(TESTED) ## Run all tests as on a processor with bfloat16, then as on one without
	$(BIN)/pytest -n auto --bfloat16 yes
	$(BIN)/pytest -n auto --bfloat16 no

lint: $(TESTED) ## Check style, types and structure
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(TESTED) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BENCHMARKS:%=bench-%): bench-%: $(TESTED)
	HILUM_DATA="$(DATA)" $(BIN)/python -m benchmarks.$* $(ARGS)

setup: $(TESTED) ## Make the virtual environment in .venv, with the development tools

# Without byte code for modules that are never imported, installation takes half the time.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

$(USABLE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hilum needs Python 3.11 or later, found $$($(PYTHON) --version); try make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV): a few minutes the first time ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[train]'
	@touch $@

$(TESTED): $(USABLE)
	@echo "Adding the development tools ..."
	@$(PIP) --editable '.[train,dev]'
	@touch $@

clean: ## Remove the virtual environment, caches and the demo's files
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache runs/demo data/phantom
