"""Hostile text files are parsed in bounded time and memory at every size."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable

import pytest

MAX_SECONDS = 10.0
MAX_MEGABYTES = 300
SIZES = (100_000, 10 * 1024 * 1024)

HEADER = b"vendor_product_id,product_name,category,sku,price,stock_quantity\n"


def repeat(unit: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def random_bytes(first: int) -> Callable[[int], bytes]:
    chunk = bytes(random.Random(first).choices(range(first, 256), k=1 << 16))  # noqa: S311
    return lambda size: (chunk * (size // len(chunk) + 1))[:size]


def many_different_pairs(count: int) -> Callable[[int], bytes]:
    pairs = [bytes([first, second]) for first in range(0xA0, 0x100) for second in range(0xA0, 0x100)]
    end = b",".join(pairs * 4)[:count]
    return lambda size: HEADER + b"a" * (size - len(HEADER) - len(end)) + end


# Functions that return about the requested number of bytes.
KINDS: dict[str, Callable[[int], bytes]] = {
    "umlauts": repeat("ä".encode("cp1252")),
    "umlauts-under-a-header": repeat("ä".encode("cp1252"), HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "umlauts-and-letters": repeat("aä".encode("cp1252")),
    "umlauts-between-commas": repeat(b",\xe4"),
    "capitals-with-tilde": repeat(b"\xc3"),
    "bytes-of-ones": repeat(b"\xff"),
    "zeros": repeat(b"\0"),
    "zeros-behind-letters": repeat(b"a\0"),
    "zeros-among-letters": repeat(b"aaaa\0", HEADER),
    "ends-of-file": repeat(b"\x1a", HEADER),
    "double-encoded": repeat("Ã©".encode(), HEADER),
    "double-encoded-and-damaged": repeat("Ã©".encode(), HEADER, b"\xe9"),
    "utf8-and-damaged": repeat("é".encode(), HEADER, b"\xe9"),
    "utf8-of-three-and-damaged": repeat("鼠".encode(), HEADER, b"\xe9"),
    "nearly-double-encoded": repeat("\u0420\u0456 ".encode(), HEADER),
    "apostrophes": repeat(b"\x92", HEADER),
    "known-words": repeat(b"women\x92s ", HEADER),
    "quotes-and-letters": repeat(b"\xdf\x93 ", HEADER, b"\xe4"),
    "letters-then-one-byte": repeat(b"a", HEADER, b"\xe9"),
    "blank-lines-then-one-byte": repeat(b"\n", b"", b"\xe9"),
    "byte-order-marks": repeat(b"\xff\xfe"),
    "byte-order-marks-of-utf8": repeat(b"\xef\xbb\xbf"),
    "chinese-in-utf16": repeat("中文,字\n".encode("utf-16-le"), b"\xff\xfe"),
    "question-marks": repeat(b"?", HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "question-marks-and-letters": repeat(b"a?", HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "underscores": repeat(b"a_", HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "tags": repeat(b"<a "),
    "brackets": repeat(b"<"),
    "sql": repeat(b"CREATE OR REPLACE "),
    "sylk": repeat(b"A;\n", b"ID;P\n"),
    "email": repeat(b"From: a\n"),
    "different-letters-at-the-end": many_different_pairs(60_000),
    "any-bytes": random_bytes(0),
    "any-bytes-above-ascii": random_bytes(0xA0),
}

# Runs in a separate process, to measure time and memory of one file.
PARSE = """
import json, resource, sys, time
from onboarding.domain.models import FileRejection
from onboarding.files.parser import parse
from tests.integration.files.test_hostile_text import KINDS
content = KINDS[sys.argv[1]](int(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
result = parse(content, "UPLOAD_1", "VEND001")
seconds = time.process_time() - start
megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
outcome = result.code if isinstance(result, FileRejection) else len(result.rows)
print(json.dumps({"seconds": seconds, "megabytes": megabytes, "outcome": outcome}))
"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_parse_hostile_text_takes_bounded_time_and_memory(kind: str, size: int) -> None:
    process = subprocess.run(
        [sys.executable, "-c", PARSE, kind, str(size)], capture_output=True, text=True, check=False, timeout=120
    )
    assert process.returncode == 0, process.stderr
    measurements = json.loads(process.stdout)
    assert measurements["outcome"]
    assert measurements["seconds"] < MAX_SECONDS, measurements
    assert measurements["megabytes"] < MAX_MEGABYTES, measurements
