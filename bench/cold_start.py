"""The import of each function's handler in a new process, beside the imports of boto3 and psycopg."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onboarding.lambda_handlers
from bench.harness import ENVIRONMENT
from bench.measure import Report

PART = "cold start"
MAX_RATIO = 1.5
LIBRARIES = "boto3, psycopg"
FUNCTIONS = sorted(
    path.stem
    for path in Path(onboarding.lambda_handlers.__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "telemetry"}
)

SCRIPT = """
import time
started = time.perf_counter()
import {modules}
print(time.perf_counter() - started)
"""


def measure(report: Report, *, quick: bool) -> None:
    """Measure every function; each round starts the libraries and a function one after the other."""
    rounds = 1 if quick else 5
    for function in FUNCTIONS:
        libraries, handler = [], []
        for _ in range(rounds):
            libraries.append(_import_milliseconds(LIBRARIES))
            handler.append(_import_milliseconds(f"onboarding.lambda_handlers.{function}"))
        name = function.replace("_", "-")
        report.add(PART, f"{name}, import", "ms", handler)
        report.ratio(PART, f"{name} / {LIBRARIES}", handler, libraries, MAX_RATIO)


def _import_milliseconds(modules: str) -> float:
    command = [sys.executable, "-c", SCRIPT.format(modules=modules)]
    result = subprocess.run(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.PIPE, text=True, env=os.environ | ENVIRONMENT, check=True
    )
    return float(result.stdout) * 1000
