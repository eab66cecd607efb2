"""The benchmarks run. Their figures are asserted nowhere, since they differ between machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT


def test_bench_quick_run_writes_its_figures(tmp_path: Path) -> None:
    result = tmp_path / "results" / "result.json"
    command = [sys.executable, "-m", "bench", "validation", "--quick", "--json", str(result)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "validation" in done.stdout
    names = [figure["name"] for figure in json.loads(result.read_text())["figures"]]
    assert "new products / floor, batches of 100" in names
