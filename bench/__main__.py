"""`python -m bench`: run the parts, print the table, keep the figures as JSON."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from bench import calls, cold, growth, judging, reading, reporting, whole
from bench.measure import Report
from bench.table import load, machine, table

PARTS = {
    "judging": judging.measure,
    "growth": growth.measure,
    "reading": reading.measure,
    "calls": calls.measure,
    "reporting": reporting.measure,
    "cold": cold.measure,
    "whole": whole.measure,
}
RESULT = Path(".bench/result.json")
QUIET_LOAD = 0.7
"""The most that the machine may have had to do in the minute before, in processes that want a core: above it, every
figure is somebody else's as well.
"""

BUSY = f"DISTURBED: the machine was busy before this run (a load above {QUIET_LOAD}); publish none of its figures."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the pipeline stage by stage.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these parts: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="one short round of each, to see that it works")
    parser.add_argument("--json", type=Path, default=RESULT, metavar="FILE", help=f"where to keep it ({RESULT})")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    print(run(options.parts or list(PARTS), quick=options.quick, keep=options.json))


def run(parts: list[str], *, quick: bool, keep: Path) -> str:
    """Measure these parts, keep the figures in the file `keep`; returns the table."""
    found = machine()
    if disturbed := load() > QUIET_LOAD:
        print(BUSY, flush=True)
    report = Report()
    began = time.monotonic()
    for part in parts:
        started = time.monotonic()
        PARTS[part](report, quick=quick)
        print(f"{part}: {time.monotonic() - started:.0f} s", flush=True)
    described = {**found, "minutes": f"{(time.monotonic() - began) / 60:.1f}"}
    keep.parent.mkdir(parents=True, exist_ok=True)
    figures = [figure.as_dict() for figure in report.figures]
    result = {"machine": described, "quick": quick, "disturbed": disturbed, "figures": figures}
    keep.write_text(json.dumps(result, indent=2) + "\n")
    lines = [f"{name}: {value}" for name, value in described.items()]
    if disturbed:
        lines += ["", BUSY]
    return "\n".join([*lines, "", table(report.figures)])


if __name__ == "__main__":
    main()
