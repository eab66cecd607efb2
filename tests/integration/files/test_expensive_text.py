"""Expensive text is parsed in bounded time and memory at any size."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.files.parser import parse, parse_table
from tests.support.expensive_text import KINDS, make_content

MAX_SECONDS = 5.0
MAX_MB = 300


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_parse_expensive_text_takes_bounded_time(kind: str, size: int) -> None:
    content = make_content(kind, size)
    start = time.process_time()
    result = parse(content, "UPLOAD_1", "VEND001")
    # 10 MB may take 5 seconds. Smaller files have a margin of one second for constant costs.
    assert time.process_time() - start < 1 + MAX_SECONDS * size / 1_000_000
    if isinstance(result, FileRejection):
        assert result.code in set(RejectionCode)
    else:
        assert parse_table(content) == result.table


def test_parse_expensive_text_of_maximum_size_takes_bounded_time_and_memory() -> None:
    # One process for each file: the maximum memory of a process never decreases.
    command = [sys.executable, "-m", "tests.support.expensive_text"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    measurements = json.loads(process.stdout)
    assert measurements.keys() == KINDS.keys()
    assert {kind: usage for kind, usage in measurements.items() if usage[0] > MAX_SECONDS or usage[1] > MAX_MB} == {}
