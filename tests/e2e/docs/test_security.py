"""docs/security.md names, for each threat, a wall in a file and tests that pull at it: both are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.doc_pages import DOCS, ROOT, rows, section

PAGE = DOCS / "security.md"
THREATS = rows(section(PAGE, "## What is tried, and what stops it"))

UNTESTED = {"A library has a hole"}
"""What only somebody outside can tell."""


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("threat", "where", "tests"), [(row[0], row[2], row[3]) for row in THREATS])
def test_a_wall_is_where_it_is_said_to_be_and_is_tested(threat: str, where: str, tests: str) -> None:
    files = [name.strip("` ") for name in where.split(",")]
    assert [name for name in files if not (ROOT / name).is_file()] == []
    named = re.findall(r"(tests/[\w/]+\.py)::(test_\w+)", tests)
    assert named or threat in UNTESTED
    assert [f"{path}::{test}" for path, test in named if test not in functions_in(ROOT / path)] == []


def test_every_part_of_the_page_has_threats() -> None:
    parts = re.findall(r"^### .+$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(parts) > 3
    assert [part for part in parts if not rows(section(PAGE, part))] == []
