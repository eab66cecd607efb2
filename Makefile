# Needs python3 (3.11 or later), make, and a package index that pip can reach. Everything lands in .venv.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo up test fuzz check lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: .venv/installed ## Make .venv with the pinned dependencies and the command onboarding

.venv/installed: requirements.lock pyproject.toml
	@echo "Setting up .venv (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Run the main job once: three vendors' files in; catalog, reports and mails out
	@$(BIN)/onboarding demo

up: setup ## Start the local engine and stay
	@$(BIN)/onboarding local up

test: setup check ## Run the checks and every test
	@$(BIN)/python -m pytest

fuzz: setup ## Read 20,000 hostile files (a minute or two)
	@ONBOARDING_FUZZ=20000 $(BIN)/python -m pytest -q tests/test_fuzz.py

check: setup ## Formatting, lint, types, template, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/cfn-lint infra/*.yaml
	@$(BIN)/lint-imports

lock: ## Pin the dependencies anew (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --all-extras pyproject.toml -o requirements.lock

clean: ## Remove what make made
	@rm -rf .venv .onboarding samples .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
