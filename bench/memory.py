"""`python -m bench.memory URL UPLOAD_ID FILE`: the most memory that finishing an upload takes, in MB.

A process of its own: what another has done before would hide some of it. Linux alone tells it this way.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench.reporting import finish_once
from bench.stand import on_database


def main(url: str, upload_id: str, file: Path) -> None:
    with on_database(url) as here:
        with here.connect() as connection:
            query = "select s3_key from upload_history where upload_id = %s"
            [(key,)] = connection.execute(query, (upload_id,)).fetchall()
        here.objects[key] = file.read_bytes()
        finish_once(here, upload_id)
    print(peak())


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None  # noqa: S101 - the kernel tells it of every process
    return int(found[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
