"""The pages on file format and rules are generated from the code and have every code of a response."""

from __future__ import annotations

import pytest

from onboarding.domain.error_codes import Code, RejectionCode, RowErrorCode, WarningCode
from onboarding.domain.validation import RULES, validate_row
from tests.support.paths import ROOT
from tools.reference_pages import pages
from tools.rule_examples import EXAMPLES

RULES_ERRORS = {error.error_type for example in EXAMPLES for error in validate_row(example.row, example.facts)}


@pytest.mark.parametrize("name", pages())
def test_reference_page_is_generated_from_the_code(name: str) -> None:
    """Update it with: make reference"""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name]


@pytest.mark.parametrize("codes", [RejectionCode, WarningCode, RowErrorCode])
def test_every_code_is_its_name_and_has_a_description(codes: type[Code]) -> None:
    assert [code.name for code in codes] == [code.value for code in codes]
    assert all(code.description for code in codes)


def test_every_error_of_the_rules_has_an_example() -> None:
    of_the_file = {"CANCELLED", "CANNOT_BE_CLEARED", "FILE_REJECTED", "NOT_PROCESSED", "REJECTED_BY_CATALOG"}
    assert set(RowErrorCode) - of_the_file == RULES_ERRORS


def test_every_rule_has_an_example_with_its_message() -> None:
    for name, check in RULES:
        errors = [error for example in EXAMPLES for error in check(example.row, example.facts)]
        assert errors, name
        assert all(error.expected for error in errors), name
        # Where a value was rejected, it is there. A missing one is not, nor a version, which means nothing to people.
        without_value = {"MISSING_REQUIRED_FIELDS", "STALE_ROW"}
        assert all(error.value for error in errors if error.error_type not in without_value), name
