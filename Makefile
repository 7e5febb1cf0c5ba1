# hilum's common jobs. Each does its own set-up: `make help` lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test lint format setup clean

help: ## List the jobs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

demo: $(READY) ## Train, evaluate and report on synthetic radiographs
	$(BIN)/hilum demo --overwrite

test: $(READY) lint ## Check style, types and structure, then run all tests
	$(BIN)/pytest -n auto

lint: $(READY) ## Check style, types and structure
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(READY) ## Make the virtual environment in .venv

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV), a few minutes the first time ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hilum needs Python 3.11 or later, found $$($(PYTHON) --version); try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean: ## Remove the virtual environment, caches and the demo's files
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache runs/demo data/phantom
