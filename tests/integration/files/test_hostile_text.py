"""Hostile text files are parsed in bounded time and memory at every size."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable

import pytest

MOST_SECONDS = 10.0
MOST_MEGABYTES = 300
SIZES = (100_000, 10 * 1024 * 1024)

HEADER = b"vendor_product_id,product_name,category,sku,price,stock_quantity\n"


def repeated(unit: bytes, before: bytes = b"", behind: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: before + unit * ((size - len(before) - len(behind)) // len(unit)) + behind


def any_bytes(first: int) -> Callable[[int], bytes]:
    chosen = bytes(random.Random(first).choices(range(first, 256), k=1 << 16))  # noqa: S311
    return lambda size: (chosen * (size // len(chosen) + 1))[:size]


def different_at_the_end(count: int) -> Callable[[int], bytes]:
    pairs = [bytes([first, second]) for first in range(0xA0, 0x100) for second in range(0xA0, 0x100)]
    end = b",".join(pairs * 4)[:count]
    return lambda size: HEADER + b"a" * (size - len(HEADER) - len(end)) + end


# Each makes bytes of about the size that it is asked for.
KINDS: dict[str, Callable[[int], bytes]] = {
    "umlauts": repeated("ä".encode("cp1252")),
    "umlauts-under-a-header": repeated("ä".encode("cp1252"), HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "umlauts-and-letters": repeated("aä".encode("cp1252")),
    "umlauts-between-commas": repeated(b",\xe4"),
    "capitals-with-tilde": repeated(b"\xc3"),
    "bytes-of-ones": repeated(b"\xff"),
    "zeros": repeated(b"\0"),
    "zeros-behind-letters": repeated(b"a\0"),
    "zeros-among-letters": repeated(b"aaaa\0", HEADER),
    "ends-of-file": repeated(b"\x1a", HEADER),
    "double-encoded": repeated("Ã©".encode(), HEADER),
    "double-encoded-and-damaged": repeated("Ã©".encode(), HEADER, b"\xe9"),
    "utf8-and-damaged": repeated("é".encode(), HEADER, b"\xe9"),
    "utf8-of-three-and-damaged": repeated("鼠".encode(), HEADER, b"\xe9"),
    "nearly-double-encoded": repeated("\u0420\u0456 ".encode(), HEADER),
    "apostrophes": repeated(b"\x92", HEADER),
    "known-words": repeated(b"women\x92s ", HEADER),
    "quotes-and-letters": repeated(b"\xdf\x93 ", HEADER, b"\xe4"),
    "letters-then-one-byte": repeated(b"a", HEADER, b"\xe9"),
    "blank-lines-then-one-byte": repeated(b"\n", b"", b"\xe9"),
    "byte-order-marks": repeated(b"\xff\xfe"),
    "byte-order-marks-of-utf8": repeated(b"\xef\xbb\xbf"),
    "chinese-in-utf16": repeated("中文,字\n".encode("utf-16-le"), b"\xff\xfe"),
    "question-marks": repeated(b"?", HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "question-marks-and-letters": repeated(b"a?", HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "underscores": repeated(b"a_", HEADER + b"1,", b",Kitchen,1,1,1\n"),
    "tags": repeated(b"<a "),
    "brackets": repeated(b"<"),
    "sql": repeated(b"CREATE OR REPLACE "),
    "sylk": repeated(b"A;\n", b"ID;P\n"),
    "mail": repeated(b"From: a\n"),
    "different-letters-at-the-end": different_at_the_end(60_000),
    "any-bytes": any_bytes(0),
    "any-bytes-above-ascii": any_bytes(0xA0),
}

# Run alone, so that its time and memory are its own.
READ = """
import json, resource, sys, time
from onboarding.files.parser import Refusal, parse
from tests.integration.files.test_hostile_text import KINDS
content = KINDS[sys.argv[1]](int(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.process_time()
found = parse(content, "UPLOAD_1", "VEND001")
seconds = time.process_time() - begun
megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
answer = found.code if isinstance(found, Refusal) else len(found.rows)
print(json.dumps({"seconds": seconds, "megabytes": megabytes, "answer": answer}))
"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_parse_hostile_text_is_answered_in_bounded_time_and_memory(kind: str, size: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, kind, str(size)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["answer"]
    assert measured["seconds"] < MOST_SECONDS, measured
    assert measured["megabytes"] < MOST_MEGABYTES, measured
