"""The pages on file format and rules are generated from the code and have every code of an answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboarding.domain.error_codes import REFUSALS, ROW_ERRORS, WARNINGS
from onboarding.domain.validation import RULES, validate_row
from tools.reference_pages import pages
from tools.rule_examples import EXAMPLES

ROOT = Path(__file__).parents[3]
RULES_ERRORS = {error.error_type for example in EXAMPLES for error in validate_row(example.row, example.facts)}


@pytest.mark.parametrize("name", pages())
def test_reference_page_is_generated_from_the_code(name: str) -> None:
    """Update it with: make reference"""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name]


def codes_given_to(kind: str) -> Iterator[str]:
    """The first argument of every call of `kind` in the package, where it is a plain text."""
    for path in (ROOT / "src" / "onboarding").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kind and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value


def test_every_refusal_and_every_warning_is_explained() -> None:
    assert set(codes_given_to("Refusal")) == REFUSALS.keys()
    assert set(codes_given_to("FileWarning")) == WARNINGS.keys()


def test_every_error_of_a_row_is_explained_or_has_an_example() -> None:
    assert set(codes_given_to("RowError")) <= RULES_ERRORS | ROW_ERRORS.keys()


def test_every_rule_has_an_example_that_says_what_was_expected() -> None:
    for name, check in RULES:
        errors = [error for example in EXAMPLES for error in check(example.row, example.facts)]
        assert errors, name
        assert all(error.expected for error in errors), name
        # Where a value was rejected, it is there; a missing one is not.
        assert all(error.value for error in errors if error.error_type != "MISSING_REQUIRED_FIELDS"), name
