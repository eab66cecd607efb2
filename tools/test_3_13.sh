#!/usr/bin/env bash
# Runs the tests of parsing on Python 3.13, the version of the functions' image, in a separate virtual environment.
set -euo pipefail
cd "$(dirname "$0")/.."

# pyenv has a launcher on the PATH for every installed version, which runs only selected versions.
if command -v pyenv >/dev/null; then
    PYENV_VERSION=$(pyenv versions --bare --skip-aliases | grep '^3\.13\.' | tail -n 1) && export PYENV_VERSION
fi
if ! python3.13 -c '' 2>/dev/null; then
    if [ -n "${CI:-}" ]; then
        echo "python3.13 is missing: CI must run these tests"
        exit 1
    fi
    echo "SKIPPED: python3.13 is missing"
    exit 0
fi

venv=.venv-3.13
if [ ! -e $venv/installed ] || [ requirements.lock -nt $venv/installed ] || [ pyproject.toml -nt $venv/installed ]; then
    python3.13 -m venv $venv
    $venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
    $venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    touch $venv/installed
fi
# Parsing and validation, with the corpus, the hostile files and a part of the fuzz cases.
exec $venv/bin/python -m pytest -q --numprocesses auto --dist loadfile tests/unit/files tests/unit/domain \
    tests/integration/files tests/integration/pipeline/test_corpus.py tests/integration/pipeline/test_fuzz.py \
    tests/integration/pipeline/test_dry_run.py
