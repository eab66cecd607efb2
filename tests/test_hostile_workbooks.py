"""Every hostile workbook is answered within bounds of time and memory, by this Python and by that of the image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onboarding.codes import REFUSALS
from tests.hostile_workbooks import HONEST, MOST_CPU, MOST_MEMORY, cases

ROOT = Path(__file__).parent.parent
IMAGE = "python3.13"
"""The Python of the functions' image; its expat is another one."""


def image_python() -> str | None:
    """The image's Python, unless these tests run on it or there is none."""
    found = shutil.which(IMAGE)
    if sys.version_info[:2] == (3, 13) or found is None:
        return None
    answer = subprocess.run(
        [found, "-c", "import sys; print(sys.version_info[:2] == (3, 13))"], capture_output=True, check=False
    )
    return found if answer.stdout.strip() == b"True" else None


def answers_of(python: str) -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [python, "-m", "tests.hostile_workbooks"]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    answers = map(json.loads, done.stdout.splitlines())
    return {answer["case"]: answer for answer in answers}


@pytest.mark.parametrize("version", ["this", "image"])
def test_parse_hostile_workbooks_are_answered_within_bounds(version: str) -> None:
    python = sys.executable if version == "this" else image_python()
    if python is None:
        if os.environ.get("CI") and sys.version_info[:2] != (3, 13):
            pytest.fail(f"{IMAGE} must be there in CI")
        pytest.skip(f"no other {IMAGE} is there")
    answers = answers_of(python)
    assert answers.keys() == cases().keys() | HONEST.keys()
    wrong = {
        name: answer
        for name, answer in answers.items()
        if answer["code"] not in {"read", *REFUSALS} or answer["cpu"] > MOST_CPU or answer["memory"] > MOST_MEMORY
    }
    assert wrong == {}
    assert {answers[name]["code"] for name in HONEST} == {"read"}
    for name in ("comment 10 MB and cells", "comment and entities", "attributes 3500000", "data validation 90 MB"):
        assert answers[name]["code"] == "WORKBOOK_TOO_LARGE", name
    for name in ("lzma", "lzma with 4 GB", "bzip2", "deflate64", "format [ x140000", "entities", "shared string -1"):
        assert answers[name]["code"] == "UNREADABLE_XLSX", name
