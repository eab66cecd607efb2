"""Hostile workbooks are parsed in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from onboarding.domain.error_codes import RejectionCode
from tests.support.hostile_workbooks import LARGE_WORKBOOKS, MAX_CPU_SECONDS, MAX_MEMORY_MB, hostile_workbooks
from tests.support.paths import ROOT


def parse_all_cases() -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.support.hostile_workbooks"]
    process = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    results = map(json.loads, process.stdout.splitlines())
    return {result["case"]: result for result in results}


def test_parse_hostile_workbooks_end_within_time_and_memory_limits() -> None:
    results = parse_all_cases()
    assert results.keys() == hostile_workbooks().keys() | LARGE_WORKBOOKS.keys()
    over_limit = {
        name: result
        for name, result in results.items()
        if result["code"] not in {"read", *RejectionCode}
        or result["cpu"] > MAX_CPU_SECONDS
        or result["memory"] > MAX_MEMORY_MB
    }
    assert over_limit == {}
    assert {results[name]["code"] for name in LARGE_WORKBOOKS} == {"read"}
    for name in ("comment 10 MB and cells", "comment and entities", "attributes 3500000", "data validation 90 MB"):
        assert results[name]["code"] == "WORKBOOK_TOO_LARGE", name
    for name in ("lzma", "lzma with 4 GB", "bzip2", "deflate64", "format [ x140000", "entities", "shared string -1"):
        assert results[name]["code"] == "UNREADABLE_XLSX", name
