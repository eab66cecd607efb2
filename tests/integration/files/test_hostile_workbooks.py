"""Hostile workbooks are parsed in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from onboarding.domain.error_codes import RejectionCode
from tests.support.hostile_workbooks import HONEST, MOST_CPU, MOST_MEMORY, cases
from tests.support.paths import ROOT


def answers_of_all() -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.support.hostile_workbooks"]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    answers = map(json.loads, done.stdout.splitlines())
    return {answer["case"]: answer for answer in answers}


def test_parse_hostile_workbooks_are_answered_within_bounds() -> None:
    answers = answers_of_all()
    assert answers.keys() == cases().keys() | HONEST.keys()
    wrong = {
        name: answer
        for name, answer in answers.items()
        if answer["code"] not in {"read", *RejectionCode} or answer["cpu"] > MOST_CPU or answer["memory"] > MOST_MEMORY
    }
    assert wrong == {}
    assert {answers[name]["code"] for name in HONEST} == {"read"}
    for name in ("comment 10 MB and cells", "comment and entities", "attributes 3500000", "data validation 90 MB"):
        assert answers[name]["code"] == "WORKBOOK_TOO_LARGE", name
    for name in ("lzma", "lzma with 4 GB", "bzip2", "deflate64", "format [ x140000", "entities", "shared string -1"):
        assert answers[name]["code"] == "UNREADABLE_XLSX", name
