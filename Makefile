# Requires python3 (3.11 or later), make, and a package index that pip can reach. Everything is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
# A file's tests stay in one worker, so that they share its fixtures. Many of the tests with processes wait for them:
# one worker more than there are cores keeps the cores busy.
PARALLEL := --dist loadfile --no-loadscope-reorder --numprocesses
CORES := $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# Without cached byte code, each process compiles every module, and each worker rewrites the assertions of every test.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-unit test-3.13 check docs scan image dist chaos load fuzz bench reference diagrams screenshots pictures lock clean

help: ## List the targets
	@grep -hE '^[a-z0-9.-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: .venv/installed ## Create .venv with the pinned dependencies and the command onboarding

.venv/installed: requirements.lock pyproject.toml
	@echo "Setting up .venv (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Process the files of three vendors on a temporary local stack, and show catalog, reports and e-mails
	@$(BIN)/onboarding demo

up: setup ## Start the local stack and run until Ctrl-C
	@$(BIN)/onboarding local up

test: setup check ## Run the checks and every test, with the coverage by the unit tests
	@$(BIN)/python -m pytest -q $(PARALLEL) auto --cov=onboarding tests/unit
	@$(BIN)/python -m pytest $(PARALLEL) $$(($(CORES) + 1)) tests/e2e tests/faults tests/infra tests/integration

test-unit: setup ## Run the unit tests: seconds, without processes
	@$(BIN)/python -m pytest -q $(PARALLEL) auto tests/unit

test-3.13: ## Run the tests of parsing on Python 3.13, which the functions' image has
	@tools/test_3_13.sh

check: setup ## Check formatting, lint, types, templates, import layers and the style of texts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/cfn-lint infra/*.yaml
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.style_check

docs: setup ## Build the documentation site in site/; fails at a broken link or warning
	@rm -rf site
	@$(BIN)/zensical build --strict --clean

scan: .venv-scan/installed ## Scan templates, code and dependencies for vulnerabilities and secrets
	@tools/scan.sh

.venv-scan/installed: requirements-scan.lock
	@$(PYTHON) -m venv .venv-scan
	@.venv-scan/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-scan.lock
	@touch $@

image: setup ## Build the functions' image and call each function in it (needs root, buildah, debootstrap)
	@$(BIN)/python -m tests.infra.build_image

dist: setup ## Build the wheel and the source distribution in dist/
	@$(BIN)/python -m hatchling build --clean --directory dist

chaos: setup ## Run all fault tests: injected faults, random schedules, kills (up to 15 minutes)
	@$(BIN)/python -m tests.faults

load: setup ## Process 100 uploads of 1,000 rows at once on the local stack and print figures
	@$(BIN)/python -m tests.faults --only load

fuzz: setup ## Process 20,000 hostile files from the bucket to report and e-mail (about 6 minutes)
	@ONBOARDING_FUZZ=20000 $(BIN)/python -m pytest -q tests/integration/pipeline/test_fuzz.py

bench: setup ## Run the benchmarks (up to 20 minutes)
	@$(BIN)/python -m bench

reference: setup ## Generate csv-format.md, mappings.md and rules.md in docs from the code
	@$(BIN)/python -m tools.reference_pages docs

diagrams: setup ## Draw docs/diagrams from tools/diagrams and the live schema
	@$(BIN)/python -m tools.diagrams

screenshots: setup ## Take screenshots of every page of the portal in build/screenshots (needs Chromium)
	@$(BIN)/python -m tools.screenshots

pictures: setup ## Take the screenshots in docs/pictures (needs Chromium)
	@$(BIN)/python -m tools.pictures

lock: ## Update the lock files (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --all-extras pyproject.toml -o requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header pyproject.toml requirements-lambda.in -o requirements-lambda.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header requirements-scan.in -o requirements-scan.lock

clean: ## Remove generated files
	@rm -rf .venv .venv-3.13 .venv-scan .onboarding samples .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		.cache .bench build dist site
