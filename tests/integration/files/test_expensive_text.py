"""Expensive text is parsed in bounded time and memory at any size."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.files.parser import parse, table_of
from tests.support.expensive_text import KINDS, content_of

MOST_SECONDS = 5.0
MOST_MB = 300


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_parse_heavy_text_of_a_size_is_answered(kind: str, size: int) -> None:
    content = content_of(kind, size)
    start = time.process_time()
    found = parse(content, "UPLOAD_1", "VEND001")
    # Ten megabytes may take five seconds: this much of them, with a wide margin for what does not grow.
    assert time.process_time() - start < 1 + MOST_SECONDS * size / 1_000_000
    if isinstance(found, FileRejection):
        assert found.code in set(RejectionCode)
    else:
        assert table_of(content) == found.table


def test_parse_heavy_text_of_full_size_takes_bounded_time_and_memory() -> None:
    # Processes of their own: memory that was used once stays with a process.
    command = [sys.executable, "-m", "tests.support.expensive_text"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(run.stdout)
    assert figures.keys() == KINDS.keys()
    assert {kind: took for kind, took in figures.items() if took[0] > MOST_SECONDS or took[1] > MOST_MB} == {}
