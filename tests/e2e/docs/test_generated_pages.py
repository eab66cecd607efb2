"""Generated pages: equal to the text from the code, with every code explained."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from onboarding.domain.error_codes import REFUSALS, ROW_ERRORS, WARNINGS
from onboarding.domain.validation import RULES, validate_row
from tests.support.paths import ROOT
from tools.reference_pages import pages
from tools.rule_examples import EXAMPLES

RULES_ERRORS = {error.error_type for example in EXAMPLES for error in validate_row(example.row, example.facts)}


@pytest.mark.parametrize("name", pages())
def test_page_equals_its_generated_text(name: str) -> None:
    """Write it anew with: python -m tools.reference_pages docs"""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name]


def codes_given_to(kind: str) -> Iterator[str]:
    """The first argument of every call of `kind` in the package, where it is a plain text."""
    for path in (ROOT / "src" / "onboarding").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kind and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value


def test_page_explains_every_rejection_and_warning() -> None:
    assert set(codes_given_to("Refusal")) == REFUSALS.keys()
    assert set(codes_given_to("FileWarning")) == WARNINGS.keys()


def test_page_explains_every_row_error() -> None:
    assert set(codes_given_to("RowError")) <= RULES_ERRORS | ROW_ERRORS.keys()


def test_every_rule_has_an_example_with_its_message() -> None:
    for name, check in RULES:
        errors = [error for example in EXAMPLES for error in check(example.row, example.facts)]
        assert errors, name
        assert all(error.expected for error in errors), name
        # Where a value was rejected, it is there; a missing one is not.
        assert all(error.value for error in errors if error.error_type != "MISSING_REQUIRED_FIELDS"), name
