"""docs/security.md names test modules for every threat; they exist."""

from __future__ import annotations

import re

import pytest

from tests.support.doc_pages import DOCS, ROOT, rows, section

THREATS = list(rows(section(DOCS / "security.md", "## Threats and controls")))
MODULES = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize(("threat", "tests"), [(row[0], row[2]) for row in THREATS])
def test_threat_names_tests_that_exist(threat: str, tests: str) -> None:
    test_names = set(re.findall(r"test_\w+", tests))
    assert test_names, threat
    assert test_names <= MODULES
