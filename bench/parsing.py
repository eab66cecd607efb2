"""csv-parser's processor time and memory from the file's bytes to staged items; AWS calls return at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from bench import files
from bench.harness import Harness, discard_output, start_harness
from bench.measure import Report, timed
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import HeaderMapping, MappingDocument
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.storage.audit_log import Actor
from onboarding.storage.mappings import save_mapping

PART = "parsing"
MAX_CPU = 25.0
MAX_MAPPED_RATIO = 1.1
MAX_MEMORY = 120.0
SMALL = files.csv_file(10, "small")
"""A file that starts the child process, so that the figures describe the measured file only."""

_TICKS = os.sysconf("SC_CLK_TCK")


def measure(report: Report, *, quick: bool) -> None:
    """Measure the time of a file of 10,000 rows, and the memory of the largest file."""
    rounds, rows = (1, 200) if quick else (5, 10_000)
    with start_harness() as harness:
        content = files.csv_file(rows, "parse")
        save_mapping_of_own_names(harness)
        parse_once(harness, SMALL, "small")
        cpu, mapped_cpu, elapsed = [], [], []
        for number in range(rounds):
            cpu_seconds, seconds = parse_once(harness, content, f"r{number}")
            cpu.append(cpu_seconds * 1e6 / rows)
            elapsed.append(seconds * 1e6 / rows)
            mapped_cpu.append(parse_once(harness, use_own_names(content), f"m{number}")[0] * 1e6 / rows)
        report.add(PART, "CPU, bytes to items", "us/row", cpu, MAX_CPU)
        report.ratio(PART, "CPU with a mapping / without", mapped_cpu, cpu, MAX_MAPPED_RATIO)
        report.add(PART, "wall clock, with the database", "us/row", elapsed)
    largest = [_memory_over_import(files.largest_file("large")) for _ in range(1 if quick else 3)]
    report.add(PART, "memory over the import, 10,000 rows and 9.7 MB", "MB", largest, MAX_MEMORY)


def use_own_names(content: bytes) -> bytes:
    """Return the file with headers that only a mapping resolves."""
    names, _, rows = content.partition(b"\n")
    return b",".join(b"Own " + name for name in names.split(b",")) + b"\n" + rows


def save_mapping_of_own_names(harness: Harness) -> None:
    """Store the mapping of the headers of `use_own_names`, with a number format for each column of numbers."""
    columns = {
        f"Own {name}": HeaderMapping((name,), MappedNumberFormat() if name in NUMBER_COLUMNS else None)
        for name in COLUMNS
    }
    with harness.connect() as connection:
        document = MappingDocument(columns)
        save_mapping(
            connection, Actor("command:bench"), files.VENDOR, document, name="Own names", headers=list(columns)
        )


def parse_once(harness: Harness, content: bytes, version_id: str) -> tuple[float, float]:
    """Run a file through the handler; return processor time and wall clock in seconds."""
    key = f"uploads/{files.VENDOR}/bench.csv"
    harness.objects[key] = content
    # The same content within a day would be rejected as a duplicate.
    with harness.connect() as connection:
        connection.execute("truncate upload_history cascade")
    with discard_output():
        from onboarding.lambda_handlers.csv_parser import handler  # noqa: PLC0415 - its logger keeps this output

        before = children_cpu()
        with timed() as watch:
            handler(files.s3_event("bench", key, version_id), None)
    return watch.cpu + children_cpu() - before, watch.elapsed


def list_children() -> list[Path]:
    """Return the running child processes of this one as folders of /proc."""
    lists = Path("/proc/self/task").glob("*/children")
    return [Path("/proc", pid) for path in lists for pid in path.read_text().split()]


def children_cpu() -> float:
    """Return the processor time of all child processes so far in seconds, ended ones included."""
    usage_after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # After the name, which may contain spaces, user and system time are the 12th and 13th field.
    stats = [(child / "stat").read_text().rpartition(")")[2].split() for child in list_children()]
    running = sum(int(user) + int(system) for *_, user, system in (fields[:13] for fields in stats)) / _TICKS
    return running + usage_after.ru_utime + usage_after.ru_stime


# A peak cannot be reset, so each measurement runs in a process of its own.
MEMORY_SCRIPT = """
import sys
from bench import parsing
from bench.harness import discard_output, start_harness

with start_harness() as harness:
    content = sys.stdin.buffer.read()
    with discard_output():
        import onboarding.lambda_handlers.csv_parser
    parsing.parse_once(harness, parsing.SMALL, "small")
    before = parsing.read_memory("VmRSS")
    parsing.parse_once(harness, content, "large")
    print(parsing.read_memory("VmHWM") - before)
"""


def read_memory(name: str) -> float:
    """Return the current (`VmRSS`) or the highest (`VmHWM`) memory of this process and its children in MB."""
    statuses = [(process / "status").read_text() for process in (Path("/proc/self"), *list_children())]
    lines = [line for status in statuses for line in status.splitlines() if line.startswith(f"{name}:")]
    return sum(int(line.split()[1]) for line in lines) / 1024


def _memory_over_import(content: bytes) -> float:
    command = [sys.executable, "-c", MEMORY_SCRIPT]
    result = subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own interpreter
    return float(result.stdout)
