"""`python -m bench`: run the parts, print the table, write the figures as JSON."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from bench import catalog, catalog_growth, cold_start, end_to_end, error_report, parsing, validation
from bench.measure import Report
from bench.table import load, machine, table

PARTS = {
    "validation": validation.measure,
    "catalog-growth": catalog_growth.measure,
    "catalog": catalog.measure,
    "parsing": parsing.measure,
    "error-report": error_report.measure,
    "cold-start": cold_start.measure,
    "end-to-end": end_to_end.measure,
}
RESULT = Path(".bench/result.json")
QUIET_LOAD = 0.7
"""Above this load in the minute before the run, other processes affect every figure."""

BUSY = f"DISTURBED: the load was above {QUIET_LOAD} before this run. Do not publish its figures."


def main() -> None:
    """Run the parts named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the pipeline stage by stage.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"run only these parts: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="run one short round of each part")
    parser.add_argument(
        "--json", type=Path, default=RESULT, metavar="FILE", help=f"the result file (default: {RESULT})"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}; parts are {', '.join(PARTS)}")
    print(run(options.parts or list(PARTS), quick=options.quick, result=options.json))


def run(parts: list[str], *, quick: bool, result: Path) -> str:
    """Measure these parts, write the figures to the file `result`, and return the table."""
    described = dict(machine())
    if disturbed := load() > QUIET_LOAD:
        print(BUSY, flush=True)
    report = Report()
    first = time.monotonic()
    for part in parts:
        started = time.monotonic()
        PARTS[part](report, quick=quick)
        print(f"{part}: {time.monotonic() - started:.0f} s", flush=True)
    described["minutes"] = f"{(time.monotonic() - first) / 60:.1f}"
    figures = [figure.as_dict() for figure in report.figures]
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(
        json.dumps({"machine": described, "quick": quick, "disturbed": disturbed, "figures": figures}, indent=2) + "\n"
    )
    lines = [f"{name}: {value}" for name, value in described.items()]
    if disturbed:
        lines += ["", BUSY]
    return "\n".join([*lines, "", table(report.figures)])


if __name__ == "__main__":
    main()
