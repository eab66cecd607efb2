"""csv-parser from the file's bytes to staged items: our CPU, botocore's for the same calls, calls, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from bench import data
from bench.measure import Report, timed
from bench.stand import Stand, quiet, stand
from onboarding.aws.dynamodb_wire import send_as_written

PART = "parser"
MOST_CPU = 25.0
MOST_MEMORY = 120.0
SMALL = data.csv_file(10, "small")
"""A file that starts the process that parses, so that the figures are of the file alone."""

_TICKS = os.sysconf("SC_CLK_TCK")


def measure(report: Report, *, quick: bool) -> None:
    rounds, rows = (1, 200) if quick else (5, 10_000)
    with stand() as here:
        content = data.csv_file(rows, "read")
        parsed = data.rows_of(content, "READ")
        parse_once(here, data.csv_file(10, "warm"), "warm")
        own, wall, botocore = [], [], []
        for number in range(rounds):
            cpu, seconds = parse_once(here, content, f"r{number}")
            own.append(cpu * 1e6 / rows)
            wall.append(seconds * 1e6 / rows)
            botocore.append(_botocore_cpu(here, parsed) * 1e6 / rows)
        report.add(PART, "own CPU, bytes to items", "us/row", own, MOST_CPU)
        report.add(PART, "own wall clock, with the database", "us/row", wall)
        report.add(PART, "botocore's CPU for the same calls", "us/row", botocore)
    largest = [_memory_over_import(data.largest_file("large")) for _ in range(1 if quick else 3)]
    report.add(PART, "memory over the import, 10,000 rows and 9.7 MB", "MB", largest, MOST_MEMORY)


def parse_once(here: Stand, content: bytes, version_id: str) -> tuple[float, float]:
    """The file through the handler; AWS answers at once. CPU and wall clock in seconds."""
    key = f"uploads/{data.VENDOR}/bench.csv"
    here.objects[key] = content
    # A file of the same bytes within a day is no new upload.
    with here.connect() as connection:
        connection.execute("truncate upload_history cascade")
    with quiet():
        from onboarding.lambda_handlers.csv_parser import handler  # noqa: PLC0415 - its logger writes where we say

        before = children_cpu()
        with timed() as watch:
            handler(data.s3_event("bench", key, version_id), None)
    return watch.cpu + children_cpu() - before, watch.wall


def children() -> list[Path]:
    """The running child processes of this one, such as the one that parses files, as folders of /proc."""
    lists = Path("/proc/self/task").glob("*/children")
    return [Path("/proc", pid) for found in lists for pid in found.read_text().split()]


def children_cpu() -> float:
    """The processor time of all child processes so far, in seconds: one that grew large is replaced after its file."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Behind the name, which may have spaces in it, user and system time are the 12th and 13th field.
    fields = [(child / "stat").read_text().rpartition(")")[2].split() for child in children()]
    running = sum(int(user) + int(system) for *_, user, system in (found[:13] for found in fields)) / _TICKS
    return running + ended.ru_utime + ended.ru_stime


def _botocore_cpu(here: Stand, rows: Sequence[Any]) -> float:
    """What botocore spends on the same items when the network costs nothing: shaping, signing, reading the answer."""
    from onboarding.aws.staging_table import WRITE_BATCH, to_item  # noqa: PLC0415 - beside its use

    session: Any = boto3.session.Session()
    client = session.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - no secret
        config=Config(parameter_validation=False),
    )
    # As the pipeline's own client does: what is left is botocore's on any way.
    send_as_written(client)
    client.meta.events.register("before-send", _answer)
    table = here.context.settings.table
    requests = [{"PutRequest": {"Item": to_item(row)}} for row in rows]
    with timed() as watch:
        for start in range(0, len(requests), WRITE_BATCH):
            client.batch_write_item(RequestItems={table: requests[start : start + WRITE_BATCH]})
    return watch.cpu


class _Body:
    """The raw answer as botocore reads it."""

    def stream(self, **_: object) -> list[bytes]:
        return [b'{"UnprocessedItems": {}}']


def _answer(request: Any, **_: object) -> AWSResponse:
    headers: Any = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, 200, headers, _Body())


# A peak cannot be taken back, so each measurement has a process of its own.
MEMORY = """
import sys
from bench import reading
from bench.stand import quiet, stand

with stand() as here:
    content = sys.stdin.buffer.read()
    with quiet():
        import onboarding.lambda_handlers.csv_parser
    reading.parse_once(here, reading.SMALL, "small")
    before = reading.memory("VmRSS")
    reading.parse_once(here, content, "large")
    print(reading.memory("VmHWM") - before)
"""


def memory(name: str) -> float:
    """What this process and its children hold (`VmRSS`), or the most that each has held so far (`VmHWM`), in MB. (What
    getrusage gives includes the parent's.)
    """
    statuses = [(process / "status").read_text() for process in (Path("/proc/self"), *children())]
    lines = [line for status in statuses for line in status.splitlines() if line.startswith(f"{name}:")]
    return sum(int(line.split()[1]) for line in lines) / 1024


def _memory_over_import(content: bytes) -> float:
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    return float(done.stdout)
