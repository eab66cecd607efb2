"""The words that docs/troubleshooting.md quotes are those that the code says."""

from __future__ import annotations

import re
from functools import cache

import pytest

from onboarding.domain.error_codes import RejectionCode, RowErrorCode, WarningCode
from onboarding.domain.validation import validate_row
from tests.support.doc_pages import DOCS, ROOT
from tools.rule_examples import EXAMPLES

PAGE = DOCS / "troubleshooting.md"


def quoted() -> list[str]:
    """What a reader may look for: the quoted words of the symptoms, without commands and codes."""
    symptoms = re.findall(r"^\| (.+?) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    words = {words for symptom in symptoms for words in re.findall(r"`([^`]+)`", symptom)}
    return sorted(found for found in words if " " in found and not found.startswith(("make ", "onboarding ")))


@cache
def said() -> str:
    """All that the code may say: sources with their strings joined, and what the examples of the rules come to."""
    folders = (ROOT / "src", ROOT / "tools")
    texts = [path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.rglob("*.py"))]
    # A sentence may go on in the next string.
    sources = re.sub(r'"\s*\n\s*f?"', "", "\n".join(texts))
    messages = [error.message for example in EXAMPLES for error in validate_row(example.row, example.facts)]
    return "\n".join((sources, *messages, (ROOT / "Makefile").read_text(encoding="utf-8")))


@pytest.mark.parametrize("words", quoted())
def test_the_code_says_what_the_page_quotes(words: str) -> None:
    assert words in said()


def test_there_is_something_to_hold_it_to() -> None:
    assert len(quoted()) > 20


def test_the_codes_that_it_names_are_there() -> None:
    named = set(re.findall(r"`([A-Z]{3,}(?:_[A-Z]+)+)`", PAGE.read_text(encoding="utf-8"))) - {"ONBOARDING_STATE"}
    assert named <= {*RejectionCode, *RowErrorCode, *WarningCode}
