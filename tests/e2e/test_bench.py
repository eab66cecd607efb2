"""The benchmarks run; their figures depend on the machine and are not asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT


def test_bench_part_writes_its_figures(tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "result.json"
    command = [sys.executable, "-m", "bench", "judging", "--quick", "--json", str(kept)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "validator" in done.stdout
    names = [figure["name"] for figure in json.loads(kept.read_text())["figures"]]
    assert "fresh / floor, batches of 100" in names
