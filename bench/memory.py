"""`python -m bench.memory URL UPLOAD_ID FILE`: print the peak memory of finalizing an upload in MB (Linux only).

It runs in a process of its own, since the peak of a process cannot be reset.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench.error_report import finalize_once
from bench.harness import use_database


def main(url: str, upload_id: str, file: Path) -> None:
    """Finalize the upload once and print the peak."""
    with use_database(url) as harness:
        with harness.connect() as connection:
            query = "select s3_key from upload_history where upload_id = %s"
            [(key,)] = connection.execute(query, (upload_id,)).fetchall()
        harness.objects[key] = file.read_bytes()
        finalize_once(harness, upload_id)
    print(peak())


def peak() -> float:
    """Return the peak memory of this process in MB."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None  # noqa: S101 - the kernel reports it for every process
    return int(match[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
